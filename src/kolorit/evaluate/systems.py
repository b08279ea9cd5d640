"""What is judged: anything that colours a grey picture; and folders of pictures already coloured.

A system is given a grey picture and the photograph's stem, and nothing else: no truth reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kolorit.colour.lab import grey_to_lightness
from kolorit.colour.luma import luma
from kolorit.errors import InputUnreadable
from kolorit.evaluate.sets import find_photographs
from kolorit.picture.picture import Picture, from_luma, to_rgb
from kolorit.picture.rgb import decode_rgb, resize_rgb


@dataclass(frozen=True)
class Coloured:
    """A system's answer. rgb (H,W,3) uint8, of the grey picture's size.

    ab (2,h,w) in ab units and confidence (h,w) 0..1: what it says of itself at its own size, how
    surely the true colour is near ab; None for systems that do not say.
    """

    rgb: np.ndarray
    ab: np.ndarray | None = None
    confidence: np.ndarray | None = None


@dataclass(frozen=True)
class Spot:
    """A true colour given as a hint: x, y 0..1 of width and height, radius of the long side."""

    x: float
    y: float
    radius: float
    ab: tuple[float, float]


@dataclass(frozen=True)
class System:
    """One row of the table. hinted: colours with hints, for systems that take some."""

    row: str
    colour: Callable[[str, Picture], Coloured]
    hinted: Callable[[Picture, Sequence[Spot]], np.ndarray] | None = None


# Puts ab (2,h,w) on a grey picture; the shipped merge: (picture, L (h,w), ab) -> picture.
Put = Callable[[Picture, np.ndarray, np.ndarray], Picture]


def grey_of(rgb: np.ndarray) -> Picture:
    """The grey picture that a file of this photograph would hold: its luma, rounded to bytes."""
    values = np.round(255 * np.clip(luma(rgb / 255.0), 0, 1))  # (H,W)
    return from_luma(values.astype(np.uint8))


def paint_on(grey: Picture, ab: np.ndarray, put: Put) -> np.ndarray:
    """rgb (H,W,3) uint8 of a grey picture under ab (H,W,2), or (2,) for one colour all over."""
    L = grey_to_lightness(grey.luma / np.float32(255))  # (H,W)
    planes = np.broadcast_to(ab, (*grey.luma.shape, 2)).astype(np.float32).transpose(2, 0, 1)
    return np.asarray(to_rgb(put(grey, L, np.ascontiguousarray(planes))))


def folder_system(row: str, folder: Path) -> System:
    """Pictures that another colorizer made: FOLDER/STEM.jpg and so on, paired by exact stem.

    A larger picture is reduced to the grey one's size as the truth was. Colouring raises
    InputUnreadable where the picture is missing, broken, smaller, or of other proportions. Raises
    DataCorrupt for a folder that is missing, empty or has one stem twice.
    """
    paths = {photograph.stem: photograph.path for photograph in find_photographs(folder)}

    def colour(stem: str, grey: Picture) -> Coloured:
        if stem not in paths:
            raise InputUnreadable("there is no picture of this stem", file=folder / stem)
        rgb, (height, width) = decode_rgb(paths[stem]), grey.luma.shape
        scale = rgb.shape[0] / height
        if scale < 1 or abs(rgb.shape[1] / scale - width) > 1:  # the truth's sides are rounded
            fault = "is smaller than" if scale < 1 else "does not have the proportions of"
            size = f"{rgb.shape[1]} x {rgb.shape[0]}"
            raise InputUnreadable(f"its size {size} {fault} {width} x {height}", file=paths[stem])
        same = rgb.shape[:2] == (height, width)
        return Coloured(rgb if same else resize_rgb(rgb, (height, width)))

    return System(row, colour)


def strangers(folder: Path, stems: Collection[str]) -> list[str]:
    """Stems of a folder of coloured pictures that no set has: their truth is missing."""
    return sorted({photograph.stem for photograph in find_photographs(folder)} - set(stems))
