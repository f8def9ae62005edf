"""Which labelled rows are left out."""

import numpy as np
from numpy.testing import assert_array_equal

from skmae.semi_supervised.folds import stratified_folds


def test_every_row_of_a_class_with_several_is_left_out_once():
    labels = np.array([0] * 7 + [1] * 3 + [3] * 2 + [2])
    folds = stratified_folds(labels, 0)
    assert len(folds) == 5
    assert_array_equal(np.sort(np.concatenate([out for _, out in folds])), range(12))
    for kept, left_out in folds:
        assert 12 in kept  # else a class would be unknown
        assert set(labels[kept]) == {0, 1, 2, 3}
        assert_array_equal(np.sort(np.concatenate([kept, left_out])), range(13))


def test_a_class_of_one_row_is_never_left_out():
    assert stratified_folds(np.arange(3), 0) == []
    labels = np.array([0, 1] * 10 + [2])
    assert all(20 in kept for kept, _ in stratified_folds(labels, 0))
