"""A set that is judged from files, so that checks can look at what became of each picture.

Among the pictures are a nearly grey one, a grey one and a broken one; one of the systems fails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kolorit.errors import InputUnreadable
from kolorit.evaluate import judge
from kolorit.evaluate.deep.kinds import Embedding
from kolorit.evaluate.self_test.finding import CONTEXT, Material, saturated, value
from kolorit.evaluate.sets import find_set
from kolorit.evaluate.summary import summarise
from kolorit.evaluate.systems import Coloured, Put, System, paint_on
from kolorit.picture.picture import Picture
from kolorit.picture.rgb import encode_rgb

PALE, GREY_ONE, BROKEN = "pale", "without colour", "broken"
STUMBLING = "stumbling"
TINTS = {"warm": (4.0, 9.0), "cool": (-1.0, -9.0), "leafy": (-6.0, 7.0), "rosy": (8.0, 1.0)}
_SHORT = 64  # pixels: small, since all is done twice


@dataclass(frozen=True)
class Trial:
    """The judgement by one process and by several, and the rows of the first one's summary.

    hard: the stem at which "stumbling", a copy of "warm", fails.
    """

    judgement: judge.Judgement
    again: judge.Judgement
    rows: dict[str, dict[str, Any]]
    hard: str

    def mean(self, row: str, column: str) -> float:
        """What the summary says; NaN where it says nothing."""
        cell = self.rows.get(row, {}).get(column)
        return float(cell[0]) if cell and cell[0] is not None else math.nan

    def values(self, row: str, column: str) -> np.ndarray:
        """(N,) of the pictures that were judged."""
        terms = [v.terms[row][column] for v in self.judgement.verdicts]
        return np.array([numerator / weight for numerator, weight in terms])


def hold(material: Material, folder: Path, jobs: int = 2) -> Trial:
    """Judge some of the pictures, as files in an empty folder; and again by several processes."""
    few = material.few
    files = {str(k): rgb for k, rgb in enumerate(few.pictures)}
    files |= {PALE: saturated(few.pictures[0], 0.12), GREY_ONE: saturated(few.pictures[0], 0)}
    for stem, rgb in files.items():
        (folder / f"{stem}.png").write_bytes(encode_rgb(rgb, "PNG"))
    (folder / f"{BROKEN}.png").write_bytes(b"no picture")
    scores = [value("psnr", [g], [t]) for g, t in zip(few.greys, few.truths, strict=True)]
    hard = str(int(np.argmin(scores)))
    make = partial(_bench, material.put, hard)
    photo_set = find_set(str(folder))
    one = judge.judge(photo_set, make)
    again = judge.judge(photo_set, make, jobs) if jobs > 1 else one
    return Trial(one, again, summarise(one)["rows"], hard)


def _bench(put: Put, hard: str) -> judge.Bench:
    systems = [System(row, partial(_paint, put, ab)) for row, ab in TINTS.items()]
    systems.append(System(STUMBLING, partial(_stumble, put, hard)))
    return judge.Bench(tuple(systems), put, CONTEXT, _SHORT, deep=(Embedding("means", 12, _means),))


def _paint(put: Put, ab: tuple[float, float], _stem: str, grey: Picture) -> Coloured:
    return Coloured(paint_on(grey, np.array(ab), put))


def _stumble(put: Put, hard: str, stem: str, grey: Picture) -> Coloured:
    if stem == hard:
        raise InputUnreadable("it stumbled")
    return _paint(put, TINTS["warm"], stem, grey)


def _means(rgb: np.ndarray) -> np.ndarray:
    """Mean colours (12,) of the quarters: features that need no network."""
    half, middle = rgb.shape[0] // 2, rgb.shape[1] // 2
    quarters = (rgb[y, x] for y in (slice(half), slice(half, None)) for x in _halves(middle))
    return np.concatenate([quarter.mean((0, 1)) for quarter in quarters])


def _halves(middle: int) -> tuple[slice, slice]:
    return slice(middle), slice(middle, None)
