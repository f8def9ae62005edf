"""
Digits with few labels
======================

The main uses in one script, on scikit-learn's 8 x 8 digits: features from rows without
labels, a grid search over the mask ratio, scores of damaged rows, and restored
pictures. Run as a script it takes about half a minute on two cores and writes
``digits_restored.png``.
"""

# %%
# Rows without labels, and a few with
# -----------------------------------
# 1,257 digits to learn from, of which ten per class have a label. The network sees
# them all; the classifier sees the hundred.
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from skmae import MaskedAutoencoderTransformer

started = time.perf_counter()


def say(text):
    print(f"[{time.perf_counter() - started:5.1f} s] {text}", flush=True)


X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.3, random_state=0, stratify=y
)

# %%
# Features
# --------
# Raw pixels, PCA and the codes of a masked autoencoder go into the same classifier.
# All three are fitted on all training rows, without labels.
representations = {
    "raw pixels": MinMaxScaler(),
    "PCA, 30 components": make_pipeline(MinMaxScaler(), PCA(30, random_state=0)),
    "masked autoencoder": MaskedAutoencoderTransformer(random_state=0),
}


def accuracy(codes, codes_test, per_class, draw):
    rng = np.random.default_rng(draw)
    rows = np.concatenate(
        [
            rng.choice(np.flatnonzero(y_train == digit), per_class, replace=False)
            for digit in range(10)
        ]
    )
    model = LogisticRegression(max_iter=2000).fit(codes[rows], y_train[rows])
    return model.score(codes_test, y_test)


say("accuracy of logistic regression on 540 test digits, mean of 5 draws of labels")
print(f"{'':22}{'5 per class':>13}{'10 per class':>14}{'50 per class':>14}")
for name, transformer in representations.items():
    print(f"{name:22}", end="", flush=True)
    codes = transformer.fit_transform(X_train)
    codes_test = transformer.transform(X_test)
    scores = [
        np.mean([accuracy(codes, codes_test, n, draw) for draw in range(5)])
        for n in (5, 10, 50)
    ]
    print(f"{scores[0]:13.3f}{scores[1]:14.3f}{scores[2]:14.3f}", flush=True)
mae = representations["masked autoencoder"]

# %%
# A grid search over the mask ratio
# ---------------------------------
# In a pipeline, ``mae__mask_ratio`` is a parameter like any other. Ten labels per
# class are split into three folds; each candidate learns its features from all rows
# but the fold, and its classifier from the labels outside it.
# :class:`~sklearn.semi_supervised.SelfTrainingClassifier` with ``max_iter=0`` just
# leaves out rows whose label is -1, which means unknown.
rng = np.random.default_rng(0)
labelled = np.concatenate(
    [rng.choice(np.flatnonzero(y_train == d), 10, replace=False) for d in range(10)]
)
y_few = np.full_like(y_train, -1)
y_few[labelled] = y_train[labelled]
folds = StratifiedKFold(n_splits=3).split(labelled, y_few[labelled])
folds = [labelled[fold] for _, fold in folds]
rows = np.arange(len(X_train))

pipeline = Pipeline(
    [
        ("mae", MaskedAutoencoderTransformer(max_epochs=40, random_state=0)),
        (
            "clf",
            SelfTrainingClassifier(LogisticRegression(max_iter=2000), max_iter=0),
        ),
    ]
)
search = GridSearchCV(
    pipeline,
    {"mae__mask_ratio": [0.0, 0.2, 0.4, 0.6, 0.8]},
    cv=[(np.setdiff1d(rows, fold), fold) for fold in folds],
    n_jobs=2,
    verbose=2,
)
say("grid search over the mask ratio, 100 labels in three folds")
search.fit(X_train, y_few)
for ratio, score in zip(
    search.cv_results_["param_mae__mask_ratio"],
    search.cv_results_["mean_test_score"],
    strict=True,
):
    print(f"mask_ratio={ratio:.1f}  accuracy {score:.3f}")
raw = LogisticRegression(max_iter=2000).fit(X_train[labelled] / 16, y_few[labelled])
say(
    f"best: mask_ratio={search.best_params_['mae__mask_ratio']}, accuracy on the test "
    f"digits {search.score(X_test, y_test):.3f} (same labels, raw pixels: "
    f"{raw.score(X_test / 16, y_test):.3f})"
)

# %%
# Damaged rows
# ------------
# A 3 x 3 block of half of the test digits is swapped for that of another digit.
# Each pixel is predicted while it is hidden; the error shows which digits are damaged
# and where. PCA's reconstruction error stands beside it.
rng = np.random.default_rng(0)
images = X_test.reshape(-1, 8, 8).copy()
is_damaged = np.arange(len(images)) % 2 == 1
block_of = np.zeros(images.shape, dtype=bool)
for i in np.flatnonzero(is_damaged):
    top, left = rng.integers(0, 6, size=2)
    block = np.s_[top : top + 3, left : left + 3]
    images[i][block] = X_test[rng.integers(len(X_test))].reshape(8, 8)[block]
    block_of[i][block] = True
damaged = images.reshape(-1, 64)

errors = mae.reconstruction_error(damaged, per_feature=True)
pca = PCA(n_components=20, random_state=0).fit(X_train)
pca_errors = (damaged - pca.inverse_transform(pca.transform(damaged))) ** 2
blamed = block_of.reshape(-1, 64)[np.arange(len(damaged)), errors.argmax(axis=1)]
say(
    "damaged digits found, area under the ROC curve: masked autoencoder "
    f"{roc_auc_score(is_damaged, -mae.score_samples(damaged)):.3f}, PCA "
    f"{roc_auc_score(is_damaged, pca_errors.sum(axis=1)):.3f}"
)
say(
    f"the worst pixel lies in the damaged block in {blamed[is_damaged].mean():.0%} of "
    f"damaged digits (by chance: {9 / 64:.0%})"
)

# %%
# Hidden and restored
# -------------------
# Half of the pixels are hidden, and :meth:`restore` fills them from the others.
shown = np.array([np.flatnonzero(y_test == digit)[0] for digit in range(10)])
mask = np.random.default_rng(0).random((10, 64)) < 0.5
restored = mae.restore(X_test[shown], mask)
filled_with_mean = np.where(mask, X_train.mean(axis=0), X_test[shown])


def hidden_error(filled):
    return ((filled - X_test[shown])[mask] ** 2).mean()


say(
    f"mean squared error of hidden pixels (0 to 16): restored "
    f"{hidden_error(restored):.1f}, column means {hidden_error(filled_with_mean):.1f}"
)

pictures = {
    "original": X_test[shown],
    "half hidden": np.where(mask, np.nan, X_test[shown]),
    "column means": filled_with_mean,
    "restored": restored,
}
colours = plt.get_cmap("gray_r").with_extremes(bad="tab:orange")
figure, axes = plt.subplots(4, 10, figsize=(10, 4.4), layout="constrained")
for axes_row, (name, digits) in zip(axes, pictures.items(), strict=True):
    for ax, digit in zip(axes_row, digits, strict=True):
        ax.imshow(digit.reshape(8, 8), cmap=colours, vmin=0, vmax=16)
        ax.set(xticks=[], yticks=[])
    axes_row[0].set_ylabel(name)
figure.suptitle("Digits from a test set: hidden pixels are orange")
figure.savefig("digits_restored.png", dpi=120)
say("wrote digits_restored.png")
plt.show()
