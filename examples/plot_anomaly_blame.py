"""
=====================================
Which cells make a row an outlier
=====================================

A detector learns what benign tumours look like, finds rows that are not like them,
and shows which measurements are to blame. The score of a row is the sum of the blame
of its cells.
"""

# %%
# Learn from benign rows alone
# ----------------------------
# Half of the benign rows train the detector; the other half, and all malignant ones,
# test it. Labels are used in training for that choice only.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score

from skmae import AnomalyDisplay, MaskedAutoencoderDetector

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
rng = np.random.default_rng(0)
benign = rng.permutation(np.flatnonzero(y == 1))
train, unseen = X.iloc[benign[:178]], X.iloc[benign[178:]]
malignant = X.iloc[np.flatnonzero(y == 0)]

detector = MaskedAutoencoderDetector(random_state=0).fit(train)
forest = IsolationForest(random_state=0).fit(train)

is_malignant = np.repeat([0, 1], [len(unseen), len(malignant)])
for name, model in [("skmae", detector), ("IsolationForest", forest)]:
    scores = -np.concatenate(
        [model.score_samples(unseen), model.score_samples(malignant)]
    )
    print(
        f"{name:<16} AUROC {roc_auc_score(is_malignant, scores):.3f}  "
        f"AUPRC {average_precision_score(is_malignant, scores):.3f}"
    )

# %%
# The two rank these rows about equally well: malignant tumours are large, and a
# forest needs no more than that. The detector also explains the score.
#
# About one benign row in twenty is called an outlier, as ``contamination="auto"`` has
# it, and most malignant ones.

print(f"benign called outliers:    {(detector.predict(unseen) == -1).mean():.0%}")
print(f"malignant called outliers: {(detector.predict(malignant) == -1).mean():.0%}")

# %%
# Read the blame
# --------------
# :meth:`~skmae.MaskedAutoencoderDetector.explain` gives a DataFrame for a DataFrame.
# Its rows sum to the score with the sign turned.

blame = detector.explain(malignant)
assert np.allclose(blame.sum(axis=1), -detector.score_samples(malignant))

worst = blame.sum(axis=1).idxmax()
print(f"The most abnormal row, {worst}, and the cells that make it so:")
print(blame.loc[worst].sort_values(ascending=False).head(5).round(1).to_string())

# %%
# Malignant rows are abnormal in many cells at once. The picture shows the share that
# each cell has in the blame of its row, for five benign and ten malignant rows.

shown = np.concatenate(
    [detector.explain(unseen.iloc[:5]), blame.iloc[:10]], axis=0
)  # (15, 30)
totals = shown.sum(axis=1)

fig, (ax, bars) = plt.subplots(
    1, 2, figsize=(11, 5.5), width_ratios=(5, 1), sharey=True, layout="constrained"
)
image = ax.imshow(shown / totals[:, None], aspect="auto", cmap="magma_r")
ax.set_xticks(range(X.shape[1]), X.columns, rotation=90, fontsize=7)
ax.set_yticks(range(15), ["benign"] * 5 + ["malignant"] * 10, fontsize=8)
ax.axhline(4.5, color="black", linewidth=1)
ax.set_title("Share of each cell in the blame of its row")
fig.colorbar(image, ax=ax, location="left", shrink=0.6)
bars.barh(range(15), totals, color=np.where(np.arange(15) < 5, "#4477aa", "#cc6677"))
bars.axvline(-detector.offset_, color="black", linestyle=":", label="threshold")
bars.set_xscale("log")
bars.set_title("Sum of blame")
bars.legend(fontsize=7)
fig.savefig("anomaly_blame.png", dpi=120)

# %%
# Find a single damaged cell
# --------------------------
# In each unseen benign row one cell gets the value that it has in another benign row:
# ordinary by itself, wrong in its place. The damaged cell has the largest blame far
# more often than it has the largest deviation from the column mean. An isolation
# forest gives no scores of cells.

rows = unseen.to_numpy().copy()
cells = rng.integers(X.shape[1], size=len(rows))
donors = rng.permutation(len(rows))
damaged = rows.copy()
damaged[np.arange(len(rows)), cells] = rows[donors, cells]
damaged = pd.DataFrame(damaged, columns=X.columns)

named = detector.explain(damaged).to_numpy().argmax(axis=1)
deviation = ((damaged - train.mean()) / train.std()).abs().to_numpy().argmax(axis=1)
far = np.abs(rows[donors, cells] - rows[np.arange(len(rows)), cells])
changed = far > train.std().to_numpy()[cells]  # by more than a standard deviation
print(f"cells changed by more than a standard deviation: {changed.sum()}")
print(f"named by blame:             {(named == cells)[changed].mean():.0%}")
print(f"named by largest deviation: {(deviation == cells)[changed].mean():.0%}")

# %%
# Pixels to blame
# ---------------
# Rows may be images. In three of 300 digits a block of nine pixels is turned from dark
# to light and back; :class:`~skmae.AnomalyDisplay` shows the least normal digits, and
# their abnormal pixels. The three come first; those after them are only badly written.

digits = load_digits().images  # (1797, 8, 8)
judged, others = digits[::6].copy(), np.delete(digits, np.s_[::6], axis=0)
is_damaged = np.isin(np.arange(len(judged)), [50, 150, 250])
judged[is_damaged, 2:5, 3:6] = 16 - judged[is_damaged, 2:5, 3:6]
looker = MaskedAutoencoderDetector(input_shape=(8, 8), random_state=0).fit(others)
kind = np.where(is_damaged, "damaged", "as they are")
AnomalyDisplay.from_estimator(looker, judged, kind, n_rows=8)
plt.show()
