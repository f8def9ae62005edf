"""
Cross-validation with few labels
================================

Settings chosen, and a classifier judged, by 15 labels for each of scikit-learn's 8 x 8
digits, while it learns from all rows. Run as a script it takes less than half a minute
on two cores and writes ``labelled_k_fold.png``.
"""

# %%
# Few labels, and a test
# ----------------------
# Of 600 digits 150 have a label, the others are marked by -1. The true accuracy of a
# classifier is measured here on the labels that it was not given.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score

from skmae import (
    LabelledKFold,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderTransformer,
)

X, y = load_digits(return_X_y=True)
X, y = X[:600], y[:600]
rng = np.random.default_rng(0)
labelled = np.concatenate(
    [rng.choice(np.flatnonzero(y == digit), 15, replace=False) for digit in range(10)]
)
y_few = np.full(600, -1)
y_few[labelled] = y[labelled]
others = y_few == -1

# %%
# Scorers count marks as labels
# -----------------------------
# The folds of scikit-learn test on all rows. Each -1 counts as a digit that was not
# recognised, and where probabilities of classes are asked for, there is one too few.
# ``LabelledKFold`` tests on labelled rows alone, and trains on all unlabelled ones each
# time. One transformer that is fitted already serves all fits; it has seen no label.
mae = MaskedAutoencoderTransformer(max_epochs=50, random_state=0).fit(X)
classifier = MaskedAutoencoderClassifier(
    FrozenEstimator(mae), fine_tune_epochs=20, random_state=0
)
cv = LabelledKFold(5, shuffle=True, random_state=0)
of_all = cross_val_score(classifier, X, y_few, cv=5, scoring="accuracy").mean()
of_labelled = cross_val_score(classifier, X, y_few, cv=cv, scoring="accuracy").mean()
truly = classifier.fit(X, y_few).score(X[others], y[others])
print(f"accuracy by folds of all rows      {of_all:.3f}")
print(f"accuracy by folds of labelled rows {of_labelled:.3f}")
print(f"accuracy on the 450 other rows     {truly:.3f}")

# %%
# A search by any scoring
# -----------------------
# With such folds a grid search may use any scorer.
search = GridSearchCV(
    classifier,
    {"freeze_encoder": [True, False], "self_training": [True, False]},
    cv=cv,
    scoring="neg_log_loss",
).fit(X, y_few)
print(f"best: {search.best_params_}")

candidates = search.cv_results_["params"]
losses = -search.cv_results_["mean_test_score"]
true = []
for params in candidates:
    proba = classifier.set_params(**params).fit(X, y_few).predict_proba(X[others])
    right = proba[np.arange(len(proba)), y[others]]
    true.append(-np.log(right).mean())

figure, axes = plt.subplots(figsize=(4.5, 4), layout="constrained")
for params, loss, true_loss in zip(candidates, losses, true, strict=True):
    name = ", ".join(key for key, value in params.items() if value) or "neither"
    axes.plot(loss, true_loss, "o", label=name)
limits = [0, 1.1 * max(*losses, *true)]
axes.plot(limits, limits, "k:", linewidth=1)
axes.set(
    xlabel="log loss by LabelledKFold, 150 labels",
    ylabel="log loss on the 450 other rows",
    title="Digits: four settings",
)
axes.legend(loc="lower right")
figure.savefig("labelled_k_fold.png", dpi=120)
