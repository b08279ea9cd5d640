"""Resizing of single planes, the same for training and product, antialiased.

Shrinking 8-bit planes by bicubic or bilinear goes through Pillow's integer reduction first
(`reducing_gap`), which is four times faster and changes a few rounding steps. Area does not: it is
as fast without, and exact. 16-bit planes must not: Pillow reduces them as if they were bytes.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

How = Literal["area", "bicubic", "bilinear", "nearest"]
Plane = npt.NDArray[Any]

FILTERS = {
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
}
GAP = 2.0  # the reduction stops at twice the final size
LONGEST = 4  # a panorama's long side is at most this many times the size asked for


def resize_plane(plane: Plane, size: tuple[int, int], how: How = "area") -> Plane:
    """plane (H,W) uint8, uint16 or float32; returns (h,w) = size in the same dtype.

    All ways but nearest average over what a place covers when shrinking. bicubic may overshoot
    a float plane's range; integers are clipped. Raises ValueError for another dtype or way.
    """
    if plane.ndim != 2 or plane.dtype not in (np.uint8, np.uint16, np.float32):
        raise ValueError(f"cannot resize {plane.shape} {plane.dtype}")
    if how not in FILTERS:
        raise ValueError(f"no way of resizing is called {how!r}: choose from {', '.join(FILTERS)}")
    height, width = size
    if plane.shape == (height, width):
        return plane
    gap = GAP if how in ("bicubic", "bilinear") and plane.dtype != np.uint16 else None
    image = Image.fromarray(np.ascontiguousarray(plane))
    return np.array(image.resize((width, height), FILTERS[how], reducing_gap=gap))


def fit_size(height: int, width: int, size: int, multiple: int = 1) -> tuple[int, int, int, int]:
    """(h, w, padded_h, padded_w): the network's size for a photograph.

    Keeps the aspect with h * w near size * size; the long side stops at 4 * size, so that a
    strip of film does not cost more than a square. Padded sides are multiples of `multiple`.
    """
    if min(height, width, size, multiple) < 1:
        raise ValueError("height, width, size and multiple must be positive")
    scale = min(size / math.sqrt(height * width), LONGEST * size / max(height, width))
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    return h, w, -(-h // multiple) * multiple, -(-w // multiple) * multiple


def pad_edge(plane: Plane, height: int, width: int) -> Plane:
    """plane (..., h, w) brought to (..., height, width) by repeating its last row and column."""
    below, right = height - plane.shape[-2], width - plane.shape[-1]
    if below < 0 or right < 0:
        raise ValueError(f"cannot pad {plane.shape} to the smaller {(height, width)}")
    if not below and not right:
        return plane
    return np.pad(plane, [(0, 0)] * (plane.ndim - 2) + [(0, below), (0, right)], mode="edge")
