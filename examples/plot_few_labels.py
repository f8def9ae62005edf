"""
Few labels
==========

A classifier that learns from all rows and from the labels of a few, on scikit-learn's
8 x 8 digits. Run as a script it takes less than half a minute on two cores and writes
``few_labels.png``.
"""

# %%
# Many digits, few labels
# -----------------------
# 900 digits to learn from, the others for testing. Unlabelled rows are marked by -1,
# as everywhere in :mod:`sklearn.semi_supervised`.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skmae import MaskedAutoencoderClassifier, MaskedAutoencoderTransformer

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=900, random_state=0, stratify=y
)


def keep_labels(per_class, draw):
    """Labels of so many digits of each class; -1 for the others."""
    rng = np.random.default_rng(draw)
    y_few = np.full_like(y_train, -1)
    for digit in range(10):
        rows = rng.choice(np.flatnonzero(y_train == digit), per_class, replace=False)
        y_few[rows] = digit
    return y_few


# %%
# One transformer for all
# -----------------------
# ``MaskedAutoencoderClassifier().fit(X, y_few)`` would pretrain by itself. Here several
# classifiers begin with the same transformer. Frozen, it is not trained again; what
# fine-tuning changes is a copy. ``transform`` gives the code, and behind it where an
# image stands among its neighbours, which is learned without labels too.
mae = MaskedAutoencoderTransformer(input_shape=(8, 8), max_epochs=100, random_state=0)
features, features_test = mae.fit_transform(X_train), mae.transform(X_test)

LABELS = (1, 3, 10, 30)
accuracy = {"pixels, logistic": [], "features, logistic": [], "fine-tuned": []}
surprise = {name: [] for name in accuracy}
for per_class in LABELS:
    for name in accuracy:
        scores, losses = [], []
        for draw in range(2):
            y_few = keep_labels(per_class, draw)
            known = y_few >= 0
            if name == "fine-tuned":
                model = MaskedAutoencoderClassifier(
                    FrozenEstimator(mae), fine_tune_epochs=30, random_state=draw
                ).fit(X_train, y_few)
                proba = model.predict_proba(X_test)
            else:
                rows = X_train / 16 if name.startswith("pixels") else features
                rows_test = X_test / 16 if name.startswith("pixels") else features_test
                model = LogisticRegression(max_iter=2000)
                model.fit(rows[known], y_train[known])
                proba = model.predict_proba(rows_test)
            scores.append((proba.argmax(axis=1) == y_test).mean())
            losses.append(log_loss(y_test, proba))
        accuracy[name].append(np.mean(scores))
        surprise[name].append(np.mean(losses))
    print(
        f"{per_class:3} labels per class  "
        + "  ".join(f"{name} {scores[-1]:.3f}" for name, scores in accuracy.items()),
        flush=True,
    )

# %%
# Accuracy, and how good the probabilities are
# --------------------------------------------
# Unlabelled rows get pseudo-labels by three simple teachers: logistic regression on
# codes (of images it also reads where these stand among their neighbours), logistic
# regression on pixels, and labels spread along a graph of neighbouring codes. Their
# weights are found by cross-validation on the labelled rows, which also calibrates the
# probabilities. With many labels there is less to gain: from 30 labels per class on
# logistic regression on the features is as good.
weights = np.round(model.pool_weights_, 2)
print(f"stacking weights of codes, cells and neighbours in the last fit: {weights}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for name in accuracy:
    left.plot(LABELS, accuracy[name], "o-", label=name)
    right.plot(LABELS, surprise[name], "o-", label=name)
for axes, title in [(left, "accuracy"), (right, "log-loss (lower is better)")]:
    axes.set(xscale="log", xlabel="labels per class", title=title)
    axes.set_xticks(LABELS, LABELS)
    axes.grid(alpha=0.3)
left.legend()
figure.suptitle("Digits: 900 rows to learn from, few of them labelled")
figure.savefig("few_labels.png", dpi=120)
