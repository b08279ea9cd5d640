"""`kolorit` shows exactly its public names, sorted, and `colorize` stays a function."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import kolorit
from kolorit import errors

PROMISED = {"Colorizer", "Hint", "KoloritError", "Picture", "Prediction", "Result", "colorize"}


def test_names_are_sorted_and_promised() -> None:
    assert kolorit.__all__ == sorted(kolorit.__all__)
    assert len(set(kolorit.__all__)) == len(kolorit.__all__)
    assert set(kolorit.__all__) >= PROMISED | {"__version__"}
    assert dir(kolorit) == sorted(kolorit.__all__)


def test_every_error_is_public() -> None:
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.KoloritError)
    }
    assert len(classes) > 5
    assert classes <= set(kolorit.__all__)


def test_nothing_public_is_left_out() -> None:
    """Names of ours that lie open in the package are in __all__; rooms and `annotations` aside."""
    ours = {
        name
        for name, value in vars(kolorit).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and getattr(value, "__module__", "").startswith("kolorit")
    }
    assert "KoloritError" in ours
    assert ours <= set(kolorit.__all__)


@pytest.mark.parametrize("name", kolorit.__all__)
def test_name_resolves_and_belongs_to_us(name: str) -> None:
    value = getattr(kolorit, name)
    if name == "__version__":
        assert isinstance(value, str)
    else:
        assert value.__name__ == name
        assert value.__module__.startswith("kolorit.")


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="colourise"):
        kolorit.colourise  # noqa: B018
    with pytest.raises(ImportError, match="colourise"):
        exec("from kolorit import colourise")


def test_type_checkers_see_the_same_homes() -> None:
    """The TYPE_CHECKING imports and the lazy table say the same."""
    seen = {}
    for node in ast.walk(ast.parse(inspect.getsource(kolorit))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kolorit."):
            seen.update({alias.name: node.module for alias in node.names})
    eager = {name for name, home in seen.items() if home == "kolorit.errors"}
    assert {name: home for name, home in seen.items() if name not in eager} == kolorit._HOMES
    assert eager | set(kolorit._HOMES) | {"__version__"} == set(kolorit.__all__)


def test_no_public_name_is_also_a_module() -> None:
    """A submodule of the same name would replace the function as soon as someone imports it."""
    assert clashes(Path(kolorit.__file__).parent, kolorit.__all__) == set()


def test_a_planted_clash_is_caught(tmp_path: Path) -> None:
    (tmp_path / "colorize.py").touch()
    (tmp_path / "Hint").mkdir()
    (tmp_path / "Hint" / "__init__.py").touch()
    assert clashes(tmp_path, kolorit.__all__) == {"colorize", "Hint"}


def clashes(package: Path, names: list[str]) -> set[str]:
    """Public names that a file or a folder of the package also has."""
    modules = {path.stem for path in package.glob("*.py")}
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    return (modules | rooms) & set(names)


@pytest.mark.parametrize("first", sorted(set(kolorit._HOMES.values())))
def test_colorize_is_a_function_whatever_came_first(first: str) -> None:
    code = (
        f"import {first}, kolorit; from kolorit import colorize; import kolorit.colorizer;"
        "assert callable(colorize) and kolorit.colorize is colorize, colorize; print('same')"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(kolorit.__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120
    )
    assert result.stdout == "same\n", result.stderr


def test_star_import_brings_all() -> None:
    names: dict[str, object] = {}
    exec("from kolorit import *", names)
    assert set(kolorit.__all__) <= set(names)
    assert names["colorize"] is importlib.import_module("kolorit.colorizer").colorize
