"""Everything public is documented in numpydoc's form, with an example that runs."""

import ast
import inspect
import operator
import re

import pytest

import skmae

NAMES = [name for name in skmae.__all__ if not name.startswith("_")]
CLASSES = [name for name in NAMES if inspect.isclass(getattr(skmae, name))]
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
            assert ast.literal_eval(default[1]) == parameter.default, parameter
