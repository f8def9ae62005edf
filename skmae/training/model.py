"""What a fit leaves behind: all it takes to apply a network to rows."""

import numpy as np

from skmae._device import resolve_device, training
from skmae.masking.sampler import MaskSampler
from skmae.masking.steps import StepSampler
from skmae.training.build import load_net
from skmae.training.inference import BATCH_ROWS, Inference
from skmae.training.scoring import scoring_panel
from skmae.training.sequence_inference import SequenceInference


class FittedModel:
    """A network with the codec, settings and device that belong to it.

    This is what is pickled, without torch or skorch objects: the network as numpy
    arrays, from which it is rebuilt on a device that is there.

    Parameters
    ----------
    codec : TableCodec
    grid : UnitGrid
    settings : Settings
    seeds : dict of str to int
        Seed of each purpose.
    net : MaskedNet
    device : torch.device
    scoring_masks : (n_masks, n_columns) bool array or None
        Masks under which rows are scored, for roles that do.
    """

    def __init__(self, codec, grid, settings, seeds, net, device, scoring_masks=None):
        self.codec = codec
        self.grid = grid
        self.settings = settings
        self.seeds = seeds
        self.net = net
        self.device = device
        self.scoring_masks = scoring_masks

    @property
    def layout(self):
        """What the network knows of the table."""
        return self.codec.layout_

    @property
    def module(self):
        """The torch module."""
        return self.net.module_

    @property
    def precision(self):
        """Precision of matrix products in training."""
        return self.settings.precision

    def encode(self, X):
        """Checked rows as (n_rows, n_columns) float32, NaN where missing."""
        return self.codec.encode(self.codec.table(X))

    def encode_to_train(self, X):
        """Checked rows encoded: an array, or rows yet to be read."""
        return self.codec.encode_to_train(self.codec.table(X))

    def features(self, X, dtype):
        """Codes of checked rows and what stands behind them: (n_rows, n_features)."""
        if self.settings.rows.has_steps:
            return self.inference().encode(self.encode(X), dtype)
        blocks = self.codec.encode_blocks(self.codec.table(X))
        shape = (len(X), self.settings.network.n_features)
        return self.inference().features(blocks, np.empty(shape, dtype=dtype))

    def inference(self, batch_rows=BATCH_ROWS):
        """The network as it is applied to encoded rows."""
        if self.settings.rows.has_steps:
            return SequenceInference(self.module, self.device)
        return Inference(
            self.module,
            self.layout,
            self.device,
            batch_rows,
            # The named strategies hide whole units.
            learned_parts=callable(self.settings.mask_strategy),
        )

    def random_masks(self, mask_ratio=None):
        """Make a sampler of random masks.

        Parameters
        ----------
        mask_ratio : float, (low, high) or None
            None: that of the training, or one half where that was 0.
        """
        if mask_ratio is None:
            mask_ratio = self.settings.mask_ratio
            mask_ratio = 0.5 if mask_ratio in (0.0, (0.0, 0.0)) else mask_ratio
        if self.settings.rows.has_steps:
            patch_size = self.settings.rows.patch_size or 1
            return StepSampler(mask_ratio, "random", patch_size)
        return MaskSampler(mask_ratio, "random", self.grid)

    def panel(self):
        """Masks by which the skill of networks is compared."""
        return scoring_panel(self.settings.sampler(self.grid))

    def __getstate__(self):
        state = vars(self).copy()
        del state["net"], state["grid"]
        state["weights"] = {
            name: tensor.detach().cpu().numpy()
            for name, tensor in self.module.state_dict().items()
        }
        state["device"] = str(self.device)
        return state

    def __setstate__(self, state):
        state = dict(state)
        weights, device = state.pop("weights"), state.pop("device")
        vars(self).update(state)
        # Made anew: memory of a file would be under the network's own buffers.
        self.grid = self.settings.rows.grid(self.layout.n_columns)
        try:
            self.device = resolve_device(device)
        except ValueError:  # saved on a GPU, loaded where there is none
            self.device = resolve_device("cpu")
        with training():  # inference mode would make weights of another kind
            self.net = load_net(
                self.settings, self.layout, self.grid, self.seeds, self.device, weights
            )
