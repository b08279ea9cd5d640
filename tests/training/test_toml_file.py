"""training/toml_file.py: what Python's own reader reads back is what was written."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.training.toml_file import toml

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
plain = st.one_of(
    texts, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)
)
values = st.recursive(
    plain,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(texts, inside, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, max_size=5))
def test_any_table_is_read_back_as_it_was(table: dict[str, Any]) -> None:
    """Quotes, dots and blanks in keys, control characters, tables in lists, empty ones."""
    assert tomllib.loads(toml(table)) == table


def test_a_card_is_read_back_as_it_was() -> None:
    table = {
        "text": 'a "quoted" \\ line\nand ü',
        "whole": 3,
        "share": 0.25,
        "yes": True,
        "list": [1, 2.5, ["x"]],
        "inside": {"x": 1, "deeper": {"y": "z"}},
        "only-tables": {"a": {"b": 1}},
        "after": 4,  # a table
    }
    text = toml(table)
    assert tomllib.loads(text) == table
    assert text.index("after") < text.index("[inside]") < text.index("[inside.deeper]")
    assert "[only-tables.a]" in text


def test_kinds_stay_apart() -> None:
    back = tomllib.loads(toml({"whole": 1, "share": 1.0, "yes": True, "text": "1"}))
    assert {k: type(v) for k, v in back.items()} == {
        "whole": int,
        "share": float,
        "yes": bool,
        "text": str,
    }
    assert math.isnan(tomllib.loads(toml({"x": math.nan}))["x"])


@pytest.mark.parametrize("value", [None, object()])
def test_what_toml_does_not_have_is_not_written(value: object) -> None:
    with pytest.raises((TypeError, AssertionError)):
        toml({"x": value})
