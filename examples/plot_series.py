"""
Gaps and anomalies in a series
==============================

Windows of a signal are rows of shape (time, channel). With ``input_shape``,
``channel_axis`` and ``patch_size`` the units that are hidden are stretches of time,
each channel has a scale of its own, and with ``architecture="attention"`` the encoder
computes on the visible stretches alone. One
network fills gaps and finds the stretch of a window that does not fit the others. On so
few windows, all alike, a plain multilayer perceptron is better still.
"""

# %%
# A signal of two channels
# ------------------------
# A slow and a fast oscillation with drifting rates, the second channel being a delayed
# and bent copy of the first, and some noise. Windows of 96 steps are cut from it; the
# last fifth of the signal is kept for testing.
import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from skmae import MaskedAutoencoderTransformer

LENGTH = 96
rng = np.random.default_rng(0)
n_steps = 12_000
phase = np.cumsum(2 * np.pi / (24 + 4 * np.sin(np.arange(n_steps) / 700)))
beat = np.cumsum(2 * np.pi / (7 + np.sin(np.arange(n_steps) / 450)))
first = np.sin(phase) + 0.5 * np.sin(beat) * np.sin(phase / 3)
second = np.tanh(2 * np.roll(first, 5))
signal = np.column_stack([first, second]) + 0.05 * rng.normal(size=(n_steps, 2))
windows = sliding_window_view(signal, LENGTH, axis=0).transpose(0, 2, 1)
train, test = windows[: int(0.8 * n_steps) : 4], windows[int(0.8 * n_steps) :: 24]
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
# In half of the test windows the second channel stops following the first for a
# while: a stretch of it is turned upside down, each value of which is ordinary.
# ``score_samples`` compares each stretch, while it is hidden, with what the others
# lead one to expect; ``reconstruction_error`` shows where.
from sklearn.metrics import roc_auc_score

is_normal = np.arange(len(test)) % 2 == 0
strange = test.copy()
strange[~is_normal, 48:64, 1] *= -1
for kind, net in networks.items():
    auc = roc_auc_score(is_normal, net.score_samples(strange))
    print(f"{kind:10} AUROC of score_samples {auc:.3f}")
blame = networks["attention"].reconstruction_error(strange, per_feature=True)
blame = blame.reshape(strange.shape)
inside = blame[~is_normal, 48:64, 1].mean() / blame[~is_normal].mean()
print(f"errors inside the turned stretch are {inside:.1f} times the mean")

# %%
figure, (top, middle, bottom) = plt.subplots(
    3, 1, figsize=(9, 7), sharex=True, layout="constrained"
)
top.plot(test[0, :, 0], "k", lw=1, label="truth")
for name, rows in filled.items():
    top.plot(np.arange(LENGTH)[gap], rows[0, gap, 0], label=name)
top.axvspan(gap.start, gap.stop - 1, color="0.9")
top.set(title="A gap of 24 steps, first channel", ylabel="signal")
top.legend(ncols=4, loc="upper center", fontsize=8)
top.set_ylim(-2, 3)
row = np.flatnonzero(~is_normal)[0]
middle.plot(strange[row], label=["first channel", "second channel"])
middle.axvspan(48, 63, color="0.9")
middle.set(title="A stretch of the second channel turned upside down", ylabel="signal")
middle.legend(ncols=2, fontsize=8)
bottom.plot(blame[row], label=["first channel", "second channel"])
bottom.axvspan(48, 63, color="0.9")
bottom.set(
    title="Error of each step while its stretch is hidden",
    xlabel="step",
    ylabel="squared error",
)
bottom.legend(ncols=2, fontsize=8)
plt.show()
