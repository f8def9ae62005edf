"""Scalings against scikit-learn's own, read in blocks and undone again."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from skmae.data.scaling import ColumnScaler

SCALINGS = ["standard", "minmax", "robust", "quantile", "asinh", None]


def in_blocks(X, size=50):
    return lambda: (X[start : start + size] for start in range(0, len(X), size))


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("groups", [None, np.zeros(13, int), np.arange(13) % 3])
def test_scaling_is_undone(holey_wine, scaling, groups):
    scaler = ColumnScaler(scaling, groups).fit(in_blocks(holey_wine), 13)
    scaled = scaler.transform(holey_wine.copy())
    assert (np.isnan(scaled) == np.isnan(holey_wine)).all()
    assert_allclose(scaler.inverse_transform(scaled), holey_wine, rtol=1e-6)


@pytest.mark.parametrize(
    ("scaling", "peer"),
    [
        ("standard", StandardScaler()),
        ("minmax", MinMaxScaler()),
        ("robust", RobustScaler()),
    ],
)
def test_blocks_give_what_scikit_learn_gives_at_once(holey_wine, scaling, peer):
    scaler = ColumnScaler(scaling).fit(in_blocks(holey_wine), 13)
    ours = scaler.transform(holey_wine.copy())
    assert_allclose(ours, peer.fit_transform(holey_wine), atol=1e-9)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust", "asinh"])
def test_shared_scale_keeps_columns_comparable(wine, scaling):
    scaler = ColumnScaler(scaling, groups=np.zeros(13, dtype=int)).fit(
        in_blocks(wine), 13
    )
    same = np.full((1, 13), 7.5)
    assert np.ptp(scaler.transform(same)) == 0


def test_asinh_draws_tails_in(wine):
    X = np.r_[wine, wine[:1] * 1e4]
    plain = ColumnScaler("standard").fit(in_blocks(X), 13).transform(X.copy())
    drawn = ColumnScaler("asinh").fit(in_blocks(X), 13).transform(X.copy())
    assert np.abs(drawn).max() < np.abs(plain).max()


def test_constant_columns_keep_later_signal():
    X = np.c_[np.full(20, 3.0), np.arange(20.0)]
    scaler = ColumnScaler("standard").fit(in_blocks(X), 2)
    scaled = scaler.transform(np.array([[3.0, 1.0], [5.0, 1.0]]))
    assert scaled[0, 0] == 0
    assert scaled[1, 0] == 2


def test_float32_loses_nothing_at_a_large_offset(wine):
    X = (wine + 1e6).astype(np.float32)
    scaler = ColumnScaler("standard").fit(in_blocks(X), 13)
    exact = StandardScaler().fit_transform(X.astype(np.float64))
    ours = scaler.transform(X)
    assert ours.dtype == np.float32
    # rounding the offset itself to float32 would cost some 1e-2 here
    assert_allclose(ours, exact, rtol=1e-5, atol=1e-5)
