"""The card beside a model: what it is, how it is fed, how it is read, what it is worth."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kolorit.colour.bins import BINS
from kolorit.errors import ModelUnavailable


@dataclass(frozen=True)
class Look:
    """One way to read a network's answer.

    prior_exponent: how much of the training prior is taken out of the bins (0 = none: safe, dull).
    temperature: of the softmax over the bins. regression: share of the ab output, the rest comes
    from the bins. detail: how much of the ab output's fine structure is added to the bins' colours.
    doubt: confidence below which colours fall back towards the faithful ones (0 = never).
    gain: factor on the chroma.
    """

    prior_exponent: float
    temperature: float
    regression: float
    detail: float = 1.0
    doubt: float = 0.0
    gain: float = 1.0


@dataclass(frozen=True)
class Card:
    """What stands in ``NAME.toml``; ``about`` keeps the rest: data, licence, scores, limits."""

    name: str
    version: str
    sha256: str
    size: int  # the network sees about size x size pixels
    multiple: int  # height and width are padded to multiples of this
    stride: int  # of the logits; 0 = the network has none
    prior: np.ndarray  # (Q,) share of each ab bin in the training pictures; sums to 1
    looks: dict[str, Look]
    about: dict[str, Any]


def read_card(path: Path) -> Card:
    """Read and check a card; ModelUnavailable names the key that is wrong."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelUnavailable("the model has no card", file=path) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelUnavailable(f"this card cannot be read: {error}", file=path) from error
    try:
        bins = table.pop("bins", {"stride": 0, "prior": []})
        prior = np.asarray(bins["prior"], np.float64)
        card = Card(
            name=_text(table.pop("name")),
            version=_text(table.pop("version")),
            sha256=_text(table.pop("sha256")),
            size=_positive(table.pop("size")),
            multiple=_positive(table.pop("multiple")),
            stride=int(bins["stride"]),
            prior=prior,
            looks={name: Look(**look) for name, look in table.pop("looks").items()},
            about=table,
        )
        if card.stride < 0:
            raise ValueError("bins.stride is below 0")
        if card.stride and (
            prior.shape != (len(BINS),) or prior.min() <= 0 or abs(prior.sum() - 1) > 1e-3
        ):
            raise ValueError("bins.prior must be 313 positive shares that sum to 1")
        if not card.looks:
            raise ValueError("there are no looks")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelUnavailable(f"this card is wrong: {error}", file=path) from error
    return card


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be text")
    return value


def _positive(value: object) -> int:
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{value!r} should be a whole number above 0")
    return value
