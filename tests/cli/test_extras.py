"""cli/extras.py: the list is pyproject's, and what is missing is named with its remedy."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from kolorit.cli.extras import EXTRAS, lacking, need
from kolorit.errors import DeviceUnavailable

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def modules_of(requirements: list[str]) -> set[str]:
    """Their modules: named as the packages are, for all that Kolorit uses."""
    names = [re.match(r"[A-Za-z0-9_.-]+", item) for item in requirements]
    return {name.group().lower().replace("-", "_") for name in names if name}


def test_it_is_the_list_of_the_project() -> None:
    extras = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(EXTRAS) == set(extras) - {"dev"}
    for name, extra in EXTRAS.items():
        assert {*extra.needed, *extra.optional} == modules_of(extras[name]), name
        assert not set(extra.needed) & set(extra.optional)


@pytest.mark.parametrize("name", EXTRAS)
def test_what_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = EXTRAS[name].needed[0]
    there = {*EXTRAS[name].needed} - {first}
    monkeypatch.setattr(
        "kolorit.cli.extras.find_spec", lambda module: object() if module in there else None
    )
    with pytest.raises(DeviceUnavailable) as caught:
        need(name)
    assert caught.value.cause == f"this needs {first}"
    assert caught.value.remedy == f"pip install 'kolorit[{name}]'"
    there.add(first)  # what is optional is not asked for
    need(name)


def test_nothing_is_imported() -> None:
    for name in ("wave", "aifc"):
        sys.modules.pop(name, None)
    assert lacking(("wave", "no_such_module")) == ["no_such_module"]
    assert "wave" not in sys.modules
