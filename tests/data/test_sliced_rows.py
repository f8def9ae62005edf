"""Rows read by slices: the right ones, checked, and never all at once."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse

from skmae.data import sliced_rows
from skmae.data.sliced_rows import SlicedRows, is_sliced


class Store:
    """Like a dataset of h5py or an array of zarr: shape, dtype and slices."""

    def __init__(self, X, most=None):
        self._X = X
        self.shape, self.dtype = X.shape, X.dtype
        self.most = len(X) if most is None else most

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        block = self._X[rows].copy()
        assert len(block) <= self.most, "more rows at once than memory may hold"
        return block


def on_disk(folder, X, mode="r"):
    """X as a memory map."""
    X.tofile(folder / "X.bin")
    return np.memmap(folder / "X.bin", dtype=X.dtype, mode=mode, shape=X.shape)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(100, 6)).astype(np.float32)


def test_what_is_sliced(tmp_path, X):
    mapped = on_disk(tmp_path, X)
    assert is_sliced(mapped)
    assert is_sliced(mapped[10:])
    assert is_sliced(Store(X))
    # in memory, or not rows of numbers
    for other in (
        X,
        X.tolist(),
        mapped * 2,
        mapped[[1, 2]],
        np.asarray(mapped),
        mapped[:, 0],
        torch.from_numpy(X),
        pd.DataFrame(X),
        pd.Series(X[:, 0]),
        sparse.csr_matrix(X),
        Store(X.astype(complex)),
        Store(X.astype(str)),
        Store(X[:0]),
    ):
        assert not is_sliced(other)


@pytest.mark.parametrize("kind", ["map", "part of a map", "store", "array"])
def test_rows_are_those_of_the_array(tmp_path, monkeypatch, X, kind):
    monkeypatch.setattr(sliced_rows, "_STRETCH_CELLS", 60)
    source = {
        "map": lambda: on_disk(tmp_path, X),
        "part of a map": lambda: on_disk(tmp_path, np.r_[X[:7], X])[7:],
        "store": lambda: Store(X, most=20),
        "array": lambda: X,
    }[kind]()
    rows = SlicedRows(source)
    wanted = np.array([99, 3, 3, 50, 0, 17])
    assert rows.shape == X.shape
    assert_array_equal(rows[5:25], X[5:25])
    assert_array_equal(rows[wanted], X[wanted])
    some = rows.only(wanted)
    assert len(some) == 6
    assert_array_equal(some[1:4], X[wanted][1:4])
    assert_array_equal(some.only(np.array([5, 0]))[:], X[[17, 99]])
    assert type(rows[5:25]) is np.ndarray
    assert rows[5:25].flags.writeable


def test_rows_of_many_dimensions_are_flattened(tmp_path, X):
    rows = SlicedRows(on_disk(tmp_path, X.reshape(100, 2, 3)))
    assert_array_equal(rows[:], X)


def test_infinities_are_refused_where_they_are_read(tmp_path, X):
    X[70, 2] = -np.inf
    X[10, 2] = np.nan
    rows = SlicedRows(on_disk(tmp_path, X))
    assert_array_equal(rows[:50], X[:50])
    with pytest.raises(ValueError, match=r"infinity or .* large for dtype\('float32'"):
        rows[50:]
    # whose sum overflows, though they are finite
    X[:] = np.finfo(np.float32).max
    assert_array_equal(SlicedRows(X)[:], X)


def test_changes_that_live_in_memory_alone_are_kept(tmp_path, X):
    """Mode "c": handing the pages back would undo what the user wrote."""
    mapped = on_disk(tmp_path, X, mode="c")
    mapped[3] = 7.0
    assert_array_equal(SlicedRows(mapped)[3:4], np.full((1, 6), 7.0))
    assert_array_equal(mapped[3], np.full(6, 7.0))


def test_changes_to_a_writable_map_are_kept(tmp_path, X):
    mapped = on_disk(tmp_path, X, mode="r+")
    mapped[3] = 7.0
    SlicedRows(mapped)[:]
    assert_array_equal(mapped[3], np.full(6, 7.0))
    mapped.flush()
    assert_array_equal(
        np.fromfile(tmp_path / "X.bin", np.float32)[18:24], np.full(6, 7)
    )
