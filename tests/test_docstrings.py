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
    required = {"SlidingWindows": {"window_shape": 4}}
    estimator = getattr(skmae, name)(**required.get(name, {}))
    quick = {"max_epochs": 1, "fine_tune_epochs": 1, "device": "cpu"}
    known = estimator.get_params()
    if "encoder" in known:
        estimator.set_params(encoder=skmae.MaskedAutoencoderTransformer(max_epochs=1))
    estimator.set_params(**{key: quick[key] for key in quick if key in known})
    estimator.fit(pd.DataFrame(wine).add_prefix("c"), np.arange(len(wine)) % 3)
    documented = docscrape.get_doc_object(type(estimator))["Attributes"]
    public = {key for key in dir(estimator) if key[0] != "_" and key[-1] == "_"}
    assert {attribute.name for attribute in documented} == public


# Classes whose parameters mean the same; those of the second family are about
# fine-tuning, and the encoder has the others. DiffusionMap has no network.
FAMILIES = (
    (
        "MaskedAutoencoderTransformer",
        "MaskedAutoencoderImputer",
        "MaskedAutoencoderDetector",
        "MaskedAutoencoderGenerator",
    ),
    ("MaskedAutoencoderClassifier", "MaskedAutoencoderRegressor"),
)
# What differs within a family, and why. A class may always add to a description.
OWN_DESCRIPTIONS = {
    "architecture": "an ensemble or one network, of cells or of patches",
    "batch_size": "of a network or of an ensemble, whose members draw rows themselves",
    "early_stopping": "each role holds out other rows, with another loss",
    "fine_tune_epochs": "more steps for targets than for classes",
    "fine_tune_mask_ratio": "another share is best for targets than for classes",
    "hidden_layer_sizes": "encoder and decoder, or one stack of layers",
    "mask_ratio": "the imputer hides cells, and its Gaussian does without",
    "mask_strategy": "the imputer hides cells, others units",
    "max_features": "a detector blames tokens that it does not know",
    "max_epochs": "each role needs its own number of steps",
    "n_components_": "the imputer has no code",
    "n_iter_no_change": "what has to improve",
    "n_members": "members leave out folds of another size, for another purpose",
    "n_unlabelled_": "a class that is marked, or no target at all",
    "numerical_embedding": "another number of bins",
    "pool_weights_": "another number of teachers",
    "random_state": "each role draws other things",
    "scaling": "the imputer standardises afterwards",
    "self_training": "targets are shrunk, classes are not",
    "validation_loss_curve_": "each role holds out other rows, with another loss",
}
OWN_TYPES = {
    "architecture": "rows of unlike lengths need attention",
    "lr": "the transformer's depends on the architecture",
    "mask_ratio": "a detector cannot do without masks",
    "n_members": "the detector's does not depend on the table",
    "pool_weights_": "another number of teachers",
    "validation_loss_curve_": "the detector has none",
}


def entries_of(family):
    """Descriptions and types, by name of parameter or attribute, of all classes."""
    docscrape = pytest.importorskip("numpydoc.docscrape")
    descriptions, types = {}, {}
    for name in family:
        doc = docscrape.get_doc_object(getattr(skmae, name))
        for entry in doc["Parameters"] + doc["Attributes"]:
            text = " ".join(line.strip() for line in entry.desc)
            descriptions.setdefault(entry.name, {})[name] = text
            kind = entry.type.split(", default=")[0]
            types.setdefault(entry.name, {})[name] = kind
    return descriptions, types


def test_what_is_the_same_is_described_in_the_same_words():
    own_descriptions, own_types = {}, {}
    for descriptions, types in map(entries_of, FAMILIES):
        for name, texts in descriptions.items():
            common = min(texts.values(), key=len).removesuffix(".")
            if not all(text.startswith(common) for text in texts.values()):
                own_descriptions[name] = texts
        for name, kinds in types.items():
            if len(set(kinds.values())) > 1:
                own_types[name] = kinds
        assert sum(len(texts) > 1 for texts in descriptions.values()) > 15
    assert own_descriptions.keys() == OWN_DESCRIPTIONS.keys(), own_descriptions
    assert own_types.keys() == OWN_TYPES.keys(), own_types


@pytest.mark.parametrize("name", [name for family in FAMILIES for name in family])
def test_five_parameters_to_start_with_are_named(name):
    text = inspect.getdoc(getattr(skmae, name))
    head = text[: text.index("Parameters\n---")]
    assert "Start with these five" in head
    paragraph = head[head.index("Start with these five") :].split("\n\n")[0]
    known = inspect.signature(getattr(skmae, name)).parameters
    named = re.findall(r"``(\w+)", paragraph)
    assert len([word for word in named if word in known]) >= 5
