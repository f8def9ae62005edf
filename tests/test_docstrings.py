"""Everything public is documented in numpydoc's form, with an example that runs."""

import ast
import inspect
import operator
import re

import numpy as np
import pandas as pd
import pytest

import skmae

NAMES = [name for name in skmae.__all__ if not name.startswith("_")]
CLASSES = [name for name in NAMES if inspect.isclass(getattr(skmae, name))]
ESTIMATORS = [name for name in CLASSES if hasattr(getattr(skmae, name), "fit")]
IGNORED = {
    "EX01": "the example of a class shows its methods too",
    "ES01": "a summary that says all needs no extension",
    "SA01": "methods stand beside each other; classes refer to their neighbours",
    "RT02": "results are named, as in scikit-learn",
    "SS05": "it takes plural nouns for verbs",
}


def public_members():
    """Dotted names of classes, and of methods that are our own."""
    members = list(NAMES)
    for name in CLASSES:
        for method, function in inspect.getmembers(getattr(skmae, name), callable):
            own = (getattr(function, "__module__", None) or "").startswith("skmae")
            if own and not method.startswith("_"):
                members.append(f"{name}.{method}")
    return members


@pytest.mark.parametrize("name", public_members())
def test_docstring_has_numpydocs_form(name):
    validate = pytest.importorskip("numpydoc.validate").validate
    found = validate(f"skmae.{name}")["errors"]
    assert [error for error in found if error[0] not in IGNORED] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_has_an_example(name):
    assert ">>>" in inspect.getdoc(getattr(skmae, name))


@pytest.mark.parametrize("name", public_members())
def test_documented_defaults_are_those_of_the_signature(name):
    docscrape = pytest.importorskip("numpydoc.docscrape")
    thing = operator.attrgetter(name)(skmae)
    documented = {
        parameter.name: parameter.type
        for parameter in docscrape.get_doc_object(thing)["Parameters"]
    }
    for parameter in inspect.signature(thing).parameters.values():
        kind = documented.get(parameter.name, "Ignored")
        if kind == "Ignored":
            continue
        default = re.search(r"default=(.*)", kind)
        if parameter.default is inspect.Parameter.empty:
            assert default is None, parameter
        else:
            value = np.nan if default[1] == "np.nan" else ast.literal_eval(default[1])
            # by identity first, as NaN is not equal to itself
            same = value is parameter.default or value == parameter.default
            assert same, parameter


@pytest.mark.parametrize("name", ESTIMATORS)
def test_documented_attributes_are_those_of_a_fit(name, wine):
    docscrape = pytest.importorskip("numpydoc.docscrape")
    estimator = getattr(skmae, name)()
    quick = {"max_epochs": 1, "fine_tune_epochs": 1, "device": "cpu"}
    known = estimator.get_params()
    if "encoder" in known:
        estimator.set_params(encoder=skmae.MaskedAutoencoderTransformer(max_epochs=1))
    estimator.set_params(**{key: quick[key] for key in quick if key in known})
    estimator.fit(pd.DataFrame(wine).add_prefix("c"), np.arange(len(wine)) % 3)
    documented = docscrape.get_doc_object(type(estimator))["Attributes"]
    public = {key for key in dir(estimator) if key[0] != "_" and key[-1] == "_"}
    assert {attribute.name for attribute in documented} == public


# Parameters and attributes that mean, or are chosen as, something else in each role.
ROLE_SPECIFIC = {
    "architecture",
    "batch_size",
    "categorical_features",
    "early_stopping",
    "fine_tune_epochs",
    "fine_tune_mask_ratio",
    "hidden_layer_sizes",
    "input_shape",
    "loss",
    "lr",
    "mask_ratio",
    "mask_value",
    "max_epochs",
    "n_components_",
    "n_iter_no_change",
    "n_members",
    "n_unlabelled_",
    "net_",
    "numerical_embedding",
    "patch_size",
    "pool_weights_",
    "random_state",
    "self_training",
    "validation_loss_curve_",
}
# Of numbers that the imputer standardises anyway, and of cells instead of patches.
NOT_OF_THE_IMPUTER = {"mask_strategy", "n_features_in_", "scaling"}
FAMILIES = (
    (
        "MaskedAutoencoderTransformer",
        "MaskedAutoencoderImputer",
        "MaskedAutoencoderDetector",
    ),
    ("MaskedAutoencoderClassifier", "MaskedAutoencoderRegressor"),
)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda names: names[-1])
def test_what_is_the_same_is_described_in_the_same_words(family):
    docscrape = pytest.importorskip("numpydoc.docscrape")
    described: dict = {}
    for name in family:
        doc = docscrape.get_doc_object(getattr(skmae, name))
        for entry in doc["Parameters"] + doc["Attributes"]:
            if name.endswith("Imputer") and entry.name in NOT_OF_THE_IMPUTER:
                continue
            text = " ".join(line.strip() for line in entry.desc)
            described.setdefault(entry.name, {})[text] = name
    shared = {key: texts for key, texts in described.items() if len(texts) > 1}
    assert shared.keys() - ROLE_SPECIFIC == set(), shared
    assert len(described) - len(shared) > 15


@pytest.mark.parametrize("name", [name for family in FAMILIES for name in family])
def test_five_parameters_to_start_with_are_named(name):
    text = inspect.getdoc(getattr(skmae, name))
    head = text[: text.index("Parameters\n---")]
    assert "Start with these five" in head
    paragraph = head[head.index("Start with these five") :].split("\n\n")[0]
    known = inspect.signature(getattr(skmae, name)).parameters
    named = re.findall(r"``(\w+)", paragraph)
    assert len([word for word in named if word in known]) >= 5
