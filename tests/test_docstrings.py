"""Everything public is documented in numpydoc's form, with an example that runs."""

import inspect

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


@pytest.mark.parametrize("name", CLASSES)
def test_every_constructor_parameter_is_documented(name):
    documented = inspect.getdoc(getattr(skmae, name))
    for parameter in inspect.signature(getattr(skmae, name)).parameters:
        assert f"\n{parameter} : " in documented, parameter
