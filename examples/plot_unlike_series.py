"""
Series of unlike lengths
========================

Recordings seldom last equally long. With ``input_shape=(None, n_channels)`` X is a list
of series, each with a length of its own. Nothing is cut or filled up: the network looks
from every step at the other steps of the same series.
"""

# %%
# Gestures
# --------
# A hand draws one of three figures, slowly or quickly, somewhere and at some size; two
# channels are its place.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from skmae import MaskedAutoencoderTransformer

FIGURES = {
    "circle": lambda t: (np.cos(t), np.sin(t)),
    "eight": lambda t: (np.sin(t), np.sin(2 * t) / 1.5),
    "triangle": lambda t: (
        np.cos(t) + 0.4 * np.cos(2 * t),
        np.sin(t) - 0.4 * np.sin(2 * t),
    ),
}


def gestures(n_rows, rng):
    """Draw series of 25 to 80 steps and the names of their figures."""
    names = rng.choice(list(FIGURES), n_rows)
    rows = []
    for name in names:
        length = rng.integers(25, 81)
        turned = np.linspace(0, 2 * np.pi, length) + rng.uniform(0, 2 * np.pi)
        place = np.column_stack(FIGURES[name](turned)) * rng.uniform(0.8, 1.2)
        place += rng.normal(scale=0.2, size=2)
        rows.append(place + rng.normal(scale=0.02, size=place.shape))
    return rows, names


rng = np.random.default_rng(0)
train, _ = gestures(600, rng)
few, few_names = gestures(30, rng)
test, names = gestures(300, rng)
lengths = [len(row) for row in train]
print(f"{len(train)} series of {min(lengths)} to {max(lengths)} steps")

# %%
# Training
# --------
# Single steps are easily guessed from their neighbours, so stretches are hidden: a
# patch is five steps.
mae = MaskedAutoencoderTransformer(
    input_shape=(None, 2),
    channel_axis=-1,
    patch_size=5,
    mask_ratio=0.3,
    mask_strategy="block",
    hidden_layer_sizes=(64, 64),
    max_epochs=120,
    random_state=0,
).fit(train)
print(f"R² of hidden steps: {mae.score(test):.3f}")

# %%
# Filling gaps
# ------------
# Ten steps of each series were lost.
holed = [row.copy() for row in test]
for row in holed:
    row[8:18] = np.nan
restored = mae.restore(holed)


def straight(row):
    """A line across the gap."""
    steps = np.arange(len(row))
    seen = ~np.isnan(row[:, 0])
    return np.column_stack([np.interp(steps, steps[seen], c[seen]) for c in row.T])


for name, filled in {
    "straight line": [straight(row) for row in holed],
    "restore": restored,
}.items():
    error = [a[8:18] - b[8:18] for a, b in zip(filled, test, strict=True)]
    print(f"{name:14} root mean squared error {np.std(np.concatenate(error)):.3f}")

# %%
# Codes for few labels
# --------------------
# A series has a code, whatever its length: thirty labelled gestures are enough.
codes, codes_test = mae.transform(few), mae.transform(test)
linear = LogisticRegression(max_iter=1000).fit(codes, few_names)
print(f"accuracy with 30 labels: {linear.score(codes_test, names):.3f}")

# %%
figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for ax, name in zip(axes, FIGURES, strict=True):
    row = np.flatnonzero(names == name)[0]
    ax.plot(*test[row].T, ".", color="0.75", label="truth")
    ax.plot(*holed[row].T, "C0.-", label="what is left")
    ax.plot(*restored[row][7:19].T, "C3.-", label="restored")
    ax.set(title=f"{name}, {len(test[row])} steps", aspect="equal")
axes[0].legend(fontsize=8)
plt.show()
