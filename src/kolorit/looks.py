"""From what the network thinks to the colours that are shown: looks, adjustments, alternatives.

All of it happens at the network's own small size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kolorit.colour.bins import BINS, annealed_mean, softmax
from kolorit.colour.gamut import shrink_lab
from kolorit.colour.lab import lab_to_rgb
from kolorit.errors import ConfigInvalid
from kolorit.runtime.card import Look
from kolorit.runtime.model import Prediction, block_means, upsample

_TILT = 0.035  # per ab unit: how strongly an alternative leans towards its hue
_WARM = np.array([4.0, 14.0], np.float32)  # ab units that warmth 1 adds: towards evening light
_COLOURED = 15.0  # ab units: chroma from which a place takes all of it
_APART = 18.0  # ab units between suggested colours: seen as two at once


@dataclass(frozen=True)
class Suggestion:
    """A colour that a place may have, "#rrggbb" at the place's own lightness, and how probably."""

    colour: str
    share: float


def look(
    prediction: Prediction,
    name: str = "vivid",
    *,
    strength: float = 1.0,
    saturation: float = 1.0,
    warmth: float = 0.0,
) -> np.ndarray:
    """ab (2,h,w) to show, in ab units. name: a look of the model's card; the rest: ``adjust``."""
    ab = read_out(prediction, find_look(prediction, name))
    return adjust(ab, strength=strength, saturation=saturation, warmth=warmth)


def adjust(
    ab: np.ndarray, *, strength: float = 1.0, saturation: float = 1.0, warmth: float = 0.0
) -> np.ndarray:
    """ab (2,h,w) as people want it.

    strength 0..1 fades from grey to the colours; saturation 0..4 multiplies the chroma; warmth
    -1..1 moves coloured places towards blue or orange, and leaves grey ones grey. Raises
    ConfigInvalid for other values.
    """
    _within("strength", strength, 0, 1)
    _within("saturation", saturation, 0, 4)
    _within("warmth", warmth, -1, 1)
    if warmth:
        coloured = np.minimum(np.hypot(*ab) / np.float32(_COLOURED), 1)  # (h,w)
        ab = ab + np.float32(warmth) * _WARM[:, None, None] * coloured
    return ab * (strength * saturation)


def alternatives(prediction: Prediction, name: str, count: int) -> list[np.ndarray]:
    """Other colourings (2,h,w) that the network thinks possible, each leaning towards one hue.

    The distribution of each place is tilted by exp(0.035 * bin . direction) for ``count``
    directions around the hue circle, beginning with warm yellow. Where the network is sure nothing
    moves.
    """
    if not isinstance(count, (int, np.integer)) or not 0 <= count <= 12:
        raise ConfigInvalid(f"alternatives = {count!r}", remedy="Ask for 0 to 12.")
    if prediction.logits is None and count:
        raise ConfigInvalid("this model gives no alternatives", remedy="Choose one with bins.")
    angles = np.pi / 2 + 2 * np.pi * np.arange(count) / max(count, 1)
    chosen = find_look(prediction, name)
    return [read_out(prediction, chosen, _TILT * np.array([np.cos(t), np.sin(t)])) for t in angles]


def suggest(
    prediction: Prediction, x: float, y: float, count: int = 6, name: str = "vivid"
) -> list[Suggestion]:
    """The colours that the model thinks possible at one place, the likeliest first.

    x, y: 0..1 of width and height. count: 1 to 12; fewer are given where fewer differ. Each stands
    for the bins within 18 ab units of the strongest one that is left, by the look's prior exponent
    and at temperature 1. Raises ConfigInvalid for other values and for a model without bins.
    """
    _within("x", x, 0, 1)
    _within("y", y, 0, 1)
    if not isinstance(count, (int, np.integer)) or not 1 <= count <= 12:
        raise ConfigInvalid(f"count = {count!r}", remedy="Ask for 1 to 12.")
    if prediction.logits is None:
        raise ConfigInvalid("this model suggests no colours", remedy="Choose one with bins.")
    (h, w), s = prediction.L.shape, prediction.card.stride
    row, column = min(int(y * h), h - 1), min(int(x * w), w - 1)
    exponent = find_look(prediction, name).prior_exponent
    score = prediction.logits[:, row // s, column // s] - exponent * np.log(prediction.card.prior)
    left = softmax(score)  # (Q,)
    L = float(prediction.L[row, column])
    found: list[Suggestion] = []
    while len(found) < count and left.max() > 1e-4:
        near = np.hypot(*(BINS - BINS[left.argmax()]).T) < _APART  # (Q,)
        mass = np.where(near, left, 0.0)
        ab = mass @ BINS / mass.sum()  # (2,)
        found.append(Suggestion(_hex(L, ab), float(mass.sum())))
        left = np.where(near, 0.0, left)
    return sorted(found, key=lambda suggestion: -suggestion.share)


def _hex(L: float, ab: np.ndarray) -> str:
    rgb = np.clip(lab_to_rgb(shrink_lab(np.array([L, *ab]))), 0, 1)
    return "#" + "".join(f"{round(float(v) * 255):02x}" for v in rgb)


def find_look(prediction: Prediction, name: str) -> Look:
    looks = prediction.card.looks
    if not isinstance(name, str) or name not in looks:
        raise ConfigInvalid(
            f"this model has no look '{name}'", remedy=f"Use one of: {', '.join(looks)}."
        )
    return looks[name]


def read_out(prediction: Prediction, look: Look, tilt: np.ndarray | None = None) -> np.ndarray:
    """ab (2,h,w) of a prediction by a look; ``tilt`` (2,) leans the bins towards a hue.

    The bins give p ~ softmax((logits - e log prior + bins . tilt) / T) and their mean at the
    logits' stride; what the ab output has finer than that is added. Source: Zhang et al. 2016,
    eq. 5, with the prior divided out at read-out instead of weighted in the loss.
    """
    if prediction.logits is None:
        return prediction.ab * look.gain
    s, shape = prediction.card.stride, prediction.L.shape
    logits = np.moveaxis(prediction.logits, 0, -1)  # (h/s,w/s,Q)
    score = logits - np.float32(look.prior_exponent) * np.log(prediction.card.prior).astype(
        np.float32
    )
    if tilt is not None:
        score = score + (BINS @ tilt).astype(np.float32)
    coarse = annealed_mean(score, look.temperature).transpose(2, 0, 1)  # (2,h/s,w/s)
    smooth = upsample(
        block_means(prediction.ab, s), s, shape
    )  # (2,h,w): the ab output without detail
    bins = upsample(coarse, s, shape) + look.detail * (prediction.ab - smooth)
    ab = look.regression * prediction.ab + (1 - look.regression) * bins
    if look.doubt > 0 and tilt is None:
        sure = np.clip(prediction.confidence / look.doubt, 0, 1)
        ab = prediction.ab + sure * (ab - prediction.ab)
    return np.asarray(ab * look.gain, np.float32)


def _within(name: str, value: float, low: float, top: float) -> None:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or not low <= value <= top:  # also refuses NaN
        raise ConfigInvalid(f"{name} = {value!r}", remedy=f"Use a number from {low:g} to {top:g}.")
