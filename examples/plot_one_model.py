"""
=========================
One model for many tasks
=========================

A masked autoencoder is trained once, without labels. The one fitted model then makes
features, restores cells, finds damaged rows and makes new rows. Nothing below trains it
again.
"""

# %%
# Train once
# ----------
# Measurements of 569 tumours, 30 columns, of which a tenth of the cells are missing.
# Half of the rows are for training.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmae import (
    LossCurveDisplay,
    MaskedAutoencoderTransformer,
    ReconstructionDisplay,
)

complete, y = load_breast_cancer(return_X_y=True, as_frame=True)
rng = np.random.default_rng(0)
X = complete.mask(rng.random(complete.shape) < 0.1)
X_train, X_test, _, y_test, _, truth = train_test_split(
    X, y, complete, test_size=0.5, random_state=0, stratify=y
)
mae = MaskedAutoencoderTransformer(
    numerical_embedding="piecewise_linear",
    max_epochs=60,
    early_stopping=True,
    random_state=0,
).fit(X_train)
LossCurveDisplay.from_estimator(mae)

# %%
# How much there is to learn, before any use: the share of the variance of
# hidden cells that is explained on unseen rows.

print(f"score: {mae.score(X_test):.2f}")

# %%
# Codes
# -----
# :class:`~sklearn.frozen.FrozenEstimator` keeps a pipeline from training the model
# again. Rows with missing values are read as they are. Standardised columns, missing
# values filled with means, are the baseline: on this table they are hard to beat.

for name, features in {
    "codes": FrozenEstimator(mae),
    "columns": make_pipeline(SimpleImputer(), StandardScaler()),
}.items():
    pipeline = make_pipeline(features, LogisticRegression(max_iter=1000))
    accuracy = cross_val_score(pipeline, X_test, y_test, cv=5)
    print(f"accuracy on {name}: {accuracy.mean():.3f} +- {accuracy.std():.3f}")

# %%
# Restoration
# -----------
# Missing cells are filled in; the others stay bit for bit as they were. Since we know
# what was removed, we can measure how well.

restored = mae.restore(X_test)
missing = X_test.isna().to_numpy()
spread = X_train.std().to_numpy()


def error_of(filled):
    return np.sqrt(np.mean(((filled - truth) / spread).to_numpy()[missing] ** 2))


print(f"error of missing cells, in standard deviations: {error_of(restored):.2f}")
print(f"filled with the column's mean: {error_of(X_test.fillna(X_train.mean())):.2f}")

# %%
# The same in a picture, for the first ten columns of some rows, with more cells hidden.

mask = np.random.default_rng(1).random(X_test.shape) < 0.3
rows = slice(0, 6)
few = X_test.columns[:10]
ReconstructionDisplay.from_predictions(
    X_test[few].iloc[rows],
    mask[rows, :10],
    mae.restore(X_test.iloc[rows], mask[rows])[few],
)

# %%
# Scores
# ------
# Every other row gets the values of another row in five of its columns: each is
# ordinary by itself, but they do not go together.

damaged = X_test.to_numpy().copy()
is_damaged = np.arange(len(damaged)) % 2 == 1
for i in np.flatnonzero(is_damaged):
    columns = rng.choice(X_test.shape[1], 5, replace=False)
    damaged[i, columns] = X_test.to_numpy()[rng.integers(len(damaged)), columns]
damaged = X_test.__class__(damaged, columns=X_test.columns)
found = roc_auc_score(is_damaged, -mae.score_samples(damaged))
print(f"damaged rows found, area under the ROC curve: {found:.3f}")

# %%
# New rows
# --------
# Part of each row is hidden and drawn again.

new = mae.augment(X_test, n_copies=2, random_state=0)
print(f"{len(new)} new rows from {len(X_test)}")
print(
    f"correlation of radius and area: given "
    f"{truth['mean radius'].corr(truth['mean area']):.2f}, new "
    f"{new['mean radius'].corr(new['mean area']):.2f}"
)
plt.show()
