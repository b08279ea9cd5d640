"""runtime/card.py: a card is read whole or refused with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from kolorit.errors import ModelUnavailable
from kolorit.runtime.card import Look, read_card

CONSTANT = Path(__file__).parents[1] / "data" / "constant.toml"


def test_the_constant_model_s_card() -> None:
    card = read_card(CONSTANT)
    assert (card.name, card.size, card.multiple, card.stride) == ("constant", 64, 4, 4)
    assert card.looks["faithful"] == Look(0.0, 1.0, 1.0, gain=0.5)
    assert card.prior.sum() == pytest.approx(1, abs=1e-3)
    assert card.about == {"licence": "Apache-2.0"}


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("size = 64", "", "size"),
        ("size = 64", 'size = "64"', "64"),
        ("multiple = 4", "multiple = 0", "0"),
        ('name = "constant"', "name = 3", "3"),
        ("prior = [0.003194888", "prior = [0.5", "313 positive"),
        ("prior = [0.003194888, ", "prior = [", "313 positive"),
        ("prior_exponent = 0.0", "prior_exponent = 0.0\nmagic = 1", "magic"),
        ("[looks.vivid]", "[looks.vivid", "cannot be read"),
    ],
)
def test_wrong_cards_are_refused(tmp_path: Path, old: str, new: str, word: str) -> None:
    text = CONSTANT.read_text()
    assert old in text
    path = tmp_path / "card.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ModelUnavailable, match=word) as caught:
        read_card(path)
    assert caught.value.file == str(path)


def test_a_missing_card(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no card"):
        read_card(tmp_path / "none.toml")
