"""web/options.py: what may be asked for, and how it becomes what a worker does."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from kolorit.errors import ConfigInvalid, HintsInvalid
from kolorit.hints import Hint
from kolorit.runtime.card import Card, read_card
from kolorit.web.options import (
    PictureBody,
    ResultBody,
    SuggestionsBody,
    TextOptions,
    ZipBody,
    wanted_of,
)
from kolorit.web.tasks import Wanted

from .conftest import DATA

POINT = {"x": 0.3, "y": 0.6, "colour": "#8a3324"}


@pytest.fixture(scope="module")
def card() -> Card:
    return read_card(DATA / "constant.toml")


def test_nothing_said_is_what_the_worker_does_by_itself(card: Card) -> None:
    assert wanted_of(TextOptions(), card) == Wanted()
    assert wanted_of(ResultBody(), card) == Wanted()
    assert wanted_of(PictureBody(), card) == Wanted()


def test_everything_that_can_be_wanted_can_be_asked_for() -> None:
    assert set(TextOptions.model_fields) == {field.name for field in fields(Wanted)}


def test_text_is_read_generously(card: Card) -> None:
    text = {
        "look": "faithful", "strength": "0.5", "saturation": "2", "warmth": "-0.25", "merge": "lab",
        "alternative": "2", "size": "128", "format": "png", "quality": "90", "metadata": "all",
        "mark": "false", "hints": json.dumps({"version": 1, "hints": [POINT]}),
    }  # fmt: skip
    hint = Hint(0.3, 0.6, "#8a3324")
    assert wanted_of(TextOptions.model_validate(text), card) == Wanted(
        "faithful", 0.5, 2.0, -0.25, (hint,), 2, "lab", 128, "png", 90, "all", False
    )
    assert wanted_of(TextOptions(hints=json.dumps([POINT])), card).hints == (hint,)


def test_json_is_read_strictly() -> None:
    good = {"strength": 1, "mark": False, "size": None, "hints": [{**POINT, "radius": 0}]}
    assert ResultBody.model_validate(good).hints[0].radius == 0
    for wrong in ({"strength": "0.5"}, {"mark": "false"}, {"mark": 0}, {"size": 64.5}):
        with pytest.raises(ValidationError):
            ResultBody.model_validate(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"strength": 1.01},
        {"strength": -0.01},
        {"strength": float("nan")},
        {"strength": float("inf")},
        {"strength": None},
        {"strength": True},
        {"saturation": 4.1},
        {"warmth": -1.1},
        {"alternative": 4},
        {"alternative": -1},
        {"size": 31},
        {"size": 1025},
        {"quality": 0},
        {"quality": 101},
        {"format": "gif"},
        {"format": "JPEG"},
        {"metadata": "none"},
        {"merge": "rgb"},
        {"look": 5},
        {"hints": {}},
        {"hints": [{**POINT, "x": 1.1}]},
        {"hints": [{**POINT, "colour": "red"}]},
        {"hints": [{**POINT, "colour": "#8a3324\n"}]},
        {"hints": [{**POINT, "radius": 0.6}]},
        {"hints": [{**POINT, "url": "http://evil.example"}]},
        {"hints": [{"x": 0.5, "y": 0.5}]},
        {"hints": [POINT] * 10_001},
        {"name": "x" * 4097},
        {"url": "http://evil.example"},
        {"image": "file:///etc/passwd"},
        {"data": "data:image/png;base64,AAAA"},
    ],
    ids=str,
)
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ResultBody.model_validate(wrong)


@pytest.mark.parametrize("text", ["", "[", "5", '"a"', "{}", '{"version": 2, "hints": []}',
                                  "[1]", "[" * 100_000, '[{"x": NaN, "y": 0, "colour": "#fff"}]'],
                         ids=lambda text: text[:20])  # fmt: skip
def test_hints_that_are_none(text: str, card: Card) -> None:
    if not text:
        assert wanted_of(TextOptions(hints=text), card).hints == ()
        return
    with pytest.raises(HintsInvalid):
        wanted_of(TextOptions(hints=text), card)


def test_looks_are_the_model_s(card: Card) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        wanted_of(TextOptions(look="wild"), card)
    assert "faithful" in caught.value.remedy


def test_a_model_without_alternatives(card: Card) -> None:
    plain = Card("a", "1", "", 64, 8, 0, np.zeros(0), card.looks, {})
    assert wanted_of(TextOptions(), plain) == Wanted()
    with pytest.raises(ConfigInvalid, match="no alternatives"):
        wanted_of(TextOptions(alternative=1), plain)


def test_archives_hold_one_to_fifty() -> None:
    one = {"view": "0" * 32}
    assert len(ZipBody.model_validate({"pictures": [one] * 50}).pictures) == 50
    for wrong in ([], [one] * 51, [{}], [{"view": "../../etc"}], [{"view": "0" * 31}]):
        with pytest.raises(ValidationError):
            ZipBody.model_validate({"pictures": wrong})


def test_places_lie_in_the_picture() -> None:
    assert SuggestionsBody(x=0, y=1).count == 6
    for wrong in ({"x": 1.5}, {"y": -1}, {"count": 0}, {"count": 13}):
        with pytest.raises(ValidationError):
            SuggestionsBody.model_validate({"x": 0.5, "y": 0.5, **wrong})
