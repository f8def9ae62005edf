"""The detector: signs, blame, calibration, frames, wide and small tables."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmae import MaskedAutoencoderDetector

from ..conftest import make_frame, mixed_columns

KINDS = ("auto", "clean", "contaminated")


def quick(**params):
    """A small detector that trains in a fraction of a second."""
    settings = {
        "hidden_layer_sizes": (32, 32),
        "max_epochs": 20,
        "batch_size": 64,
        "device": "cpu",
        "random_state": 0,
    }
    return MaskedAutoencoderDetector(**(settings | params))


def bound_columns(n_rows, seed=0, n_columns=6):
    """Columns that all follow one hidden number, each with some noise."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=(n_rows, 1))
    return size + 0.2 * rng.normal(size=(n_rows, n_columns))


@pytest.fixture(scope="module")
def bound():
    return bound_columns(400)


@pytest.fixture(scope="module")
def fitted(bound):
    return quick().fit(bound)


# -- scores and labels ---------------------------------------------------------


def test_signs(fitted):
    normal, far = bound_columns(100, seed=1), np.full((1, 6), 30.0)
    assert fitted.score_samples(far)[0] < fitted.score_samples(normal).min() < 0
    assert_array_equal(fitted.predict(far), [-1])
    assert fitted.decision_function(far)[0] < 0
    scores = fitted.score_samples(normal)
    assert scores.dtype == np.float64
    assert_allclose(fitted.decision_function(normal), scores - fitted.offset_)
    labels = np.where(scores < fitted.offset_, -1, 1)
    assert_array_equal(fitted.predict(normal), labels)
    assert fitted.predict(normal).dtype == int


@pytest.mark.parametrize("contamination", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("training_data", KINDS)
def test_contamination_is_the_share_of_outliers_in_training(
    bound, contamination, training_data
):
    detector = quick(contamination=contamination, training_data=training_data)
    labels = detector.fit_predict(bound)
    assert abs((labels == -1).mean() - contamination) <= 1 / len(bound)
    assert_array_equal(labels, detector.predict(bound))


def test_auto_calls_few_normal_rows_outliers(fitted, bound):
    assert (fitted.predict(bound) == -1).mean() <= 0.08
    share = (fitted.predict(bound_columns(2000, seed=1)) == -1).mean()
    assert 0.01 <= share <= 0.1


def broken_rows(n_rows):
    """Normal rows, and rows each value of which is ordinary only by itself."""
    normal = bound_columns(n_rows, seed=1)
    broken = normal.copy()
    broken[:, 3] = bound_columns(n_rows, seed=2)[:, 3]
    return np.concatenate([normal, broken]), np.repeat([0, 1], n_rows)


def best_possible(rows):
    """Distances by the covariance from which the columns were drawn."""
    precision = np.linalg.inv(np.ones((6, 6)) + 0.04 * np.eye(6))
    return np.einsum("ij,jk,ik->i", rows, precision, rows)


def test_finds_rows_that_break_a_dependence(fitted):
    rows, y = broken_rows(200)
    best = roc_auc_score(y, best_possible(rows))
    assert roc_auc_score(y, -fitted.score_samples(rows)) > best - 0.03


def test_breast_cancer():
    X, y = load_breast_cancer(return_X_y=True)
    benign = np.random.default_rng(0).permutation(np.flatnonzero(y == 1))
    test = np.r_[benign[180:], np.flatnonzero(y == 0)]
    detector = quick(max_epochs=100).fit(X[benign[:180]])
    scores, malignant = -detector.score_samples(X[test]), y[test] == 0
    assert roc_auc_score(malignant, scores) > 0.94
    assert average_precision_score(malignant, scores) > 0.94


def test_contaminated_training_data():
    """A knot of outliers in training hides from near neighbours, not from many."""
    rng = np.random.default_rng(0)
    normal, knot = bound_columns(400), 4 + 0.01 * rng.normal(size=(20, 6))
    knot[:, ::2] -= 4
    X, y = np.concatenate([normal, knot]), np.repeat([0, 1], [400, 20])
    found = {
        kind: average_precision_score(
            y, -quick(training_data=kind).fit(X).score_samples(X)
        )
        for kind in KINDS
    }
    assert found["contaminated"] > found["clean"] + 0.1
    assert found["auto"] > found["clean"] + 0.1


def test_auto_compares_with_all_rows_where_none_is_far_off():
    """Values with light tails: no row is an outlier."""
    X = np.random.default_rng(0).uniform(size=(200, 12))
    scores = [
        quick(training_data=kind).fit(X).score_samples(X) for kind in ("auto", "clean")
    ]
    assert_array_equal(*scores)


# -- weights -------------------------------------------------------------------


def two_groups():
    """A large group of rows, a small one elsewhere, and new rows of each."""
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(2, 6))

    def group(n_rows, center):
        hidden = rng.normal(size=(n_rows, 2)) @ loadings
        return center + hidden + 0.3 * rng.normal(size=(n_rows, 6))

    X = np.concatenate([group(180, 0.0), group(12, 4.0)])
    return X, group(100, 0.0), group(100, 4.0)


@pytest.mark.parametrize("training_data", KINDS)
def test_sample_weight_acts_like_repeated_rows(training_data):
    X, _, few = two_groups()
    weight = np.repeat([1, 12], [180, 12])
    detector = quick(training_data=training_data, max_epochs=100)
    oddness = {}
    for kind, fit in {
        "plain": lambda: detector.fit(X),
        "weighted": lambda: detector.fit(X, sample_weight=weight),
        "repeated": lambda: detector.fit(np.repeat(X, weight, axis=0)),
    }.items():
        fit()
        # in units of the threshold
        oddness[kind] = np.median(detector.score_samples(few)) / detector.offset_
    assert oddness["plain"] > 1.3 * oddness["repeated"]
    assert oddness["plain"] > 1.3 * oddness["weighted"]


@pytest.mark.parametrize("contamination", ["auto", 0.1])
def test_rows_of_weight_zero_were_never_there(holey_frame, contamination):
    from skmae.data.tables import take_rows

    weight = np.random.default_rng(0).integers(0, 3, size=120)
    kept = np.flatnonzero(weight)
    rows = take_rows(holey_frame, kept)
    detector = quick(contamination=contamination)
    with_zeros = detector.fit(holey_frame, sample_weight=weight)
    scores, offset = with_zeros.score_samples(holey_frame), with_zeros.offset_
    without = detector.fit(rows, sample_weight=weight[kept])
    assert_array_equal(without.score_samples(holey_frame), scores)
    assert without.offset_ == offset


def test_only_ratios_of_weights_matter(bound):
    weight = np.random.default_rng(0).uniform(0.2, 5, size=400)
    scores = [
        quick().fit(bound, sample_weight=scale * weight).score_samples(bound)
        for scale in (1, 4)
    ]
    assert_array_equal(*scores)
    plain = quick().fit(bound).score_samples(bound)
    assert (scores[0] != plain).any()
    alike = quick().fit(bound, sample_weight=np.full(400, 3.0)).score_samples(bound)
    assert_allclose(alike, plain, rtol=1e-9)


def test_contamination_is_a_share_of_the_weight(bound):
    weight = np.random.default_rng(0).uniform(0.2, 5, size=400)
    detector = quick(contamination=0.2).fit(bound, sample_weight=weight)
    outliers = detector.predict(bound) == -1
    share = weight[outliers].sum() / weight.sum()
    assert 0.2 - weight.max() / weight.sum() < share <= 0.2
    labels = quick(contamination=0.2).fit_predict(bound, sample_weight=weight)
    assert_array_equal(labels == -1, outliers)


def test_weights_of_a_list_with_an_empty_row(bound):
    X = bound[:40].copy()
    X[3] = np.nan
    weight = np.arange(40.0)
    detector = quick(contamination=0.1, max_epochs=2)
    of_list = detector.fit(X.tolist(), sample_weight=weight).score_samples(X)
    assert_array_equal(detector.fit(X, sample_weight=weight).score_samples(X), of_list)


def test_weights_are_routed(bound):
    weight = np.random.default_rng(0).uniform(0.2, 5, size=400)
    with config_context(enable_metadata_routing=True):
        detector = quick(max_epochs=2).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, detector)
        routed.fit(bound, sample_weight=weight)
    scaled = StandardScaler().fit_transform(bound)
    alone = quick(max_epochs=2).fit(scaled, sample_weight=weight)
    assert_array_equal(routed.score_samples(bound), alone.score_samples(scaled))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(399), "sample_weight.shape"),
        (np.full(400, -1.0), "Negative values in data passed to `sample_weight`"),
        (np.eye(400)[0], "sample_weight must be positive for at least 2 samples"),
    ],
)
def test_bad_weights(weight, message, bound):
    with pytest.raises(ValueError, match=message):
        quick().fit(bound, sample_weight=weight)


# -- blame ---------------------------------------------------------------------


@pytest.mark.parametrize("training_data", KINDS)
def test_blame_sums_to_the_score(holey_wine, training_data):
    detector = quick(training_data=training_data).fit(holey_wine)
    blame = detector.explain(holey_wine)
    assert blame.shape == holey_wine.shape
    assert_allclose(blame.sum(axis=1), -detector.score_samples(holey_wine), rtol=1e-12)
    assert (blame >= 0).all()
    assert_array_equal(blame[np.isnan(holey_wine)], 0)


def test_blame_points_at_the_damaged_cell(fitted):
    rows = bound_columns(60, seed=1)
    cells = np.random.default_rng(0).integers(6, size=60)
    rows[np.arange(60), cells] += np.where(rows[np.arange(60), cells] > 0, -3, 3)
    found = fitted.explain(rows).argmax(axis=1)
    assert (found == cells).mean() > 0.95


def test_a_column_that_never_varied(bound):
    X = np.column_stack([bound, np.full(len(bound), 7.0)])
    detector = quick().fit(X)
    row = X[:1].copy()
    before = detector.score_samples(row)[0]
    for change in (0.01, 1.0, -100.0):
        row[0, 6] = 7.0 + change
        assert detector.score_samples(row)[0] < before
        assert detector.explain(row)[0].argmax() == 6
        assert detector.predict(row)[0] == -1


def test_the_farther_out_the_more_abnormal(fitted):
    rows = np.zeros((6, 6))
    rows[:, 2] = [1, 3, 10, 1e3, 1e6, 1e12]
    scores = fitted.score_samples(rows)
    assert np.isfinite(scores).all()
    assert (np.diff(scores[:5]) < 0).all()


def test_wild_cells_beside_missing_ones(fitted):
    rows = np.tile([0.0, 1.0, np.nan, 0.0, 0.0, 0.0], (3, 1))
    rows[:, 1] = [1e100, -1e300, 1.0]
    scores = fitted.score_samples(rows)
    assert np.isfinite(scores).all()
    assert_array_equal(fitted.explain(rows)[:2].argmax(axis=1), 1)
    assert scores[:2].max() < scores[2]


# -- expected cells ------------------------------------------------------------


def test_expected_value_of_a_damaged_cell(fitted):
    rows = bound_columns(60, seed=1)
    damaged, cells = rows.copy(), np.random.default_rng(0).integers(6, size=60)
    where = (np.arange(60), cells)
    damaged[where] += 3
    blame, expected = fitted.explain(damaged, return_expected=True)
    assert_array_equal(blame, fitted.explain(damaged))
    assert expected.shape == damaged.shape
    assert np.abs(expected - rows)[where].mean() < 0.5
    # others hardly take notice of one damaged cell among six
    assert np.median(np.abs(expected - rows)) < 0.5
    assert_array_equal(
        fitted.explain(damaged[:7], return_expected=True)[1], expected[:7]
    )


def fitted_and_tall_in_small_shirts(frame_kind):
    """A detector, columns to judge, and which rows of them have the wrong shirt."""
    columns = mixed_columns(400)
    detector = quick(max_epochs=60).fit(make_frame(frame_kind, columns))
    columns = {name: list(values[:40]) for name, values in columns.items()}
    tall = [i for i, shirt in enumerate(columns["shirt"]) if shirt == "L"]
    for i in tall:
        columns["shirt"][i] = "S"
    return detector, columns, tall


def test_expected_cells_are_in_the_units_of_the_rows(frame_kind):
    detector, columns, tall = fitted_and_tall_in_small_shirts(frame_kind)
    columns["height"][0] = None
    frame = make_frame(frame_kind, columns)
    blame, expected = detector.explain(frame, return_expected=True)
    assert_array_equal(blame.to_numpy(), detector.explain(frame).to_numpy())
    assert type(expected) is type(frame)
    assert list(expected.columns) == list(frame.columns)
    shirts = np.asarray(expected["shirt"], dtype=object)
    assert (shirts[tall] == "L").mean() > 0.8
    heights = np.asarray(expected["height"], dtype=float)
    known = [height for height in columns["height"] if height is not None]
    assert np.isfinite(heights).all()
    assert min(known) - 20 < heights.min() < heights.max() < max(known) + 20


def test_expected_cells_of_sparse_rows_and_images(bound, digits):
    detector = quick(max_epochs=2).fit(bound)
    _, expected = detector.explain(bound, return_expected=True)
    blame, of_sparse = detector.explain(sparse.csr_array(bound), return_expected=True)
    assert_array_equal(of_sparse, expected)
    assert_array_equal(blame, detector.explain(bound))
    images = digits[0].reshape(-1, 8, 8)[:50]
    detector = quick(input_shape=(8, 8), patch_size=2, max_epochs=2).fit(images)
    blame, expected = detector.explain(images, return_expected=True)
    assert blame.shape == expected.shape == images.shape
    assert images.min() <= expected.min() <= expected.max() <= images.max()


# -- rows that repeat ----------------------------------------------------------


def few_distinct_rows(kind):
    """Rows of which none is odd, and one that fit never saw."""
    rng = np.random.default_rng(0)
    if kind == "ones":
        X, new = np.ones((100, 10)), np.ones((1, 10))
    elif kind == "one row":
        X = np.repeat(rng.normal(size=(1, 10)), 100, axis=0)
        new = X[:1].copy()
    elif kind == "tiled":
        X = np.tile(rng.normal(size=(4, 5)), (50, 1))
        new = X[:1].copy()
    elif kind == "rounding":
        X = np.tile(rng.normal(size=(4, 5)), (50, 1))
        X += 1e-9 * rng.normal(size=X.shape)
        new = X[:1].copy()
    elif kind == "categories":
        rows = np.array([["a", "x", "1"], ["b", "y", "2"], ["c", "x", "2"]], object)
        X = np.repeat(rows, 400, axis=0)
        return (
            X,
            np.array([["a", "y", "2"]], object),
            {"categorical_features": [0, 1, 2]},
        )
    else:
        X = np.column_stack(
            [rng.integers(0, 2, size=(300, 2)).astype(float), np.full((300, 3), 7.0)]
        )
        new = X[:1].copy()
    new[0, -1] += 1
    return X, new, {}


REPEATED = ("ones", "one row", "tiled", "rounding", "categories", "binary")


@pytest.mark.parametrize("contamination", ["auto", 0.1])
@pytest.mark.parametrize("training_data", KINDS)
@pytest.mark.parametrize("kind", REPEATED)
def test_rows_that_all_repeat_are_normal(kind, training_data, contamination):
    X, new, params = few_distinct_rows(kind)
    detector = quick(
        training_data=training_data,
        contamination=contamination,
        max_epochs=60,
        **params,
    ).fit(X)
    scores = detector.score_samples(X)
    # rows that differ by rounding have scores that differ, of which some are lowest
    most = 0.1 if kind == "rounding" and contamination != "auto" else 0.0
    assert (detector.predict(X) == -1).mean() <= most
    assert scores.min() > -20
    assert detector.score_samples(new)[0] < 3 * scores.min() - 10
    assert detector.predict(new) == [-1]


@pytest.mark.parametrize("training_data", KINDS)
@pytest.mark.parametrize("noise", [1e-5, 1e-4, 1e-3])
def test_rows_that_nearly_repeat(noise, training_data):
    """Members may differ more about such rows than the rows do."""
    rng = np.random.default_rng(0)
    corners = rng.normal(size=(4, 5))
    X = corners[rng.integers(4, size=300)] + noise * rng.normal(size=(300, 5))
    unseen = corners[rng.integers(4, size=300)] + noise * rng.normal(size=(300, 5))
    detector = quick(training_data=training_data, max_epochs=60).fit(X)
    assert np.median(detector.score_samples(X)) > -4
    for rows in (X, unseen):
        assert (detector.predict(rows) == -1).mean() <= 0.13
    assert (detector.predict(unseen + 0.5) == -1).all()


@pytest.mark.parametrize("training_data", KINDS)
def test_an_odd_row_among_repeated_ones(training_data):
    X, new, _ = few_distinct_rows("tiled")
    X = np.concatenate([X, 5 + new])
    detector = quick(training_data=training_data, max_epochs=60).fit(X)
    assert_array_equal(np.flatnonzero(detector.predict(X) == -1), [len(X) - 1])


@pytest.mark.parametrize("training_data", KINDS)
@pytest.mark.parametrize("contamination", [0.05, 0.3])
def test_whole_numbers_of_few_values(training_data, contamination):
    X = np.random.default_rng(0).integers(0, 3, size=(500, 4)).astype(float)
    detector = quick(training_data=training_data, contamination=contamination).fit(X)
    share = (detector.predict(X) == -1).mean()
    assert contamination - 0.03 < share <= contamination
    assert detector.score_samples(X).min() > -60


# -- deterministic scores ------------------------------------------------------


def test_scores_do_not_depend_on_other_rows(fitted, bound):
    scores, blame = fitted.score_samples(bound), fitted.explain(bound)
    assert_array_equal(fitted.score_samples(bound), scores)
    for k in (1, 2, 65, 300):
        assert_array_equal(fitted.score_samples(bound[:k]), scores[:k])
        assert_array_equal(fitted.explain(bound[:k]), blame[:k])
    order = np.random.default_rng(0).permutation(len(bound))
    assert_allclose(fitted.score_samples(bound[order]), scores[order], rtol=1e-6)


@pytest.mark.parametrize("training_data", KINDS)
def test_one_row_costs_few_rows_of_the_network(bound, training_data):
    """One row alone, as a service has it: all masks in one batch, padded little."""
    detector = quick(training_data=training_data, max_epochs=1).fit(bound)
    computed = []
    detector.net_.module_.input.register_forward_pre_hook(
        lambda module, args: computed.append(len(args[0]))
    )
    detector.score_samples(bound[:1])
    assert len(computed) == 1
    assert computed[0] <= 16 * 18
    computed.clear()
    detector.score_samples(bound)
    assert sum(computed) <= 18 * (len(bound) + 16)


def test_missing_cells_beside_complete_rows(fitted):
    rows = bound_columns(80, seed=1)
    rows[::3, 2] = np.nan
    scores = fitted.score_samples(rows)
    assert_array_equal(fitted.score_samples(rows[:5]), scores[:5])


def test_fits_repeat_and_leave_global_generators_alone(bound):
    numpy_before = np.random.get_state()[1].copy()  # noqa: NPY002
    torch_before, n_threads = torch.random.get_rng_state(), torch.get_num_threads()
    first = quick().fit(bound).score_samples(bound)
    assert_array_equal(quick().fit(bound).score_samples(bound), first)
    other = quick(random_state=1).fit(bound).score_samples(bound)
    assert (other != first).any()
    assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    assert torch.equal(torch.random.get_rng_state(), torch_before)
    assert torch.get_num_threads() == n_threads


@pytest.mark.parametrize("frame", [False, True])
def test_pickle_and_clone(frame):
    X = make_frame("pandas", mixed_columns()) if frame else bound_columns(100)
    detector = quick(input_shape=None).fit(X)
    data = pickle.dumps(detector)
    assert b"torch._utils" not in data
    assert b"skorch" not in data
    loaded = pickle.loads(data)
    assert_array_equal(loaded.score_samples(X), detector.score_samples(X))
    assert loaded.offset_ == detector.offset_
    fresh = clone(detector)
    assert not hasattr(fresh, "offset_")
    assert fresh.get_params() == detector.get_params()


def test_a_failed_fit_leaves_the_earlier_one(fitted, bound):
    detector = pickle.loads(pickle.dumps(fitted))
    before = detector.score_samples(bound)
    with pytest.raises(ValueError, match="contains infinity"):
        detector.fit(np.full((10, 3), np.inf))
    detector.set_params(optimizer="sgd", lr=1e30, lr_schedule="constant")
    with pytest.raises(ValueError, match="Training diverged"):
        detector.fit(bound[:, :3])
    assert_array_equal(detector.score_samples(bound), before)


# -- frames --------------------------------------------------------------------


def test_mixed_frames(holey_frame):
    detector = quick().fit(holey_frame)
    blame = detector.explain(holey_frame)
    assert type(blame) is type(holey_frame)
    assert list(blame.columns) == list(holey_frame.columns)
    cells = blame.to_numpy()
    assert_allclose(cells.sum(axis=1), -detector.score_samples(holey_frame))
    missing = [(3, 0), (5, 1), (4, 3), (6, 4)]
    assert all(cells[cell] == 0 for cell in missing)
    assert (cells > 0).sum() > cells.size / 2
    assert detector.predict(holey_frame).shape == (120,)


def test_frame_keeps_its_index(bound):
    frame = pd.DataFrame(bound, index=np.arange(len(bound)) + 1000)
    blame = quick().fit(frame).explain(frame)
    assert blame.index.equals(frame.index)
    assert blame.columns.equals(frame.columns)


def test_a_category_that_does_not_fit_the_numbers(frame_kind):
    detector, columns, tall = fitted_and_tall_in_small_shirts(frame_kind)
    blame = detector.explain(make_frame(frame_kind, columns)).to_numpy()
    assert np.mean(blame[tall].argmax(axis=1) == 3) > 0.8


def test_an_unseen_category_is_abnormal(frame_kind):
    columns = mixed_columns()
    detector = quick().fit(make_frame(frame_kind, columns))
    columns = {name: list(values[:5]) for name, values in columns.items()}
    before = detector.score_samples(make_frame(frame_kind, columns))
    columns["shirt"][0] = "XXL"
    changed = make_frame(frame_kind, columns)
    after = detector.score_samples(changed)
    assert after[0] < before[0]
    assert_array_equal(after[1:], before[1:])
    assert detector.explain(changed).to_numpy()[0].argmax() == 3


def test_categories_in_arrays():
    columns = mixed_columns(200)
    X = np.array([columns["height"], columns["weight"], columns["shirt"]], object).T
    detector = quick(categorical_features=[2]).fit(X)
    assert_allclose(detector.explain(X).sum(axis=1), -detector.score_samples(X))


def test_a_frame_of_categories_alone():
    columns = mixed_columns()
    X = make_frame("pandas", {name: columns[name] for name in ("shirt", "tall")})
    assert np.isfinite(quick().fit(X).score_samples(X)).all()


# -- shapes --------------------------------------------------------------------


def test_a_hundred_rows():
    X = bound_columns(100)
    detector = MaskedAutoencoderDetector(
        max_epochs=200, device="cpu", random_state=0
    ).fit(X)
    rows, y = broken_rows(300)
    best = roc_auc_score(y, best_possible(rows))
    assert roc_auc_score(y, -detector.score_samples(rows)) > best - 0.06
    assert (detector.predict(bound_columns(300, seed=1)) == -1).mean() < 0.2


@pytest.mark.parametrize("n_rows", [2, 3, 5, 9])
def test_a_handful_of_rows(n_rows):
    X = bound_columns(n_rows)
    for kind in KINDS:
        detector = quick(training_data=kind).fit(X)
        assert np.isfinite(detector.score_samples(X)).all()
        assert detector.predict(np.full((1, 6), 1e4)) == [-1]


def test_wide_rows():
    X = bound_columns(150, n_columns=1500)
    detector = quick(max_epochs=5).fit(X)
    row = bound_columns(1, seed=1, n_columns=1500)
    row[0, 700] += 8
    assert detector.explain(row)[0].argmax() == 700
    assert len(pickle.dumps(detector)) < 30e6


@pytest.mark.parametrize("n_columns", [1, 2])
def test_few_columns(n_columns):
    X = bound_columns(200, n_columns=n_columns)
    detector = quick().fit(X)
    far = np.full((1, n_columns), 9.0)
    assert detector.predict(far) == [-1]
    assert (detector.predict(X) == 1).mean() > 0.85


def test_images(digits):
    images = digits[0].reshape(-1, 8, 8)[digits[1] == 3]
    detector = quick(input_shape=(8, 8), patch_size=2).fit(images)
    damaged = images[:20].copy()
    damaged[:, 6:, 0] = 16
    blame = detector.explain(damaged)
    assert blame.shape == damaged.shape
    flat = damaged.reshape(20, -1)
    assert_array_equal(detector.score_samples(flat), detector.score_samples(damaged))
    assert (blame[:, 6:, 0].sum(axis=1) > 0.3 * blame.sum(axis=(1, 2))).mean() > 0.9


def test_a_row_without_any_value(fitted):
    assert_array_equal(fitted.explain(np.full((1, 6), np.nan)), np.zeros((1, 6)))


# -- parameters ----------------------------------------------------------------

CHANGES = {
    "training_data": "contaminated",
    "n_neighbors": 20,
    "n_members": 2,
    "hidden_layer_sizes": (16,),
    "activation": "tanh",
    "numerical_embedding": "piecewise_linear",
    "mask_ratio": 0.7,
    "mask_strategy": "block",
    "mask_value": "zero",
    "loss": "huber",
    "scaling": "robust",
    "categorical_features": [0],
    "input_shape": (2, 3),
    "optimizer": "sgd",
    "lr": 0.01,
    "lr_schedule": "constant",
    "weight_decay": 0.5,
    "batch_size": 32,
    "max_epochs": 3,
    "precision": "bfloat16",
    "random_state": 1,
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_parameter_changes_the_scores(name, bound):
    X = bound.copy()
    X[:, 0] = np.rint(X[:, 0])
    X += 0.5  # mean and zero are not alike in the scaling None
    settings = {"max_epochs": 5, "scaling": None if name == "mask_value" else "asinh"}
    settings["precision"] = "float32"  # which "auto" may not be
    plain = quick(**settings).fit(X).score_samples(X)
    changed = quick(**(settings | {name: CHANGES[name]})).fit(X).score_samples(X)
    assert np.isfinite(changed).all()
    assert (changed != plain).any()


def test_max_epochs_auto_gives_few_rows_many_epochs(bound):
    few = quick(max_epochs="auto", hidden_layer_sizes=()).fit(bound[:50])
    many = quick(max_epochs="auto", hidden_layer_sizes=()).fit(bound)
    assert few.n_iter_ > 2 * many.n_iter_ > 20
    assert len(few.loss_curve_) == few.n_iter_


@pytest.mark.parametrize("patch_size", [1, 2])
def test_patches(bound, patch_size):
    detector = quick(input_shape=(2, 3), patch_size=patch_size, max_epochs=2)
    assert np.isfinite(detector.fit(bound).score_samples(bound)).all()


@pytest.mark.parametrize(
    "strategy", ["copy", lambda seen, rng: rng.random(seen.shape) < 0.3]
)
def test_mask_strategies(holey_wine, strategy):
    detector = quick(mask_strategy=strategy, max_epochs=2).fit(holey_wine)
    assert np.isfinite(detector.score_samples(holey_wine)).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"contamination": 0.6}, "The 'contamination' parameter"),
        ({"contamination": "some"}, "The 'contamination' parameter"),
        ({"training_data": "dirty"}, "The 'training_data' parameter"),
        ({"n_neighbors": 0}, "The 'n_neighbors' parameter"),
        ({"n_members": 1}, "The 'n_members' parameter"),
        ({"mask_ratio": 0.0}, "The 'mask_ratio' parameter"),
        ({"mask_ratio": (0, 0)}, "The 'mask_ratio' parameter .* above 0"),
        ({"mask_ratio": (0.5, 0.1)}, "The 'mask_ratio' parameter"),
        ({"mask_ratio": (None, 0.5)}, "The 'mask_ratio' parameter"),
        ({"hidden_layer_sizes": (0,)}, "The 'hidden_layer_sizes' parameter"),
        ({"input_shape": (2, 2)}, "X has rows of shape"),
    ],
)
def test_bad_parameters(params, message, bound):
    with pytest.raises(ValueError, match=message):
        quick(**params).fit(bound)


def test_a_wild_cell_is_blamed_without_a_warning(bound):
    """At the end of what float64 holds its scaling cannot be undone."""
    detector = quick().fit(bound / 100)
    wild = bound[:3] / 100
    wild[1, 2] = 1.7e308
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        blame = detector.explain(wild)
    assert np.isfinite(blame).all()
    assert blame[1].argmax() == 2


def test_bad_rows(fitted, bound):
    with pytest.raises(ValueError, match="X has 5 features, but"):
        fitted.score_samples(bound[:, :5])
    with pytest.raises(ValueError, match="contains infinity"):
        fitted.predict(np.full((1, 6), np.inf))
    with pytest.raises(ValueError, match="minimum of 2"):
        quick().fit(bound[:1])
    with pytest.raises(ValueError, match="no observed value"):
        quick().fit(np.full_like(bound, np.nan))
