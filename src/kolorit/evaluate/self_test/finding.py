"""What a check of the self-test reports, and what all checks work on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kolorit.evaluate.columns import COLUMNS, Context
from kolorit.evaluate.self_test.scenes import PRIOR
from kolorit.evaluate.systems import Put, grey_of
from kolorit.evaluate.view import View
from kolorit.picture.picture import to_rgb

CONTEXT = Context(PRIOR)
_FEW = 6


@dataclass(frozen=True)
class Finding:
    """One known mistake, and whether the judge is proof against it.

    planted: what is done wrong. right: what the judge says; wrong: what it would say with the
    mistake. expected: what has to come out, and in brackets what it was on 1,000 photographs.
    held: whether it did; None, which is no pass, where it could not be tried here, and `right`
    then says what that needs.
    """

    trap: str
    planted: str
    right: str
    wrong: str
    expected: str
    held: bool | None

    def __post_init__(self) -> None:
        if not isinstance(self.held, bool | None):  # numpy's False is not False to `is`
            raise TypeError(f"{self.trap}: held is {self.held!r}")

    def __str__(self) -> str:
        if self.held is None:
            return f"skipped  {self.trap}: {self.right}"
        found = f"{self.trap}: {self.right}; planted: {self.wrong} ({self.planted})"
        return f"ok       {found}" if self.held else f"FAILED   {found}, expected: {self.expected}"


@dataclass(frozen=True, eq=False)
class Material:
    """Truths to plant mistakes in, (H,W,3) uint8 each, and what puts ab on a grey picture."""

    pictures: tuple[np.ndarray, ...]
    put: Put

    @cached_property
    def truths(self) -> list[View]:
        return [View(rgb) for rgb in self.pictures]

    @cached_property
    def greys(self) -> list[View]:
        """The pictures without colour, as bytes have them."""
        return [View(np.asarray(to_rgb(grey_of(rgb)))) for rgb in self.pictures]

    @cached_property
    def few(self) -> Material:
        """Some of the pictures, for what takes long."""
        return Material(self.pictures[:_FEW], self.put)


def value(column: str, shown: Sequence[View], truths: Sequence[View]) -> float:
    """What the judge says of a set: sum of numerators by sum of weights."""
    terms = COLUMNS[column].terms
    found = [terms(s, t, CONTEXT) for s, t in zip(shown, truths, strict=True)]
    numerator, weight = np.sum(found, axis=0)
    return float(numerator / weight) if weight else math.nan


def refusal(call: Callable[[], object], error: type[Exception]) -> str | None:
    """What the error says that a call must raise; None where it raises none."""
    try:
        call()
    except error as refused:
        return f"refused: {refused}"
    return None


def db(decibels: float) -> str:
    return "infinite" if math.isinf(decibels) else f"{decibels:.1f} dB"


def saturated(rgb: np.ndarray, gain: float) -> np.ndarray:
    """rgb (H,W,3) uint8 further from its own grey by a factor, cut off at 0 and 255."""
    grey = grey_of(rgb).luma[..., None].astype(np.float64)
    return np.clip(np.round(grey + gain * (rgb - grey)), 0, 255).astype(np.uint8)
