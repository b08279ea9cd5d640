"""From what the network thinks to the colours that are shown: looks, strength, alternatives.

All of it happens at the network's own small size.
"""

from __future__ import annotations

import numpy as np

from kolorit.colour.bins import BINS, annealed_mean
from kolorit.errors import ConfigInvalid
from kolorit.runtime.card import Look
from kolorit.runtime.model import Prediction, block_means, upsample

_TILT = 0.035  # per ab unit: how strongly an alternative leans towards its hue


def look(
    prediction: Prediction, name: str = "vivid", *, strength: float = 1.0, saturation: float = 1.0
) -> np.ndarray:
    """ab (2,h,w) to show, in ab units.

    name: a look of the model's card. strength 0..1 fades from grey to the look; saturation 0..4
    multiplies the chroma. Raises ConfigInvalid for other values.
    """
    _within("strength", strength, 1)
    _within("saturation", saturation, 4)
    return read_out(prediction, find_look(prediction, name)) * (strength * saturation)


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


def _within(name: str, value: float, top: float) -> None:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or not 0 <= value <= top:  # also refuses NaN
        raise ConfigInvalid(f"{name} = {value!r}", remedy=f"Use a number from 0 to {top:g}.")
