"""
=====================
Choosing a mask ratio
=====================

How much of each row should be hidden in training? A grid search answers, and
:class:`~skmae.MaskRatioDisplay` draws the answer: for the accuracy of a classifier with
few labels, and for the prediction of hidden cells, which needs no labels at all. The
two need not agree.
"""

# %%
# Many rows, few labels
# ---------------------
# 1,257 digits to learn from. In each of three splits, ten of every class have a label;
# -1 means unknown. To see a difference of one or two points, all splits are judged by
# the same 540 test digits. Where labels are really few, they have to serve for testing
# too, and the band in the picture becomes as wide as the peak is high.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from skmae import MaskedAutoencoderTransformer, MaskRatioDisplay

X, y = load_digits(return_X_y=True)
train, test = train_test_split(
    np.arange(len(X)), test_size=0.3, random_state=0, stratify=y
)
rng = np.random.default_rng(0)
chosen = np.stack(
    [rng.choice(train[y[train] == digit], 30, replace=False) for digit in range(10)]
)
labelled = [chosen[:, 10 * split : 10 * split + 10].ravel() for split in range(3)]
unlabelled = np.setdiff1d(train, chosen.ravel())
y_few = y.copy()
y_few[unlabelled] = -1
splits = [(np.concatenate([unlabelled, rows]), test) for rows in labelled]

# %%
# One search, two scores
# ----------------------
# In a pipeline the ratio is ``mae__mask_ratio``. The classifier only sees rows with a
# label: :class:`~sklearn.semi_supervised.SelfTrainingClassifier` with ``max_iter=0``
# leaves the others out.


def hidden_cells(pipeline, X, y):
    return pipeline["mae"].score(X)


pipeline = Pipeline(
    [
        (
            "mae",
            MaskedAutoencoderTransformer(
                input_shape=(8, 8), max_epochs=30, random_state=0
            ),
        ),
        ("clf", SelfTrainingClassifier(LogisticRegression(max_iter=500), max_iter=0)),
    ]
)
search = GridSearchCV(
    pipeline,
    {"mae__mask_ratio": [0.0, 0.15, 0.3, 0.45, 0.6, 0.75]},
    scoring={"accuracy": "accuracy", "R² of hidden cells": hidden_cells},
    refit=False,
    cv=splits,
    n_jobs=2,
)
search.fit(X, y_few)

# %%
# Read the picture
# ----------------

figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
for ax, metric in zip(axes, ("accuracy", "R² of hidden cells"), strict=True):
    display = MaskRatioDisplay.from_cv_results(search.cv_results_, metric=metric, ax=ax)
    for ratio, score in zip(display.mask_ratios, display.scores[0], strict=True):
        print(f"mask_ratio={ratio:<5} {metric} {score:.3f}")
axes[0].set_title("With ten labels per class")
axes[1].set_title("Without labels")
plt.show()

# %%
# Both are best in between. With nothing hidden the network learns to copy, which
# requires little knowledge of digits; with three quarters of so small a picture hidden,
# too little is left to recognise it.
