"""looks.py: from logits and ab to the colours that are shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kolorit.colour.bins import BINS, annealed_mean
from kolorit.colour.lab import rgb_to_lab
from kolorit.errors import ConfigInvalid
from kolorit.looks import adjust, alternatives, look, read_out, suggest
from kolorit.runtime.card import Card, Look
from kolorit.runtime.model import Prediction

PRIOR = np.where(np.hypot(*BINS.T) < 15, 20.0, 1.0)
CARD = Card(
    "t", "0", "", 64, 4, 4, PRIOR / PRIOR.sum(),
    {"plain": Look(0, 1, 0, detail=0), "vivid": Look(0.5, 0.6, 0, detail=0),
     "ab": Look(0, 1, 1), "mixed": Look(0, 1, 0.5)}, {},
)  # fmt: skip


@pytest.fixture
def unsure() -> Prediction:
    """Logits between neutral (likely) and brick (less likely), everywhere the same."""
    scores = np.full(313, -20.0, np.float32)
    scores[np.flatnonzero((BINS == (0, 0)).all(1))] = 1.0
    scores[np.flatnonzero((BINS == (40, 30)).all(1))] = 0.0
    logits = np.broadcast_to(scores[:, None, None], (313, 4, 6)).copy()
    return Prediction(
        np.full((16, 24), 50.0, np.float32), np.zeros((2, 16, 24), np.float32), logits, CARD
    )


def test_plain_is_the_mean_of_the_bins(unsure: Prediction) -> None:
    expected = annealed_mean(np.moveaxis(unsure.logits, 0, -1), 1.0)[0, 0]
    np.testing.assert_allclose(look(unsure, "plain")[:, 8, 12], expected, atol=1e-3)


def test_taking_the_prior_out_gives_more_colour(unsure: Prediction) -> None:
    chroma = lambda ab: float(np.hypot(*ab).mean())  # noqa: E731
    plain, vivid = look(unsure, "plain"), look(unsure, "vivid")
    assert chroma(vivid) > 1.5 * chroma(plain)
    scores = unsure.logits[:, 0, 0] - 0.5 * np.log(CARD.prior)
    np.testing.assert_allclose(vivid[:, 0, 0], annealed_mean(scores, 0.6), atol=1e-3)


def test_strength_and_saturation_scale(unsure: Prediction) -> None:
    whole = look(unsure, "plain")
    np.testing.assert_allclose(look(unsure, "plain", strength=0.25), whole / 4, atol=1e-5)
    np.testing.assert_allclose(look(unsure, "plain", saturation=1.5), whole * 1.5, atol=1e-4)
    assert not look(unsure, "plain", strength=0).any()


def test_warmth_moves_colours_and_leaves_grey_grey() -> None:
    """Towards orange and blue; a place at half of the chroma that takes it all gets half."""
    ab = np.zeros((2, 1, 3), np.float32)
    ab[:, 0, 1], ab[:, 0, 2] = (0, 7.5), (-20, 30)
    warm, cool = adjust(ab, warmth=0.5), adjust(ab, warmth=-0.5)
    np.testing.assert_allclose(warm[:, 0], [[0, 1, -18], [0, 11, 37]], atol=1e-5)
    np.testing.assert_allclose(warm - ab, ab - cool, atol=1e-5)
    assert not adjust(ab, strength=0, warmth=1).any()


BAD = [
    {"strength": 1.1},
    {"strength": float("nan")},
    {"saturation": -1},
    {"warmth": -1.5},
    {"warmth": True},
]


@pytest.mark.parametrize("bad", BAD)
def test_values_out_of_range_are_refused(unsure: Prediction, bad: dict[str, float]) -> None:
    with pytest.raises(ConfigInvalid, match=next(iter(bad))):
        look(unsure, "plain", **bad)
    with pytest.raises(ConfigInvalid, match="sepia"):
        look(unsure, "sepia")


def test_fine_structure_of_the_ab_output_is_kept(unsure: Prediction) -> None:
    ab = np.zeros((2, 16, 24), np.float32)
    ab[0, :, ::2] = 8  # stripes finer than the logits
    sharp = replace(unsure, ab=ab, card=replace(CARD, looks={"d": Look(0, 1, 0, detail=1)}))
    stripes = look(sharp, "d")[0]
    np.testing.assert_allclose(stripes[:, 0::2] - stripes[:, 1::2], 8, atol=1e-3)
    np.testing.assert_allclose(look(sharp, "d").mean(), look(unsure, "plain").mean(), atol=0.05)


def test_mixed_lies_between(unsure: Prediction) -> None:
    other = replace(unsure, ab=np.full((2, 16, 24), 10, np.float32))
    mixed = (look(other, "ab") + read_out(other, Look(0, 1, 0))) / 2
    np.testing.assert_allclose(look(other, "mixed"), mixed, atol=1e-4)


def test_doubt_falls_back_to_the_ab_output(unsure: Prediction) -> None:
    doubtful = read_out(unsure, Look(0.5, 0.6, 0, doubt=10.0))
    free = read_out(unsure, Look(0.5, 0.6, 0))
    share = float(unsure.confidence.mean()) / 10
    np.testing.assert_allclose(doubtful, free * share, atol=1e-3)


def test_alternatives_move_only_what_is_uncertain(unsure: Prediction) -> None:
    warm, cold = alternatives(unsure, "plain", 2)
    assert warm[1].mean() > look(unsure, "plain")[1].mean() > cold[1].mean()
    sure = replace(
        unsure, logits=np.where(unsure.logits == 1, 30, unsure.logits).astype(np.float32)
    )
    for other in alternatives(sure, "plain", 3):
        np.testing.assert_allclose(other, look(sure, "plain"), atol=0.1)
    assert alternatives(unsure, "plain", 0) == []
    with pytest.raises(ConfigInvalid, match="alternatives"):
        alternatives(unsure, "plain", 13)
    with pytest.raises(ConfigInvalid, match="no alternatives"):
        alternatives(replace(unsure, logits=None), "plain", 1)


def test_a_model_without_bins_shows_its_ab() -> None:
    ab = np.ones((2, 8, 8), np.float32)
    bare = Prediction(np.zeros((8, 8), np.float32), ab, None, replace(CARD, stride=0))
    np.testing.assert_array_equal(look(bare, "plain"), ab)
    assert (bare.confidence == 1).all()


def test_the_shipped_card_has_both_looks() -> None:
    from kolorit.runtime.card import read_card
    from kolorit.runtime.store import shipped_models

    card = read_card(Path(shipped_models()["default"]).with_suffix(".toml"))
    assert {"vivid", "faithful"} <= set(card.looks)
    assert card.looks["vivid"].prior_exponent > card.looks["faithful"].prior_exponent


def test_a_place_suggests_what_may_be_there(unsure: Prediction) -> None:
    """Two bins that are far apart: two colours, with their shares, at the place's lightness."""
    found = suggest(unsure, 0.5, 0.5, name="plain")
    odds = 1 / (1 + np.exp(-1.0))
    assert [round(f.share, 3) for f in found] == [round(odds, 3), round(1 - odds, 3)]
    lab = [rgb_to_lab([int(f.colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]) for f in found]
    np.testing.assert_allclose(lab, [(50, 0, 0), (50, 40, 30)], atol=0.6)


def test_the_looks_prior_turns_what_is_suggested_first(unsure: Prediction) -> None:
    plain = suggest(unsure, 0, 1, name="plain")
    vivid = suggest(unsure, 0, 1, name="vivid")
    assert [f.colour for f in vivid] == [f.colour for f in plain][::-1]


def test_a_suggestion_is_of_its_own_place_only(unsure: Prediction) -> None:
    logits = unsure.logits.copy()
    logits[:, :, 3:] = logits[::-1, :, 3:]
    there = replace(unsure, logits=logits)
    assert suggest(there, 0.49, 0.5) == suggest(unsure, 0.49, 0.5)
    assert suggest(there, 0.51, 0.5) != suggest(unsure, 0.51, 0.5)
    assert suggest(there, 1, 1) == suggest(there, 0.999, 0.999)


@pytest.mark.parametrize("bad", [{"x": -0.1}, {"y": 1.1}, {"count": 0}, {"count": 2.5}])
def test_what_cannot_be_suggested(unsure: Prediction, bad: dict[str, float]) -> None:
    with pytest.raises(ConfigInvalid, match=next(iter(bad))):
        suggest(unsure, **{"x": 0.5, "y": 0.5, **bad})
    with pytest.raises(ConfigInvalid, match="suggests no"):
        suggest(replace(unsure, logits=None), 0.5, 0.5)
