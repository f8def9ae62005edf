"""Rows that are not in memory: the same estimators, the same numbers, little memory."""

import hashlib
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmae import (
    MaskedAutoencoderDetector,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
    _rows,
)
from skmae.data import blocks, encoded_rows, pooled_batches, sliced_rows

from .conftest import quick
from .data.test_sliced_rows import Store, on_disk


def make_rows(n_rows=3000, n_columns=8, seed=0, missing=0.0):
    rng = np.random.default_rng(seed)
    loadings = np.random.default_rng(1).normal(size=(3, n_columns))
    X = np.tanh(rng.normal(size=(n_rows, 3)) @ loadings)
    X += 0.2 * rng.normal(size=X.shape)
    X[rng.random(X.shape) < missing] = np.nan
    return X.astype(np.float32)


@pytest.fixture
def everything_is_large(monkeypatch):
    """Take small tables for large ones, with blocks and pools to match."""
    monkeypatch.setattr(encoded_rows, "LARGE_CELLS", 1000)
    monkeypatch.setattr(blocks, "_BLOCK_CELLS", 1)
    monkeypatch.setattr(sliced_rows, "_STRETCH_CELLS", 8000)
    monkeypatch.setattr(pooled_batches, "_BLOCK_CELLS", 400)
    monkeypatch.setattr(pooled_batches, "_POOL_CELLS", 8000)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# -- small files: nothing changes --------------------------------------------------


def test_a_small_file_gives_the_bits_of_the_array(tmp_path):
    """Read-only, without a warning, and the file stays as it is."""
    X = make_rows(missing=0.1)
    mapped = on_disk(tmp_path, X)
    before = digest(tmp_path / "X.bin")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        on_map = quick(early_stopping=True).fit(mapped)
        codes = on_map.transform(mapped)
    in_memory = quick(early_stopping=True).fit(X)
    assert_array_equal(codes, in_memory.transform(X))
    assert codes.dtype == np.float32
    assert on_map.score(mapped) == in_memory.score(X)
    assert digest(tmp_path / "X.bin") == before


METHODS = [
    "transform",
    "reconstruct",
    "restore",
    "reconstruction_error",
    "score_samples",
    "score",
]


@pytest.mark.parametrize("kind", ["map", "store"])
def test_every_method_reads_files(tmp_path, kind):
    X = make_rows(300, missing=0.1)
    mae = quick(max_epochs=2).fit(X)
    rows = on_disk(tmp_path, X) if kind == "map" else Store(X)
    for method in METHODS:
        assert_array_equal(getattr(mae, method)(rows), getattr(mae, method)(X))
    mask = np.random.default_rng(0).random(X.shape) < 0.2
    assert_array_equal(mae.restore(rows, mask), mae.restore(X, mask))
    new = [mae.augment(x, n_copies=2, random_state=0) for x in (rows, X)]
    assert_array_equal(*new)
    imputer = MaskedAutoencoderImputer(max_epochs=1, random_state=0).fit(rows)
    assert_array_equal(imputer.transform(rows), imputer.transform(X))
    assert_array_equal(*[imputer.sample(x, 2, random_state=0) for x in (rows, X)])


def test_files_are_checked_as_arrays_are(tmp_path):
    X = make_rows(300)
    mae = quick(max_epochs=1).fit(X)
    with pytest.raises(ValueError, match="X has 7 features, but"):
        mae.score_samples(Store(X[:, :7].copy()))
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        quick().fit(Store(X[:1]))
    with pytest.raises(ValueError, match="Found array with dim 3"):
        quick().fit(on_disk(tmp_path, X.reshape(300, 4, 2)))
    with pytest.raises(ValueError, match="Expected 2D array"):
        quick().fit(on_disk(tmp_path, X)[:, 0])
    X[250, 3] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        quick().fit(on_disk(tmp_path, X))
    with pytest.raises(ValueError, match="infinity"):
        mae.transform(Store(X))


def test_categories_in_a_file_are_read_into_memory(tmp_path):
    X = make_rows(300)
    X[:, 2] = np.arange(300) % 3
    fits = [
        quick(categorical_features=[2]).fit(x).transform(X)
        for x in (on_disk(tmp_path, X), X)
    ]
    assert_array_equal(*fits)


@pytest.mark.parametrize("kind", ["map", "store"])
def test_images_in_a_file(tmp_path, digits, kind):
    X = (digits[0][:300] / 16).astype(np.float32)
    images = X.reshape(-1, 8, 8)
    images = on_disk(tmp_path, images) if kind == "map" else Store(images)
    mae = quick(input_shape=(8, 8), patch_size=2).fit(images)
    expected = quick(input_shape=(8, 8), patch_size=2).fit(X)
    assert_array_equal(mae.transform(images), expected.transform(X))
    assert mae.restore(images).shape == (300, 8, 8)
    assert mae.n_features_in_ == 64


# -- large files -------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"early_stopping": True},
        {"mask_strategy": "copy", "mask_value": "swap"},
        {"scaling": "quantile", "numerical_embedding": "piecewise_linear"},
        {"scaling": "minmax", "output_activation": "sigmoid"},
    ],
    ids=lambda params: next(iter(params.values())),
)
def test_where_large_rows_lie_makes_no_difference(
    tmp_path, everything_is_large, params
):
    X = make_rows(missing=0.1)
    X[40] = np.nan
    sources = [X, on_disk(tmp_path, X), Store(X, most=1024)]
    fits = [quick(max_epochs=2, **params).fit(source) for source in sources]
    scores = [fit.score_samples(X) for fit in fits]
    assert_array_equal(scores[1], scores[0])
    assert_array_equal(scores[2], scores[0])
    assert fits[0].score(Store(X, most=1024)) == fits[0].score(X)


def test_large_rows_are_learned_as_well_as_those_in_memory(monkeypatch):
    """Even when they lie in order; over three seeds."""
    unseen = make_rows(seed=9)
    scores = {"in memory": [], "in blocks": []}
    for seed in range(3):
        X = make_rows(4000, seed=seed)
        X = X[np.argsort(X[:, 0])]
        for how, cells in [("in memory", 10**9), ("in blocks", 1000)]:
            monkeypatch.setattr(encoded_rows, "LARGE_CELLS", cells)
            monkeypatch.setattr(pooled_batches, "_BLOCK_CELLS", 400)
            monkeypatch.setattr(pooled_batches, "_POOL_CELLS", 8000)
            mae = quick(random_state=seed, max_epochs=8).fit(X)
            scores[how].append(mae.score(unseen))
    assert min(scores["in memory"]) > 0.5
    assert np.mean(scores["in blocks"]) > np.mean(scores["in memory"]) - 0.01


def test_weights_and_passes_over_large_rows(tmp_path, everything_is_large):
    X = make_rows()
    mapped = on_disk(tmp_path, X)
    halves = np.arange(3000) % 2
    weighted = quick().fit(mapped, sample_weight=halves)
    assert_array_equal(weighted.transform(X), quick().fit(X[1::2].copy()).transform(X))
    # Rows that weigh more are predicted better.
    odd = X.copy()
    odd[::2, 0] *= -1
    mae = quick(max_epochs=10).fit(odd, sample_weight=np.where(halves, 20.0, 0.05))
    error = mae.reconstruction_error(odd, per_feature=True)[:, 0]
    assert error[1::2].mean() < error[::2].mean()
    # More passes: over the same rows, or over new ones.
    mae = quick(max_epochs=1).fit(mapped)
    before = mae.score(X)
    for _ in range(3):
        mae.partial_fit(mapped)
    assert mae.n_iter_ == 4
    assert mae.score(X) > before
    further = quick(max_epochs=1, warm_start=True).fit(mapped).fit(mapped)
    assert further.score(X) > before


def test_detector_on_large_rows(tmp_path, everything_is_large):
    X = make_rows()
    outliers = np.random.default_rng(3).permuted(X, axis=0)
    detector = MaskedAutoencoderDetector(max_epochs=8, device="cpu", random_state=0)
    detector.fit(on_disk(tmp_path, X))
    of_rows, of_outliers = map(detector.score_samples, (X, outliers))
    assert np.mean(of_rows[:, None] > of_outliers) > 0.8
    assert_array_equal(detector.score_samples(Store(X, most=3000)), of_rows)
    assert abs((detector.predict(X) == -1).mean() - 0.05) < 0.03
    again = MaskedAutoencoderDetector(max_epochs=8, device="cpu", random_state=0)
    assert_array_equal(again.fit(X).score_samples(X), of_rows)


def test_weighted_detector_on_large_rows(tmp_path, everything_is_large):
    X = make_rows()
    weight = np.arange(3000) % 3  # a third of the rows weighs nothing
    detector = MaskedAutoencoderDetector(max_epochs=2, device="cpu", random_state=0)
    on_file = detector.fit(on_disk(tmp_path, X), sample_weight=weight)
    scores = on_file.score_samples(X)
    kept = weight > 0
    again = detector.fit(X[kept], sample_weight=weight[kept])
    assert_array_equal(again.score_samples(X), scores)


def test_imputer_learns_from_rows_that_go_into_memory(tmp_path, everything_is_large):
    X = make_rows(2000)
    holes = np.random.default_rng(2).random(X.shape) < 0.2
    mapped = on_disk(tmp_path, np.where(holes, np.float32(np.nan), X))
    imputer = MaskedAutoencoderImputer(max_epochs=10, random_state=0).fit(mapped)
    filled = imputer.transform(mapped)
    assert_array_equal(filled[~holes], X[~holes])
    error = ((filled - X)[holes] ** 2).mean()
    assert error < 0.7 * X[holes].var()


def test_parts_of_a_table_are_judged_like_the_whole(holey_frame):
    """Rows are judged some thousands at a time."""
    import narwhals.stable.v1 as nw

    from skmae import _rows

    mae = quick(max_epochs=2).fit(holey_frame)
    detector = MaskedAutoencoderDetector(max_epochs=1, random_state=0).fit(holey_frame)
    whole = mae.reconstruction_error(holey_frame), detector.score_samples(holey_frame)
    blame = nw.from_native(detector.explain(holey_frame)).to_numpy()
    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setattr(_rows, "_PART_CELLS", 35)
        patched.setattr(blocks, "_BLOCK_STEP", 7)
        assert_array_equal(mae.reconstruction_error(holey_frame), whole[0])
        assert_array_equal(detector.score_samples(holey_frame), whole[1])
        parts = nw.from_native(detector.explain(holey_frame)).to_numpy()
    assert_array_equal(parts, blame)


@pytest.mark.parametrize(
    "kind", [MaskedAutoencoderTransformer, MaskedAutoencoderDetector]
)
def test_what_is_said_of_cells_is_held_once(monkeypatch, kind):
    """Not in parts and again joined, which takes twice its size."""
    X = make_rows(200, 16)
    estimator = kind(hidden_layer_sizes=(8,), max_epochs=1, random_state=0).fit(X)
    rows = np.tile(X, (60, 1))
    monkeypatch.setattr(_rows, "_PART_CELLS", 1)
    monkeypatch.setattr(blocks, "_BLOCK_STEP", 256)
    tracemalloc.start()
    if kind is MaskedAutoencoderDetector:
        found = estimator.explain(rows)
    else:
        found = estimator.reconstruction_error(rows, per_feature=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.9 * found.nbytes


MEMORY = """
import sys
import threading
import numpy as np
from skmae import MaskedAutoencoderTransformer
from skmae.data import encoded_rows, pooled_batches

def resident():
    with open("/proc/self/status") as file:
        sizes = dict(line.split(":", 1) for line in file)
    return int(sizes["VmRSS"].split()[0]) / 1024

# The peak that the system keeps begins with what the parent of a process had.
done, seen = threading.Event(), []
def look():
    while not done.wait(0.002):
        seen.append(resident())

encoded_rows.LARGE_CELLS = 2**22
pooled_batches._POOL_CELLS = 2**20
X = np.memmap(sys.argv[1], dtype=np.float32, mode="r", shape=(500_000, 50))
mae = MaskedAutoencoderTransformer(
    8, hidden_layer_sizes=(8,), batch_size=4_000, max_epochs=1, device="cpu",
    random_state=0,
)
mae.fit(np.array(X[:100])).score_samples(np.array(X[:100]))
before = resident()
looking = threading.Thread(target=look)
looking.start()
mae.fit(X)
scores = mae.score_samples(X[:100_000])
assert np.isfinite(scores).all()
done.set()
looking.join()
print(max(seen) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_below_the_size_of_the_file(tmp_path):
    """100 MB on disk; one encoded copy would take as much."""
    block = make_rows(50_000, 50)
    with open(tmp_path / "X.bin", "wb") as file:
        for _ in range(10):
            block.tofile(file)
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path / "X.bin"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 75


def test_auto_epochs_do_not_grow_with_rows_forever():
    from skmae.features.task import TransformerTask

    task = TransformerTask(quick(max_epochs="auto"))
    epochs = [task.n_epochs(10**k, -(-(10**k) // 128)) for k in range(2, 8)]
    assert_allclose(epochs, [1200, 150, 16, 10, 10, 1])
