"""The architecture: every module imports from lower floors, or from its own."""

import ast
import importlib.util
from pathlib import Path

import pytest

import skmae

PACKAGE = Path(skmae.__file__).parent
# From the ground up; a name ending in "." is a whole folder.
FLOORS = (
    ("_version", "_compat", "_docs", "_random", "_device", "_processes"),
    ("data.", "masking."),
    ("networks.",),
    ("training.",),
    ("distributions.",),
    ("_rows", "_persistence", "_guards", "_base", "_skops"),
    ("detection.", "features.", "generation.", "imputation."),
    ("semi_supervised.", "_skl2onnx", "onnx"),
    ("displays.",),
    ("__init__",),
)
ROLES = ("detection.", "features.", "generation.", "imputation.", "semi_supervised.")
MODULES = sorted(PACKAGE.rglob("*.py"))


def module_name(path):
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def floor_of(name):
    for floor, members in enumerate(FLOORS):
        for member in members:
            if name == member or (member.endswith(".") and name.startswith(member)):
                return floor
    raise AssertionError(f"skmae.{name} stands on no floor: give it one")


def role_of(name):
    return next((role for role in ROLES if name.startswith(role)), None)


def imports_of(path):
    """Names of the package's modules that a module imports, and of all modules."""
    own, others = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.split(".")[0] == "skmae":
                own.add(name.partition(".")[2] or "__init__")
            else:
                others.add(name)
    return own, others


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_point_downwards(path):
    here = floor_of(module_name(path))
    for name in imports_of(path)[0]:
        assert floor_of(name) <= here, f"{module_name(path)} imports skmae.{name}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_roles_do_not_import_each_other(path):
    """But for the semi-supervised ones, which hold a transformer."""
    here = role_of(module_name(path))
    allowed = {None, here} | ({"features."} if here == "semi_supervised." else set())
    if here is not None:
        for name in imports_of(path)[0]:
            assert role_of(name) in allowed, f"{module_name(path)} imports skmae.{name}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_private_names_of_others_are_imported_in_one_place(path):
    if module_name(path) == "_compat":
        return
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.module.startswith("skmae"):
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            private = [n for n in names if n.startswith("_") and n != "__future__"]
            assert not private, f"{module_name(path)} imports {private}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_no_draw_from_a_global_generator(path):
    text = path.read_text()
    for forbidden in ("np.random.seed", "torch.manual_seed(", "torch.seed(", "print("):
        assert forbidden not in text


def test_the_picture_of_the_floors_shows_all_that_is_there(tmp_path):
    """Every module in a room, and no room that is not reached from above."""
    path = Path(__file__).parents[1] / "docs" / "floor_plan.py"
    spec = importlib.util.spec_from_file_location("floor_plan", path)
    floor_plan = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(floor_plan)

    modules, imports = floor_plan.survey(FLOORS)
    shown = sorted(name for names in modules.values() for name in names)
    there = [module_name(path).rpartition(".")[2] for path in MODULES]
    assert shown == sorted(name for name in there if name != "__init__")
    assert imports["semi_supervised"] >= {"features", "training"}
    arrows = floor_plan.without_shortcuts(imports)
    assert arrows["semi_supervised"] == {"features"}
    assert set.union(*arrows.values()) >= {"ground", "data", "networks", "training"}

    floor_plan.write(tmp_path / "plan.svg")
    picture = (tmp_path / "plan.svg").read_text()
    assert all(f">{room}</text>" in picture for room in modules)
    n_arrows = sum(map(len, arrows.values()))
    assert picture.count("marker-end=") == n_arrows
