"""hints.py: read, refuse, paint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.errors import HintsInvalid
from kolorit.hints import Hint, paint, parse_hints, read_hints, write_hints

UNIT = st.floats(0, 1)


def test_the_form_that_is_promised(tmp_path: Path) -> None:
    path = tmp_path / "hints.json"
    path.write_text(
        '{"version": 1, "hints": [{"x": 0.31, "y": 0.62, "radius": 0.01, "colour": "#8a3324"}]}'
    )
    (hint,) = read_hints(path)
    assert hint == Hint(0.31, 0.62, "#8a3324", 0.01)
    np.testing.assert_allclose(hint.ab, [36.2, 28.5], atol=0.1)


def test_red_has_the_field_s_a_and_b() -> None:
    np.testing.assert_allclose(Hint(0, 0, "#ff0000").ab, [80.0942, 67.2015], atol=1e-2)
    assert (Hint(0, 0, "#f00").ab == Hint(0, 0, "#FF0000").ab).all()


@given(
    st.lists(st.builds(Hint, UNIT, UNIT, st.sampled_from(["#123456", "#abc"]), st.floats(0, 0.5)))
)
def test_written_hints_come_back(hints: list[Hint]) -> None:
    assert parse_hints(json.loads(write_hints(hints))) == tuple(hints)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "JSON"),
        ("[]", "version"),
        ('{"version": 2, "hints": []}', "version"),
        ('{"version": true, "hints": []}', "version"),
        ('{"version": 1, "hints": {}}', "list"),
        ('{"version": 1, "hints": [3]}', "hint 1"),
        ('{"version": 1, "hints": [{"x": 0.1, "y": 0.1}]}', "hint 1 needs"),
        ('{"version": 1, "hints": [{"x": 0, "y": 0, "colour": "#000", "size": 2}]}', "hint 1"),
        ('{"version": 1, "hints": [{"x": 1.5, "y": 0, "colour": "#000"}]}', "x = 1.5"),
        ('{"version": 1, "hints": [{"x": NaN, "y": 0, "colour": "#000"}]}', "x = nan"),
        ('{"version": 1, "hints": [{"x": true, "y": 0, "colour": "#000"}]}', "x = True"),
        ('{"version": 1, "hints": [{"x": 0, "y": 0, "colour": "red"}]}', "red"),
        ('{"version": 1, "hints": [{"x": 0, "y": 0, "colour": "#000", "radius": 9}]}', "radius"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_malformed_hints_are_refused_by_name(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "hints.json"
    path.write_text(text)
    with pytest.raises(HintsInvalid, match=word) as caught:
        read_hints(path)
    assert caught.value.file == str(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(HintsInvalid, match="cannot be read"):
        read_hints(tmp_path / "none.json")


def test_paint_without_hints_is_zero() -> None:
    assert paint((), 5, 7).shape == (3, 5, 7)
    assert not paint((), 5, 7).any()


def test_paint_puts_a_disc_where_it_belongs() -> None:
    planes = paint([Hint(0.75, 0.25, "#ff0000", 0.1)], 40, 80)
    rows, cols = np.nonzero(planes[2])
    assert abs(rows.mean() + 0.5 - 10) < 0.6
    assert abs(cols.mean() + 0.5 - 60) < 0.6
    assert abs(planes[2].sum() - np.pi * 8**2) < 12  # radius 0.1 of the long side
    assert planes[0].max() == pytest.approx(80.09, abs=0.1)
    assert (planes[:2, planes[2] == 0] == 0).all()


@given(UNIT, UNIT)
def test_the_smallest_hint_marks_at_least_its_pixel(x: float, y: float) -> None:
    planes = paint([Hint(x, y, "#00ff00", 0)], 9, 13)
    assert planes[2, min(int(y * 9), 8), min(int(x * 13), 12)] == 1


def test_later_hints_stand() -> None:
    one, two = Hint(0.5, 0.5, "#ff0000", 0.2), Hint(0.5, 0.5, "#0000ff", 0.1)
    assert paint([one, two], 20, 20)[1, 10, 10] < 0 < paint([two, one], 20, 20)[1, 10, 10]
