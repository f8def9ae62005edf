"""
==================================
Multiple imputation
==================================

A regression on a table with missing values: which slope, and how certain? Rows without
missing values may be the wrong ones, and a table filled once looks more certain than it
is. Several completions, each analysed as if it were complete, and Rubin's rules give a
slope and an interval that allow for what is missing.
"""

# %%
# A table with missing values
# ---------------------------
# The diabetes data: how the disease progresses with body mass index, blood pressure and
# a measurement of the blood. Body mass index is missing mostly where the disease
# progresses fast, as if it was recorded less often in the worst cases.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import stats
from sklearn.datasets import load_diabetes

from skmae import MaskedAutoencoderImputer, pool

complete = load_diabetes(as_frame=True, scaled=False).frame
fast = stats.zscore(complete["target"])
rng = np.random.default_rng(0)
hidden = rng.random(len(complete)) < 1 / (1 + np.exp(-2 * fast))
table = complete.copy()
table.loc[hidden, "bmi"] = np.nan
print(f"{hidden.mean():.0%} of the body mass indices are missing")

# %%
# The analysis
# ------------
# Ordinary least squares: the slope of body mass index, and its squared standard error.
# Any other analysis would do that gives estimates with standard errors, such as those
# of statsmodels.

NAMES = ["bmi", "bp", "s5"]
dof = len(table) - len(NAMES) - 1


def slope(frame):
    """Slope of body mass index and its squared standard error."""
    A = np.column_stack([frame[NAMES], np.ones(len(frame))])
    inverse = np.linalg.inv(A.T @ A)
    coefficients = inverse @ A.T @ frame["target"].to_numpy()
    residuals = frame["target"] - A @ coefficients
    variance = residuals @ residuals / (len(A) - A.shape[1])
    return coefficients[0], variance * inverse[0, 0]


# %%
# Twenty completed tables
# -----------------------
# The imputer is fitted to all columns of the analysis, the target among them: without
# it, values would be drawn as if they were not related to it. ``sample`` gives a list
# of frames, and ``pool`` turns twenty analyses into one.

imputer = MaskedAutoencoderImputer(max_epochs=12, random_state=0).fit(table)
completed = imputer.sample(table, n_samples=20, random_state=0)
slopes, variances = zip(*[slope(frame) for frame in completed], strict=True)
pooled = pool(slopes, variances, dof_complete=dof)
print(pooled)

# %%
# ``fraction_missing`` is the share of the information on the slope that went missing.
# It is not the share of rows: rows differ in how much they say about the slope, and the
# other columns say something about the missing values.
#
# Beside it
# ---------
# What one would do otherwise: leave out the rows with missing values, or fill the table
# once. ``transform`` fills in expectations, which lie closer to the regression than
# values do. The slope of the table before anything was removed is what should be found.


def interval(frame, level=0.95):
    """Slope and interval of a table that is taken for complete."""
    center, variance = slope(frame)
    half = stats.t.ppf((1 + level) / 2, len(frame) - len(NAMES) - 1) * variance**0.5
    return center, center - half, center + half


found = {
    "nothing missing": interval(complete),
    "complete rows only": interval(table.dropna()),
    "filled once by transform": interval(imputer.transform(table)),
    "20 completions, pooled": (pooled.estimate, *pooled.interval(0.95)),
}
print(pd.DataFrame(found, index=["slope", "low", "high"]).T.round(2))

# %%
# The completed tables differ as much as the missing values leave the slope open. The
# pooled interval is wider than any of theirs, and holds the slope of the table without
# missing values (dashed), which complete rows and a table filled once miss.

figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
for name, (center, low, high) in found.items():
    bars = [[center - low], [high - center]]
    ax.errorbar([center], [name], xerr=bars, fmt="o", capsize=4, lw=2)
rows = [f"table {i + 1}" for i in range(len(slopes))]
half = stats.t.ppf(0.975, dof) * np.sqrt(variances)
ax.errorbar(slopes, rows, xerr=half, fmt="o", ms=3, lw=0.7, color="grey")
ax.axvline(found["nothing missing"][0], color="black", ls="--", lw=1)
ax.tick_params(axis="y", labelsize=8)
ax.invert_yaxis()
ax.set(xlabel="slope of body mass index, 95 % interval")
plt.show()
