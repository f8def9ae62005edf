"""Training steps of the attention architecture, with and without token dropping.

Three ways to take the same step on the same net (blocks, widths, loss, optimiser):

* *visible*: the encoder computes on visible patches alone, as skmae does;
* *mask tokens*: hidden patches enter the encoder as a learned token;
* *reference*: the formulation of He et al. written plainly: shuffle patches by
  random noise, keep the first, encode, append mask tokens, unshuffle, decode. It has
  no code to decode and serves complete rows and equal counts only.

With --device cuda it also compares bfloat16 and compiled steps, and tells what share
of the rate of large matrix products the steps reach.

Times are CPU-seconds of the process on the CPU, wall-clock between synchronised
points elsewhere; the three ways take turns, and medians are compared.
"""

import itertools

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.measure import Clock
from benchmarks.tables import Measure, View
from skmae._device import autocast
from skmae._random import torch_generator
from skmae.data.codec import Layout
from skmae.data.grid import make_grid
from skmae.masking.sampler import MaskSampler
from skmae.networks.attention import Block, TokenEncoder, VisibleTokens
from skmae.networks.layers import linear
from skmae.networks.losses import MaskedLoss
from skmae.networks.masked_attention import MaskedAttention
from skmae.networks.tokens import sine_cosine
from skmae.training.recorded import RecordedSteps

CASES = [  # side, patch, width, blocks
    (28, 7, 128, 4),
    (28, 4, 64, 4),
    (28, 4, 128, 4),
    (28, 4, 192, 4),
    (64, 8, 128, 4),
    (56, 4, 64, 4),
    (56, 4, 128, 4),
    (56, 4, 192, 4),
]
N_WARM_UP = 5  # steps: some are compiled or recorded
BY_SHARE = "49 tokens, width 128"
QUICK = {"rows": 8, "repeats": 1}
MEASURES = (Measure("ms", 1), Measure("quotient", 2))
RATES = (Measure("rows/s", 0), Measure("% of rate", 1))
VIEWS = {
    "steps": View(("case",), "method", MEASURES, each=("table",), names=("image",)),
    "rates": View(("case",), "measure", RATES, each=("table",), names=("image",)),
}


def add_options(parser):
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=15)


class MaskTokenEncoder(TokenEncoder):
    """An encoder in which hidden units take part, as one and the same token."""

    def forward(self, inputs, hidden):
        """Encode all units."""
        tokens = self.embed(self.slots.group(inputs))
        visible = self.visible_units(hidden)
        tokens = torch.where(visible[:, :, None], tokens, self.row) + self.positions
        row = self.row.to(tokens.dtype).expand(len(tokens), 1, -1)
        tokens = torch.cat([row, tokens], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)
        every = torch.arange(self.n_units, device=hidden.device)
        units = every.expand(len(hidden), -1)
        return VisibleTokens(tokens[:, 0], tokens[:, 1:], units, None)


class Reference(nn.Module):
    """The masked autoencoder of He et al. for square images of one channel."""

    def __init__(self, side, patch, width, n_blocks, grid):
        super().__init__()
        generator = torch_generator(0)
        self.side, self.patch = side, patch
        small = width // 2
        self.embed = linear(patch**2, width, generator)
        self.row = nn.Parameter(torch.zeros(1, 1, width))
        self.hidden = nn.Parameter(torch.zeros(1, 1, small))
        positions, decoder_positions = (
            sine_cosine(grid.coordinates, n) for n in (width, small)
        )
        self.register_buffer("positions", positions)
        self.register_buffer("decoder_positions", decoder_positions)
        self.blocks = nn.ModuleList(
            [Block(width, "gelu", generator) for _ in range(n_blocks)]
        )
        self.norm = nn.LayerNorm(width)
        self.to_decoder = linear(width, small, generator)
        self.decoder = Block(small, "gelu", generator)
        self.decoder_norm = nn.LayerNorm(small)
        self.head = linear(small, patch**2, generator)

    def patchify(self, images):
        """(N, side * side) -> (N, L, patch * patch)."""
        n, p = self.side // self.patch, self.patch
        x = images.reshape(-1, n, p, n, p).permute(0, 1, 3, 2, 4)
        return x.reshape(len(images), n * n, p * p)

    def forward(self, images, n_visible):
        """Loss on hidden patches."""
        target = self.patchify(images)
        x = self.embed(target) + self.positions
        n_rows, length, width = x.shape
        order = torch.rand(n_rows, length, device=x.device).argsort(dim=1)
        back = order.argsort(dim=1)
        kept = order[:, :n_visible, None].expand(-1, -1, width)
        x = torch.cat([self.row.expand(n_rows, -1, -1), x.gather(1, kept)], dim=1)
        for block in self.blocks:
            x = block(x)
        x = self.to_decoder(self.norm(x))
        fill = self.hidden.to(x.dtype).expand(n_rows, length - n_visible, -1)
        y = torch.cat([x[:, 1:], fill], dim=1)
        y = y.gather(1, back[:, :, None].expand(-1, -1, y.shape[2]))
        y = self.head(self.decoder_norm(self.decoder(y + self.decoder_positions)))
        hidden = (back >= n_visible).float()
        error = F.huber_loss(y.float(), target, reduction="none").mean(dim=2)
        return (error * hidden).sum() / hidden.sum()


def make_steps(
    side, patch, width, n_blocks, ratio, n_rows, device, precision, jit, recorded=False
):
    """The three ways to take a step, each a function without arguments."""
    shape = (side, side)
    grid = make_grid(side**2, shape, patch)
    layout = Layout(
        numeric=tuple(range(side**2)),
        categorical=(),
        cardinalities=(),
        means=np.zeros(side**2, dtype=np.float32),
        stds=np.ones(side**2, dtype=np.float32),
    )
    rows = torch.randn(n_rows, side**2, generator=torch_generator(0)).to(device)
    sampler = MaskSampler(ratio, "random", grid).to(device)
    masks = torch_generator(0, device)
    loss = MaskedLoss(layout, "huber", 0.0).to(device)

    def step_of(net, draw, compute):
        net.to(device).train()
        if jit:
            net.compile()
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)

        def gradient(*drawn):
            with autocast(device, precision):
                out = compute(net, *drawn)
            out.backward()
            return (out.detach(),)

        if recorded:
            gradient = RecordedSteps(gradient, net.parameters(), device)

        def step():
            optimizer.zero_grad()
            gradient(*draw())
            optimizer.step()

        return step

    code_alone = torch.arange(n_rows, device=device) % 2 == 1
    n_drawn = max(n_rows, 2**20 // grid.n_units)  # at once, as in a fit
    spare = []

    def draw():
        if not spare:
            spare.extend(sampler.sample(n_drawn, None, masks).split(n_rows))
            if len(spare[-1]) < n_rows:
                del spare[-1]
        return (spare.pop(),)

    def masked(net, hidden):
        out = net(rows, hidden, None, code_alone)
        return loss(out.float(), rows, hidden | code_alone[:, None])

    def make(encoder):
        net = MaskedAttention(
            layout, grid, True, 256, (width,) * n_blocks, "mean", "gelu",
            "identity", False, 0,
        )  # fmt: skip
        net.tokens.encoder.__class__ = encoder
        net.expect_visible((n_visible, n_visible))
        return step_of(net, draw, masked)

    n_visible, _ = sampler.visible_range(complete=True)
    reference = Reference(side, patch, width, n_blocks, grid)
    return {
        "visible": make(TokenEncoder),
        "mask tokens": make(MaskTokenEncoder),
        "reference": step_of(reference, tuple, lambda net: net(rows, n_visible)),
    }


def seconds(steps, device, n_repeats):
    """Median time of a step of each kind, taken in turns."""
    times = {name: [] for name in steps}
    for step in steps.values():
        for _ in range(N_WARM_UP):
            step()
    for _ in range(n_repeats):
        for name, step in steps.items():
            with Clock(device) as clock:
                step()
            times[name].append(clock.seconds)
    return {name: float(np.median(t)) for name, t in times.items()}


def matmul_rate(device, dtype):
    """Multiply-adds a second of a large product, times two."""
    n = 8192
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    for _ in range(3):
        a @ b
    with Clock(device) as clock:
        for _ in range(10):
            a @ b
    return 10 * 2 * n**3 / clock.wall


def flops(side, patch, width, n_blocks, ratio, n_rows):
    """Operations in matrix products of a training step on visible tokens."""
    length = (side // patch) ** 2
    kept = length - round(ratio * length) + 1

    def block(tokens, width):
        return tokens * 12 * width**2 + 2 * tokens**2 * width

    macs = n_blocks * block(kept, width) + block(length, width // 2)
    macs += length * patch**2 * (width + width // 2) + kept * width * width // 2
    return 3 * 2 * macs * n_rows  # forward, and twice that backward


def note(run, table, case, t):
    """Milliseconds of each way, and their quotients to those of visible patches."""
    for method, value in t.items():
        figures = {"ms": 1e3 * value}
        if method != "visible":
            figures["quotient"] = value / t["visible"]
        run.note(table, method, 0, figures, case)


def run(run):
    n_rows, n_repeats = run.options.rows, run.options.repeats
    device = torch.device(run.options.device)
    kinds = [("float32", False)]
    if device.type == "cuda":
        kinds = list(itertools.product(("float32", "bfloat16"), (False, True)))
    for precision, jit in kinds:
        table = f"{precision}, compiled" if jit else precision
        for side, patch, width, n_blocks in CASES[: 1 if run.quick else None]:
            case = f"{side} x {side}, patch {patch}, width {width}"
            size = (side, patch, width, n_blocks, 0.75, n_rows)
            t = seconds(make_steps(*size, device, precision, jit), device, n_repeats)
            note(run, table, case, t)
            if device.type == "cuda":
                dtype = getattr(torch, precision)
                share = flops(*size) / t["visible"] / matmul_rate(device, dtype)
                figures = {"rows/s": n_rows / t["visible"], "% of rate": 100 * share}
                run.note(table, "visible", 0, figures, case)
    for ratio in (0.25, 0.5, 0.75, 0.9):
        steps = make_steps(28, 4, 128, 4, ratio, n_rows, device, "float32", False)
        del steps["reference"]
        note(run, BY_SHARE, f"{ratio} hidden", seconds(steps, device, n_repeats))
