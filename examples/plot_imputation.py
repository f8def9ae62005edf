"""
==================================
Filling in missing values
==================================

Half of the measurements of the wine data are taken away. An imputer fills them in
before a classifier; we compare imputers by cross-validation, look at which columns
can be filled in at all, and draw completions that show how certain each filled cell is.
"""

# %%
# A table with missing values
# ---------------------------
# The data set is complete, so that the removed cells are known.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmae import MaskedAutoencoderImputer

data = load_wine(as_frame=True)
X, y = data.data, data.target
rng = np.random.default_rng(0)
hidden = rng.random(X.shape) < 0.5
X_missing = X.mask(hidden)

# %%
# Before a classifier
# -------------------
# An imputer is a step of a pipeline: it is fitted on the training rows of each fold
# and fills the missing values of the others.

imputers = {
    "SimpleImputer": SimpleImputer(),
    "IterativeImputer": IterativeImputer(max_iter=20, tol=1e-2, random_state=0),
    "MaskedAutoencoderImputer": MaskedAutoencoderImputer(max_epochs=12, random_state=0),
}
spread = X.std().to_numpy()
for name, imputer in imputers.items():
    pipeline = make_pipeline(imputer, StandardScaler(), LogisticRegression())
    accuracy = cross_val_score(pipeline, X_missing, y, cv=4)
    filled = np.asarray(imputer.fit_transform(X_missing))
    error = np.sqrt(np.mean(((filled - X) / spread).to_numpy()[hidden] ** 2))
    print(
        f"{name:<25} accuracy {accuracy.mean():.3f} +- {accuracy.std():.3f}, "
        f"error of filled cells {error:.3f} standard deviations"
    )

# %%
# Which columns cannot be predicted
# ---------------------------------
# ``column_scores_`` shows how well hidden cells of each column were predicted in
# rows that the networks had not seen: near 0, a filled value is hardly more than the
# column's mean. Since the true values are known here, it can be checked.

imputer = imputers["MaskedAutoencoderImputer"]
filled = imputer.transform(X_missing)
found = []
for j, name in enumerate(X.columns):
    cells = hidden[:, j]
    truth, mean = X[name][cells], X_missing[name].mean()
    residual = ((filled[name][cells] - truth) ** 2).sum()
    found.append(1 - residual / ((truth - mean) ** 2).sum())
    print(f"{name:<30} {imputer.column_scores_[j]:6.2f} {found[-1]:6.2f}")

# %%
# How certain each cell is
# ------------------------
# ``sample`` draws whole completions. Their quantiles are prediction intervals; nine
# in ten of the removed cells should lie within the 90 % interval.

draws = imputer.sample(X_missing, n_samples=100, random_state=0)
low, high = np.quantile(draws, [0.05, 0.95], axis=0)
truth = X.to_numpy()
inside = ((truth >= low) & (truth <= high))[hidden].mean()
print(f"{inside:.1%} of the removed cells lie within their 90 % intervals")

# %%
# A well predicted column beside a poorly predicted one:

best, worst = np.argmax(imputer.column_scores_), np.argmin(imputer.column_scores_)
figure, axes = plt.subplots(1, 2, figsize=(10, 4.5))
for ax, j in zip(axes, (best, worst), strict=True):
    name, cells = X.columns[j], hidden[:, j]
    center = filled[name][cells].to_numpy()
    bars = np.abs(np.stack([low[cells, j], high[cells, j]]) - center)
    ax.errorbar(
        truth[cells, j], center, yerr=bars, fmt="o", ms=4, elinewidth=0.6, alpha=0.7
    )
    ends = [truth[:, j].min(), truth[:, j].max()]
    ax.plot(ends, ends, color="black", lw=1)
    ax.set(
        title=f"{name}, column score {imputer.column_scores_[j]:.2f}",
        xlabel="removed value",
        ylabel="filled value, 90 % interval",
    )
figure.tight_layout()
plt.show()
