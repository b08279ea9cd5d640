"""Planes of luma and chroma to RGB and back, in strips so that no float plane is full size.

Rows of 64: a strip of a wide photograph then stays in the processor's cache, which is what makes
float arithmetic here several times faster than on whole arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

STRIP = 64  # rows; a multiple of every step, so that small chroma splits at the same places
STEPS = (1, 2, 4)  # luma samples that may share one of chroma, each way
KR, KG, KB = np.float32(0.299), np.float32(0.587), np.float32(0.114)
RED_OF_CR, BLUE_OF_CB = np.float32(1.402), np.float32(1.772)

Plane = npt.NDArray[Any]


def strips(height: int, rows: int = STRIP) -> Iterator[tuple[int, int]]:
    """(first, past the last) row of each strip."""
    for first in range(0, height, rows):
        yield first, min(first + rows, height)


def limits(dtype: npt.DTypeLike) -> tuple[int, int]:
    """(highest value, chroma's zero) of uint8 or uint16."""
    top = int(np.iinfo(dtype).max)
    return top, (top + 1) // 2


def step_of(luma: tuple[int, ...], chroma: tuple[int, ...]) -> int:
    """Luma samples that share one of chroma, each way, by the planes' shapes; 0: they do not fit.

    A last sample may stand for fewer: sizes are rounded up.
    """
    fits = (step for step in STEPS if chroma == tuple(-(-n // step) for n in luma))
    return next(fits, 0)


def repeated(plane: Plane, step: int, height: int, width: int) -> Plane:
    """A chroma plane (h,w) at luma's size (height,width)."""
    return plane.repeat(step, axis=0)[:height].repeat(step, axis=1)[:, :width]


def to_rgb(luma: Plane, chroma: Plane | None) -> Plane:
    """luma (H,W), chroma (2,h,w) or None, one dtype; returns (H,W,3) in that dtype.

    Green is solved from luma and the rounded red and blue. One step of green is 0.587 of luma, so
    inside the gamut the luma of the result rounds back to exactly the luma given.
    """
    height, width = luma.shape
    if chroma is None:
        return np.repeat(luma[:, :, None], 3, axis=2)  # (H,W,3)
    rgb = np.empty((height, width, 3), luma.dtype)
    for first, last in strips(height):
        rgb[first:last] = strip_to_rgb(luma, chroma, first, last)
    return rgb


def strip_to_rgb(luma: Plane, chroma: Plane, first: int, last: int) -> Plane:
    """Rows first to last of `to_rgb`: (rows,W,3). first is a multiple of STRIP."""
    top, zero = limits(luma.dtype)
    high = np.float32(top)
    Y = luma[first:last].astype(np.float32)  # (rows,W)
    Cb, Cr = (full_rows(plane, luma.shape, first, last) for plane in chroma)
    red = np.rint(np.clip(Y + RED_OF_CR * (Cr - np.float32(zero)), 0, high))
    blue = np.rint(np.clip(Y + BLUE_OF_CB * (Cb - np.float32(zero)), 0, high))
    green = np.rint(np.clip((Y - KR * red - KB * blue) / KG, 0, high))
    return np.stack([red, green, blue], axis=-1).astype(luma.dtype)


def full_rows(plane: Plane, size: tuple[int, ...], first: int, last: int) -> Plane:
    """Rows first to last of a chroma plane brought to luma's size, float32 (rows,W)."""
    step = step_of(size, plane.shape)
    rows = plane[first // step : -(-last // step)].astype(np.float32)
    return repeated(rows, step, last - first, size[1])


def luma_of(rgb: Plane) -> Plane:
    """Luma (H,W), rounded, of rgb (H,W,3 or more) uint8 or uint16, in that dtype."""
    luma = np.empty(rgb.shape[:2], rgb.dtype)
    for first, last in strips(rgb.shape[0]):
        red, green, blue = np.moveaxis(rgb[first:last, :, :3].astype(np.float32), -1, 0)
        luma[first:last] = np.rint(KR * red + KG * green + KB * blue)
    return luma


def to_depth(plane: Plane, depth: int, *, chroma: bool = False) -> Plane:
    """A plane (...) in 8 or 16 bits; 255 becomes 65535, and chroma keeps its zero exactly."""
    if depth == 8 * plane.dtype.itemsize:
        return plane
    if chroma:
        flat = plane.reshape(-1, plane.shape[-1])
        out = np.empty(flat.shape, np.uint16 if depth == 16 else np.uint8)
        _, zero = limits(plane.dtype)
        top, centre = limits(out.dtype)
        factor = np.float32(257 if depth == 16 else 1 / 257)
        for first, last in strips(len(flat)):
            rows = (flat[first:last].astype(np.float32) - zero) * factor + centre
            out[first:last] = np.rint(np.clip(rows, 0, top))
        return out.reshape(plane.shape)
    if depth == 16:
        return plane.astype(np.uint16) * np.uint16(257)
    wide = np.empty(plane.shape, np.uint8)
    for first, last in strips(len(plane)):
        wide[first:last] = (plane[first:last].astype(np.uint32) + 128) // 257
    return wide
