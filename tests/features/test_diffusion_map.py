import numpy as np
import pandas as pd
import pytest
from scipy.linalg import eigh
from sklearn.datasets import load_digits, make_circles
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmae import DiffusionMap, MaskedAutoencoderTransformer
from skmae.features.neighbours import NeighbourGraph


def reference_features(X, n_components, n_neighbors, alpha):
    """The definition with dense matrices: eigenvectors of a walk between rows."""
    n = len(X)
    distances = np.linalg.norm(X[:, None] - X[None], axis=2)
    weights = np.zeros((n, n))
    for row in range(n):
        others = [j for j in np.argsort(distances[row]) if j != row][:n_neighbors]
        reach = distances[row, others[-1]]
        weights[row, others] = np.exp(-2 * (distances[row, others] / reach) ** 2)
    weights = np.maximum(weights, weights.T)
    degrees = np.diag(weights.sum(axis=1))
    # Right eigenvectors of the walk inv(D) W solve W v = lambda D v.
    values, modes = eigh(weights, degrees)
    values = values[::-1][1 : n_components + 1]
    modes = modes[:, ::-1][:, 1 : n_components + 1]
    modes = modes / modes.std(axis=0) * (1 - alpha) / (1 - alpha * values)
    return values, modes / np.sqrt((modes.var(axis=0)).mean())


@pytest.mark.parametrize("n_rows", [120, 700])  # all eigenvectors, and the first ones
def test_follows_the_definition(n_rows):
    X = np.random.default_rng(0).normal(size=(n_rows, 3))
    diffusion = DiffusionMap(8, n_neighbors=6, alpha=0.9, random_state=0).fit(X)
    values, modes = reference_features(X, 8, 6, 0.9)
    np.testing.assert_allclose(diffusion.eigenvalues_, values, atol=1e-5)
    signs = np.sign((diffusion.embedding_ * modes).sum(axis=0))
    np.testing.assert_allclose(diffusion.embedding_ * signs, modes, atol=5e-3)


@pytest.mark.parametrize("n_rows", [200, 1200])
def test_clusters_that_nothing_joins_stay_apart(n_rows):
    rng = np.random.default_rng(0)
    group = np.arange(n_rows) % 4
    X = rng.normal(size=(n_rows, 2)) + 1000 * group[:, None]
    diffusion = DiffusionMap(random_state=0)
    features = diffusion.fit_transform(X)
    # Three ways to tell four clusters apart, and no wasted trivial one.
    np.testing.assert_allclose(diffusion.eigenvalues_[:3], 1, atol=1e-4)
    assert diffusion.eigenvalues_[3] < 0.9999
    model = LogisticRegression().fit(features[:4], group[:4])
    assert model.score(features, group) == 1


@pytest.mark.parametrize("seed", range(3))
def test_few_labels_travel_along_rings(seed):
    X, y = make_circles(600, factor=0.4, noise=0.03, random_state=seed)
    X_new, y_new = make_circles(200, factor=0.4, noise=0.03, random_state=seed + 9)
    # Half way round a ring of 300 rows takes walks of thousands of steps.
    diffusion = DiffusionMap(alpha=0.9999, random_state=0).fit(X)
    labelled = [y.argmin(), y.argmax()]
    model = LogisticRegression().fit(diffusion.transform(X[labelled]), y[labelled])
    assert model.score(diffusion.transform(X_new), y_new) > 0.95
    raw = LogisticRegression().fit(X[labelled], y[labelled])
    assert raw.score(X_new, y_new) < 0.8


def test_helps_codes_of_digits_with_few_labels():
    X, y = load_digits(return_X_y=True)
    mae = MaskedAutoencoderTransformer(device="cpu", random_state=0).fit(X[:1200])
    codes, codes_new = mae.transform(X[:1200]), mae.transform(X[1200:])
    diffusion = DiffusionMap(random_state=0).fit(codes)
    pairs = {
        "codes": (codes, codes_new),
        "map": (diffusion.transform(codes), diffusion.transform(codes_new)),
    }
    scores = {name: [] for name in pairs}
    for draw in range(5):
        rng = np.random.default_rng(draw)
        rows = np.concatenate(
            [rng.choice(np.flatnonzero(y[:1200] == d), 5, False) for d in range(10)]
        )
        for name, (known, new) in pairs.items():
            model = LogisticRegression(max_iter=1000).fit(known[rows], y[rows])
            scores[name].append(model.score(new, y[1200:]))
    assert np.mean(scores["map"]) > np.mean(scores["codes"]) + 0.02


def test_larger_alpha_leaves_fewer_features_large():
    X = np.random.default_rng(0).normal(size=(300, 3))
    maps = [DiffusionMap(20, alpha=alpha).fit(X) for alpha in (0, 0.5, 0.99)]
    spreads = [m.embedding_.std(axis=0) for m in maps]
    np.testing.assert_allclose(spreads[0], 1, rtol=1e-6)
    assert spreads[0][0] < spreads[1][0] < spreads[2][0]


def test_new_rows_lie_among_their_neighbours():
    X = np.random.default_rng(0).normal(size=(300, 3))
    diffusion = DiffusionMap(5, n_neighbors=4).fit(X[:200])
    _, neighbours = NeighbourGraph(X[:200], 4).search.kneighbors(X[200:])
    around = diffusion.embedding_[neighbours]
    features = diffusion.transform(X[200:])
    assert (features >= around.min(axis=1) - 1e-6).all()
    assert (features <= around.max(axis=1) + 1e-6).all()


def test_equal_rows_and_fewer_rows_than_neighbours():
    assert np.isfinite(DiffusionMap().fit_transform(np.zeros((20, 2)))).all()
    features = DiffusionMap(n_neighbors=10).fit_transform(np.eye(3))
    assert features.shape == (3, 2)


def test_names_and_frames():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=list("abc"))
    diffusion = DiffusionMap(2).set_output(transform="pandas")
    assert list(diffusion.fit_transform(X).columns) == [
        "diffusionmap0",
        "diffusionmap1",
    ]
    pipeline = make_pipeline(
        MaskedAutoencoderTransformer(4, max_epochs=1, device="cpu"), DiffusionMap(3)
    )
    assert pipeline.fit_transform(X).shape == (30, 3)
    assert pipeline.transform(X.astype(np.float32)).dtype == np.float32


def test_refuses_more_components_than_there_can_be():
    X = np.random.default_rng(0).normal(size=(10, 3))
    with pytest.raises(
        ValueError, match="n_components=10 must be less than n_samples=10"
    ):
        DiffusionMap(10).fit(X)
    fitted = DiffusionMap(3).fit(X)
    before = fitted.transform(X)
    with pytest.raises(ValueError, match="must be less than"):
        fitted.set_params(n_components=10).fit(np.ones((10, 5)))
    np.testing.assert_array_equal(fitted.transform(X), before)
    with pytest.raises(ValueError, match="'alpha' parameter"):
        DiffusionMap(alpha=1.0).fit(X)
