"""What analyses of drawn completions say, where the truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from skmae import MaskedAutoencoderImputer, pool
from skmae.networks.outputs import Category

N_ROWS, N_TABLES = 200, 20


def make_table(seed, kind):
    """A regression whose first slope is 1, and the same with values missing."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=N_ROWS)
    x = 0.5 * z + np.sqrt(0.75) * rng.normal(size=N_ROWS)
    y = 1 + x + 0.5 * z + rng.normal(size=N_ROWS)
    share = 0.7 if kind == "at random" else 1 / (1 + np.exp(0.4 - 1.2 * (y - 1)))
    frame = pd.DataFrame({"x": x, "z": z, "y": y})
    return frame, frame.mask(
        np.column_stack([rng.random(N_ROWS) < share, *np.zeros((2, N_ROWS))]) == 1
    )


def slope(frame):
    """First slope of least squares, and its squared standard error."""
    A = np.column_stack([frame["x"], frame["z"], np.ones(len(frame))])
    coefficients, (residual,), _, _ = np.linalg.lstsq(A, frame["y"].to_numpy())
    inverse = np.linalg.inv(A.T @ A)
    return coefficients[0], residual / (len(A) - 3) * inverse[0, 0]


def imputer_of_lines(seed):
    """The Gaussian alone, which suits Gaussian data and is fitted at once."""
    return MaskedAutoencoderImputer(
        hidden_layer_sizes=(8,),
        numerical_embedding=None,
        n_members=8,
        mask_ratio=0,
        max_epochs=1,
        device="cpu",
        random_state=seed,
    )


@pytest.mark.parametrize("kind", ["at random", "where y is large"])
def test_pooled_intervals_hold_the_truth_as_often_as_they_say(kind):
    pooled, complete, once = [], [], []
    dof = N_ROWS - 3
    for seed in range(N_TABLES):
        frame, holey = make_table(seed, kind)
        complete.append(slope(frame)[1] ** 0.5)
        imputer = imputer_of_lines(seed).fit(holey)
        center, variance = slope(imputer.transform(holey))
        once.append(abs(center - 1) < stats.t.ppf(0.975, dof) * variance**0.5)
        completed = imputer.sample(holey, n_samples=20, random_state=seed)
        results = np.array([slope(table) for table in completed])
        pooled.append(pool(*results.T, dof_complete=dof))
    estimates = np.array([one.estimate for one in pooled])
    std_errors = np.array([one.std_error for one in pooled])
    intervals = [one.interval(0.95) for one in pooled]
    assert abs(estimates.mean() - 1) < 0.05
    assert sum(low < 1 < high for low, high in intervals) >= 17
    # As far from the truth as they say, and further than without missing values.
    assert std_errors.mean() > 0.8 * np.sqrt(np.mean((estimates - 1) ** 2))
    least = 1.4 if kind == "at random" else 1.2
    assert std_errors.mean() > least * np.mean(complete)
    # A table that is filled once is sure of the wrong slope.
    assert sum(once) <= 4


def test_completed_frames_keep_dtypes_for_the_analysis():
    frame, holey = make_table(0, "where y is large")
    groups = pd.Series(np.where(frame["z"] > 0, "high", "low"), dtype="category")
    holey["group"] = groups.mask(np.arange(N_ROWS) % 5 == 0)
    holey["count"] = pd.array(np.round(frame["y"] * 3), dtype="Int64")
    holey.loc[::7, "count"] = pd.NA
    imputer = imputer_of_lines(0).fit(holey)
    completed = imputer.sample(holey, n_samples=5, random_state=0)
    for table in completed:
        assert (table.dtypes == holey.dtypes).all()
        assert not table.isna().any(axis=None)
    pooled = pool(*np.array([slope(table) for table in completed]).T)
    assert pooled.n_imputations == 5
    means = [table.groupby("group", observed=True)["x"].mean() for table in completed]
    assert pool(means, np.ones((5, 2))).estimate.shape == (2,)


def test_probabilities_that_move_stay_above_zero(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=24)
    words = pd.Series(np.select([x < -0.3, x > 0.3], ["low", "high"], "middle"))
    holey = pd.DataFrame({"x": x, "word": words.mask(np.arange(24) % 2 == 1)})
    least = []
    sample = Category.sample

    def recording(self, mean, rng):
        least.append(mean.min())
        return sample(self, mean, rng)

    monkeypatch.setattr(Category, "sample", recording)
    drawn = imputer_of_lines(0).fit(holey).sample(holey, n_samples=50, random_state=0)
    assert len(drawn) == len(least) == 50
    assert min(least) > 0


def test_two_rows_are_completed():
    X = np.array([[1.0, 2.0, np.nan], [2.0, 1.0, 1.0]])
    drawn = imputer_of_lines(0).fit(X).sample(X, n_samples=2, random_state=0)
    assert np.isfinite(drawn).all()
