"""Any table, any parameters: a right answer or an error in scikit-learn's words.

Quick by default; thousands of cases with ``--hypothesis-profile=thorough``.
"""

import decimal
import pickle
import traceback
import warnings
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch
from hypothesis import event, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skmae import (
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
)

FIXED = {"device": "cpu", "random_state": 0}

# -- tables ------------------------------------------------------------------------

ordinary = st.floats(-100, 100, width=32)
wild = st.floats(allow_nan=True, allow_infinity=False)
poisoned = st.floats(allow_nan=True, allow_infinity=True)
words = st.sampled_from(["a", "b", "", "é", "a b", "nan", "0"])

CELLS = {
    "ordinary": ordinary,
    "holes": st.one_of(ordinary, st.just(np.nan)),
    "few": st.sampled_from([0.0, 1.0, 5.0]),
    "constant": st.just(3.25),
    "tiny": st.floats(-1e-300, 1e-300),
    "huge": st.floats(-1e160, 1e160),
    "wild": wild,
    "poisoned": poisoned,
    "none": st.just(np.nan),
    "far apart": st.sampled_from([-1e12, 0.0, 1e-12, 1e12]),
}
FRAME_CELLS = {
    **CELLS,
    "integers": st.integers(-(2**40), 2**40),
    "integers, missing": st.one_of(st.integers(-5, 5), st.none()),
    "booleans": st.booleans(),
    "booleans, missing": st.one_of(st.booleans(), st.none()),
    "words": words,
    "words, missing": st.one_of(words, st.none()),
    "all missing": st.none(),
}
PANDAS_CELLS = {
    **FRAME_CELLS,
    "numbers and words": st.one_of(st.integers(0, 3), words),
    "times": st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),
    "spans": st.timedeltas(timedelta(-9999), timedelta(9999)),
    "decimals": st.integers(0, 9).map(decimal.Decimal),
    "complex": st.just(1j),
    "lists": st.just([1, 2]),
    "large integers": st.just(2**70),
}
row_counts = st.integers(0, 9)
DTYPES = ["float64", "float64", "float32", "float16", "int64", "uint8", "bool", "O"]


def columns_of(draw, kinds, n_rows, n_columns):
    names = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=2))
    chosen = [draw(st.sampled_from(names)) for _ in range(n_columns)]
    return [
        draw(st.lists(kinds[kind], min_size=n_rows, max_size=n_rows)) for kind in chosen
    ]


@st.composite
def arrays(draw):
    n_rows, n_columns = draw(row_counts), draw(st.integers(0, 5))
    columns = columns_of(draw, CELLS, n_rows, n_columns)
    X = np.array(columns, dtype=np.float64).reshape(n_columns, n_rows).T
    with np.errstate(all="ignore"):
        X = X.astype(draw(st.sampled_from(DTYPES)))
    shape = draw(
        st.sampled_from(["C", "C", "C", "F", "strided", "list", "3-d", "1-d", "read"])
    )
    if shape == "F":
        return np.asfortranarray(X)
    if shape == "strided":
        return np.repeat(X, 2, axis=0)[::2]
    if shape == "list":
        return X.tolist()
    if shape == "3-d":
        return X[:, :, None]
    if shape == "1-d":
        return X.ravel()
    if shape == "read":
        X.flags.writeable = False
    return X


@st.composite
def frames(draw):
    n_rows, n_columns = draw(st.integers(0, 9)), draw(st.integers(0, 4))
    kind = draw(st.sampled_from(["pandas", "narrow", "nullable", "category", "polars"]))
    cells = FRAME_CELLS if kind == "polars" else PANDAS_CELLS
    columns = columns_of(draw, cells, n_rows, n_columns)
    if kind == "polars":
        return pl.DataFrame(
            {f"c{j}": column for j, column in enumerate(columns)}, strict=False
        )
    names = draw(
        st.sampled_from(
            [
                [f"c{j}" for j in range(n_columns)],
                list(range(n_columns)),
                ["same"] * n_columns,
                [f"c{j}" if j else 0 for j in range(n_columns)],
            ]
        )
    )
    frame = pd.concat([pd.Series(c) for c in columns], axis=1) if columns else None
    frame = pd.DataFrame() if frame is None else frame
    frame.columns = names
    frame.index = frame.index[::-1]
    if kind == "nullable":
        return frame.convert_dtypes()
    if kind == "category":
        return frame.apply(lambda column: column.map(str).astype("category"))
    if kind == "narrow":
        return frame.apply(narrowed)
    return frame


def narrowed(column):
    """A column of the narrowest type that holds it."""
    if column.dtype.kind not in "if":
        return column
    kind = "integer" if column.dtype.kind == "i" else "float"
    with np.errstate(all="ignore"):
        return pd.to_numeric(column, downcast=kind)


# Columns such as files have, of enough rows to tell what they are: a column's cells,
# what is told of it, and whether it is refused.
N_ROWS = 90
WIDE = {
    "numbers": lambda rng: rng.normal(size=N_ROWS).tolist(),
    "numbers, holes": lambda rng: [
        None if rng.random() < 0.3 else float(rng.normal()) for _ in range(N_ROWS)
    ],
    "categories": lambda rng: rng.choice(["a", "b", "None", ""], N_ROWS).tolist(),
    "lost marks": lambda rng: rng.choice(["a", "b", "nan", ""], N_ROWS).tolist(),
    "flags, holes": lambda rng: [
        None if rng.random() < 0.3 else bool(rng.random() < 0.5) for _ in range(N_ROWS)
    ],
    "identifiers": lambda rng: [f"W{j:05d}" for j in rng.permutation(N_ROWS)],
    "free text": lambda rng: [
        " ".join(rng.choice(["good", "bad", "wine", "é", "?"], 6)) + str(j)
        for j in range(N_ROWS)
    ],
    "numbers as text": lambda rng: [str(round(v, 3)) for v in rng.normal(size=N_ROWS)],
    "numbers and a mark": lambda rng: ["?", *map(str, rng.permutation(N_ROWS - 1))],
    "empty": lambda rng: [None] * N_ROWS,
    "dates": lambda rng: [
        datetime(2020, 1, 1) + timedelta(days=int(day))
        for day in rng.integers(0, 999, N_ROWS)
    ],
    "spans": lambda rng: [timedelta(days=int(d)) for d in rng.integers(0, 9, N_ROWS)],
}
TOLD = {
    "identifiers": "{!r} has 90 categories in 90 rows",
    "free text": "{!r} has 90 categories in 90 rows",
    "numbers as text": "categories of {!r} are numbers",
    "numbers and a mark": "all but 1 of 90 categories of {!r} are numbers (not '?')",
    "empty": "{!r}",
    "lost marks": "{!r} holds the string 'nan'",
}
REFUSED = ("dates", "spans")


@st.composite
def files(draw):
    """A frame as read from a file, and what kind of column each one is."""
    # Few, as each of up to 90 categories is a column of the imputer's Gaussians.
    every = st.sampled_from(sorted(WIDE))
    kinds = draw(st.lists(every, min_size=1, max_size=3, unique=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    names = {f"{kind} {j}": kind for j, kind in enumerate(kinds)}
    columns = {name: WIDE[kind](rng) for name, kind in names.items()}
    library = draw(st.sampled_from([pd, pl]))
    return library.DataFrame(columns), names


oddities = st.sampled_from(
    [
        scipy.sparse.eye(4, format="csr"),
        torch.arange(12.0).reshape(4, 3),
        np.ma.masked_array(np.arange(8.0).reshape(4, 2), mask=np.eye(4, 2)),
        np.zeros(4, dtype=[("a", float), ("b", float)]),
        pd.Series([1.0, 2.0, 3.0]),
        pd.DataFrame(np.arange(6.0).reshape(3, 2)).astype(pd.SparseDtype(float)),
        "text",
        None,
        7,
        {},
        [],
        [[]],
        [[1.0], [1.0, 2.0]],
        [["a", 1.0], ["b", 2.0]],
        range(3),
    ]
)
tables = st.one_of(arrays(), arrays(), frames(), frames(), oddities)

# -- parameters --------------------------------------------------------------------

nonsense = st.sampled_from(
    [None, -1, 0, 1.5, "what", (), [], {}, np.nan, (1, 2, 3), b""]
)


def mask_half(observed, rng):
    return rng.random(observed.shape) < 0.5


SHARED = {
    "activation": st.sampled_from(["gelu", "relu", "silu", "tanh", "identity"]),
    "numerical_embedding": st.sampled_from([None, "piecewise_linear"]),
    "mask_ratio": st.sampled_from(["auto", 0.3, 0.99, (0.0, 0.9), [0.2, 0.4], (0, 0)]),
    "mask_strategy": st.sampled_from(["random", "block", "copy", mask_half]),
    "scaling": st.sampled_from(
        ["standard", "minmax", "robust", "quantile", "asinh", None]
    ),
    "categorical_features": st.sampled_from(
        ["from_dtype", None, [0], [True, False], ["c0"], [-1], [9], [], [0, 0]]
    ),
    "optimizer": st.sampled_from(["adamw", "adam", "sgd", torch.optim.RMSprop]),
    "lr": st.sampled_from([1e-3, 1e-12, 1e2, 1e12]),
    "lr_schedule": st.sampled_from(["cosine", "constant"]),
    "weight_decay": st.sampled_from([0.0, 0.05, 10.0]),
    "batch_size": st.integers(1, 12),
    "precision": st.sampled_from(["float32", "bfloat16"]),
}
OWN = {
    MaskedAutoencoderTransformer: {
        "n_components": st.integers(1, 4),
        "mask_value": st.sampled_from(["mean", "zero", "noise", "swap", "learned"]),
        "visible_weight": st.sampled_from([0.0, 0.5, 1.0]),
        "loss": st.sampled_from(["squared_error", "absolute_error", "huber"]),
        "output_activation": st.sampled_from(["identity", "sigmoid", "tanh"]),
        "passthrough": st.sampled_from(["auto", True, False]),
        "input_shape": st.sampled_from([None, (2, 2), (3,), (1, 4), (5,)]),
        "channel_axis": st.sampled_from([None, 0, -1, 1, 7]),
        "patch_size": st.sampled_from([None, 1, 2, (1, 2)]),
        "batch_norm": st.booleans(),
        "early_stopping": st.booleans(),
        "validation_fraction": st.sampled_from([0.1, 0.5, 0.99]),
        "warm_start": st.booleans(),
    },
    MaskedAutoencoderImputer: {
        "n_members": st.integers(2, 3),
        "add_indicator": st.booleans(),
        "keep_empty_features": st.booleans(),
        "early_stopping": st.booleans(),
    },
    MaskedAutoencoderDetector: {
        "contamination": st.sampled_from(["auto", 0.1, 0.5, 1e-9]),
        "training_data": st.sampled_from(["auto", "clean", "contaminated"]),
        "n_neighbors": st.sampled_from(["auto", 1, 50]),
        "n_members": st.integers(2, 5),
        "mask_value": st.sampled_from(["mean", "zero", "noise", "swap", "learned"]),
        "loss": st.sampled_from(["squared_error", "absolute_error", "huber"]),
        "input_shape": st.sampled_from([None, (2, 2), (3,), (5,)]),
        "channel_axis": st.sampled_from([None, 0, -1]),
        "patch_size": st.sampled_from([None, 1, 2]),
    },
    MaskedAutoencoderGenerator: {
        "n_orders": st.integers(1, 3),
        "architecture": st.sampled_from(["mlp", "attention"]),
        "input_shape": st.sampled_from([None, (2, 2), (3,), (5,)]),
    },
}


@st.composite
def estimators(draw, kind):
    has = kind().get_params()
    shared = {name: values for name, values in SHARED.items() if name in has}
    known = shared | OWN[kind]
    names = draw(st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True))
    params = {"hidden_layer_sizes": (6, 4), "max_epochs": draw(st.integers(1, 2))}
    params |= {name: draw(known[name]) for name in names}
    if draw(st.integers(0, 5)) == 0:
        every = sorted(kind().get_params())
        params[draw(st.sampled_from(every))] = draw(nonsense)
    return kind(**(FIXED | params))


# -- what must hold ----------------------------------------------------------------


@contextmanager
def no_warnings():
    """Any warning is an error, but what scikit-learn says about the user's data."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for message in (
            "X (has|does not have).* feature names",
            "Skipping features without any observed values",
            "Columns? .* of X (has|have) no observed value",
            "invalid value encountered in reduce",  # its sum of -inf and inf
            "Columns? .* holds the string 'nan'",
            "Column .* of X holds .* in fit",  # categories written otherwise
            ".* in column .* Such categories are unknown",
            "All cells of rows of input_shape",
            "given holds numbers outside the range",
            "given holds numbers that never occurred",
            "given has no missing cell",
        ):
            warnings.filterwarnings("ignore", message)
        yield


def refusal(call, *args):
    """Answer of a call, and the error if it was refused in plain words."""
    with no_warnings():
        try:
            return call(*args), None
        except (ValueError, TypeError) as refused:
            error = refused
    innermost = list(traceback.walk_tb(error.__traceback__))[-1][0]
    # an accident deep in torch is no documented error
    module = innermost.f_globals.get("__name__", "")
    assert not module.startswith(("torch", "skorch")), repr(error)
    assert len(str(error)) > 10, repr(error)
    return None, error


def dense(answer):
    return answer.toarray() if scipy.sparse.issparse(answer) else answer


def check_transformer(mae, X, n_rows):
    codes = mae.transform(X)
    assert codes.shape == (n_rows, len(mae.get_feature_names_out()))
    assert np.isfinite(codes).all()
    assert np.isfinite(
        mae.inverse_transform(codes).astype(object, copy=False) == 0
    ).all()
    assert np.isfinite(mae.reconstruction_error(X)).all()
    assert np.isfinite(mae.score(X))
    new = dense(mae.augment(X, random_state=0))
    assert len(new) == n_rows
    return codes, dense(mae.restore(X)), new


def check_imputer(imputer, X, n_rows):
    filled = dense(imputer.transform(X))
    assert len(filled) == n_rows
    cells = pd.DataFrame(np.asarray(filled, dtype=object))
    assert not cells.isna().any(axis=None)
    assert filled.shape[1] == len(imputer.get_feature_names_out())
    completions = imputer.sample(X, n_samples=2, random_state=0)
    assert len(completions) == 2
    assert all(
        completion.shape == (n_rows, filled.shape[1]) for completion in completions
    )
    return filled, completions


def check_detector(detector, X, n_rows):
    scores = detector.score_samples(X)
    assert scores.shape == (n_rows,)
    assert np.isfinite(scores).all()
    assert set(detector.predict(X)) <= {-1, 1}
    blame = np.asarray(detector.explain(X)).reshape(n_rows, -1)
    assert (blame >= 0).all()
    assert np.allclose(blame.sum(axis=1), -scores)
    return scores, blame


def check_generator(generator, X, n_rows):
    likely = generator.score_samples(X)
    assert likely.shape == (n_rows,)
    assert np.isfinite(likely).all()
    new = generator.sample(5, random_state=0)
    assert len(new) == 5
    completed = generator.sample(2, given=X, random_state=0)
    assert len(completed) == 2 * n_rows
    return likely, new, completed


def complete(generator, X):
    return generator.sample(given=X, random_state=0)


CHECKS = {
    MaskedAutoencoderTransformer: check_transformer,
    MaskedAutoencoderImputer: check_imputer,
    MaskedAutoencoderDetector: check_detector,
    MaskedAutoencoderGenerator: check_generator,
}


def same(one, other):
    """Whether two answers hold the same cells."""
    one, other = (np.asarray(answer, dtype=object) for answer in (one, other))
    equal = (one == other) | ((one != one) & (other != other))
    return one.shape == other.shape and bool(np.all(equal))


@pytest.mark.parametrize("kind", CHECKS)
@given(data=st.data())
def test_a_right_answer_or_a_documented_error(kind, data):
    estimator = data.draw(estimators(kind))
    X = data.draw(tables)
    global_state = torch.random.get_rng_state()
    _, error = refusal(estimator.fit, X)
    if error is not None:
        event(f"refused: {type(error).__name__}")
        assert not estimator.__sklearn_is_fitted__()
        return
    event("fitted")
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    with no_warnings():
        answers = CHECKS[kind](estimator, X, n_rows)
        again = CHECKS[kind](pickle.loads(pickle.dumps(estimator)), X, n_rows)
    for ours, theirs in zip(answers, again, strict=True):
        assert same(ours, theirs)
    assert_array_equal(global_state, torch.random.get_rng_state())
    assert all(np.isfinite(estimator.loss_curve_))


@pytest.mark.parametrize("kind", CHECKS)
@given(data=st.data())
def test_other_rows_than_in_fit(kind, data):
    """What was fitted on one table is asked about another."""
    rng = np.random.default_rng(0)
    if data.draw(st.booleans()):
        X = rng.normal(size=(8, 3))
        X[1, 1] = np.nan
    else:
        X = pd.DataFrame(
            {"c0": rng.normal(size=8), "c1": list("abcabcab"), "c2": [True, False] * 4}
        )
    estimator = kind(hidden_layer_sizes=(6,), max_epochs=1, **FIXED).fit(X)
    before = pickle.dumps(estimator)
    other = data.draw(tables)
    names = [
        n
        for n in (
            "transform",
            "score_samples",
            "score",
            "restore",
            "sample",
            "explain",
            "augment",
            "predict",
        )
        if hasattr(estimator, n)
    ]
    method = getattr(estimator, data.draw(st.sampled_from(names)))
    if method.__name__ == "sample" and kind is MaskedAutoencoderGenerator:
        method = partial(complete, estimator)
    answer, error = refusal(method, other)
    answer = dense(answer)
    event("refused" if error is not None else "answered")
    assert pickle.dumps(estimator) == before
    if (
        error is None
        and np.asarray(answer).dtype.kind == "f"
        and not hasattr(estimator, "explain")
    ):
        assert np.isfinite(np.asarray(answer)).all()


@pytest.mark.parametrize("kind", CHECKS)
@given(data=st.data())
def test_columns_as_files_have_them(kind, data):
    """Dates are refused; of text and nothing fit tells by name, and goes on."""
    X, kinds = data.draw(files())
    estimator = kind(hidden_layer_sizes=(6,), max_epochs=1, **FIXED)
    if kind is MaskedAutoencoderImputer:
        estimator.set_params(n_members=2)
    refused = [name for name, of in kinds.items() if of in REFUSED]
    if refused or set(kinds.values()) == {"empty"}:
        message = "X has no observed value"
        if refused:
            message = f"Column {refused[0]!r} has dtype .*TableVectorizer"
        with pytest.raises(ValueError, match=message):
            estimator.fit(X)
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X)
        if kind is MaskedAutoencoderImputer:
            estimator.transform(X)
    told = "\n".join(str(w.message) for w in caught)
    expected = {name: TOLD[of] for name, of in kinds.items() if of in TOLD}
    for name, message in expected.items():
        assert message.format(name).lower() in told.lower()
    for name in kinds.keys() - expected.keys():
        assert repr(name) not in told
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipping features without any")
        if kind is MaskedAutoencoderTransformer:
            restored = nw.from_native(estimator.restore(X))
            for name, of in kinds.items():
                lost = restored[name].is_null().all() if of == "empty" else None
                assert restored[name].is_null().any() == bool(lost)
        else:
            answers = CHECKS[kind](estimator, X, N_ROWS)
            assert len(answers[0]) == N_ROWS
