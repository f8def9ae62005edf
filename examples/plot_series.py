"""
Gaps and anomalies in a series
==============================

Windows of a long signal are rows of shape (time, channel): ``SlidingWindows`` cuts them
and puts what was made of them back on the time axis. With ``input_shape``,
``channel_axis`` and ``patch_size`` the units that are hidden are stretches of time,
each channel has a scale of its own, and with ``architecture="attention"`` the encoder
computes on the visible stretches alone. One
network fills gaps and finds the stretches that do not fit the others. On so
few windows, all alike, a plain multilayer perceptron is better still.
"""

# %%
# A signal of two channels
# ------------------------
# A slow and a fast oscillation with drifting rates, the second channel being a delayed
# and bent copy of the first, and some noise. The last fifth of the signal is kept for
# testing, and windows of 96 steps are cut from both parts.
import matplotlib.pyplot as plt
import numpy as np

from skmae import MaskedAutoencoderTransformer, SlidingWindows

LENGTH = 96
rng = np.random.default_rng(0)
n_steps = 12_000
phase = np.cumsum(2 * np.pi / (24 + 4 * np.sin(np.arange(n_steps) / 700)))
beat = np.cumsum(2 * np.pi / (7 + np.sin(np.arange(n_steps) / 450)))
first = np.sin(phase) + 0.5 * np.sin(beat) * np.sin(phase / 3)
second = np.tanh(2 * np.roll(first, 5))
signal = np.column_stack([first, second]) + 0.05 * rng.normal(size=(n_steps, 2))
past, future = signal[:9600], signal[9600:]
windows = SlidingWindows(LENGTH, step=24, channel_axis=-1).fit([future])
test = windows.transform([future])
train = SlidingWindows(LENGTH, step=4, channel_axis=-1).fit_transform([past])
print(
    f"{len(train)} windows to learn from, {len(test)} to test, {train.shape[1:]} each"
)

# %%
# Training
# --------
# A patch is eight steps of both channels. The second network has the same parameters
# and another architecture.


def make(architecture):
    """An estimator for windows."""
    return MaskedAutoencoderTransformer(
        architecture=architecture,
        input_shape=(LENGTH, 2),
        channel_axis=-1,
        patch_size=8,
        mask_ratio=0.4,
        max_epochs=40,
        batch_size=128,
        n_components=128,
        hidden_layer_sizes=(64, 64) if architecture == "attention" else (256,),
        lr=4e-3,
        random_state=0,
    )


networks = {kind: make(kind).fit(train) for kind in ("attention", "mlp")}

# %%
# Filling a gap
# -------------
# Twenty-four steps are missing from the middle of each test window, in both channels.
# The windows are shown with NaN in the gap; ``restore`` fills it.
gap = slice(36, 60)
holed = test.copy()
holed[:, gap] = np.nan


def interpolated(rows):
    """A straight line across the gap."""
    filled = rows.copy()
    steps = np.arange(LENGTH)
    seen = np.delete(steps, np.arange(gap.start, gap.stop))
    for row in filled:
        for channel in row.T:
            channel[gap] = np.interp(steps[gap], seen, channel[seen])
    return filled


filled = {"straight line": interpolated(holed)}
filled |= {f"restore, {kind}": net.restore(holed) for kind, net in networks.items()}
for name, rows in filled.items():
    error = np.sqrt(np.square(rows - test)[:, gap].mean())
    print(f"{name:20} root mean squared error in the gap {error:.3f}")

# %%
# Finding an anomaly
# ------------------
# Ten times in the last fifth of the signal the second channel stops following the first
# for a while: a stretch of it is turned upside down, each value of which is ordinary.
# ``reconstruction_error`` compares each stretch of a window, while it is hidden, with
# what the others lead one to expect. Windows overlap; the mean over those that a step
# lies in is the error of the step.
from sklearn.metrics import roc_auc_score

turned = np.arange(len(future)) % 240 // 16 == 7
strange = future.copy()
strange[turned, 1] *= -1
rows = windows.transform([strange])
errors = {}
for kind, net in networks.items():
    blame = net.reconstruction_error(rows, per_feature=True)
    errors[kind] = windows.inverse_transform(blame)[0]  # (n_steps, n_channels)
    auc = roc_auc_score(turned, errors[kind][:, 1])
    print(f"{kind:10} AUROC of the error of a step {auc:.3f}")
blame = errors["attention"]
inside = blame[turned, 1].mean() / blame.mean()
print(f"errors inside the turned stretches are {inside:.1f} times the mean")

# %%
figure, (top, middle, bottom) = plt.subplots(3, 1, figsize=(9, 7), layout="constrained")
top.plot(test[0, :, 0], "k", lw=1, label="truth")
for name, rows in filled.items():
    top.plot(np.arange(LENGTH)[gap], rows[0, gap, 0], label=name)
top.axvspan(gap.start, gap.stop - 1, color="0.9")
top.set(title="A gap of 24 steps, first channel", ylabel="signal")
top.legend(ncols=4, loc="upper center", fontsize=8)
top.set_ylim(-2, 3)
shown = slice(0, 480)
middle.plot(strange[shown], label=["first channel", "second channel"])
middle.set(title="Stretches of the second channel turned upside down", ylabel="signal")
bottom.plot(blame[shown], label=["first channel", "second channel"])
bottom.set(
    title="Error of each step, mean over the windows that it lies in",
    xlabel="step",
    ylabel="squared error",
)
for axis in (middle, bottom):
    axis.legend(ncols=2, fontsize=8, loc="upper center")
    for start in np.flatnonzero(np.diff(turned[shown], prepend=0) == 1):
        axis.axvspan(start, start + 15, color="0.9")
plt.show()
