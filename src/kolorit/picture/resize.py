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
    return np.asarray(image.resize((width, height), FILTERS[how], reducing_gap=gap))


def resize_rows(plane: Plane, size: tuple[int, int], first: int, last: int) -> Plane:
    """Rows first..last of a float32 plane (h,w) enlarged to size (H,W), bicubic: (last-first,W).

    The same as those rows of the whole, which then never has to exist.
    """
    height, width = size
    scale = plane.shape[0] / height
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    box = (0, first * scale, plane.shape[1], min(last * scale, plane.shape[0]))
    return np.asarray(image.resize((width, last - first), FILTERS["bicubic"], box))


def fit_size(height: int, width: int, size: int, multiple: int = 1) -> tuple[int, int]:
    """(h, w): the network's size for a photograph, each side the nearest multiple of ``multiple``.

    h * w is near size * size at the photograph's aspect, which the rounding changes a little; the
    long side stops at 4 * size, so that a strip of film does not cost more than a square.
    """
    if min(height, width, size) < 1:
        raise ValueError("height, width and size must be positive")
    scale = min(size / math.sqrt(height * width), LONGEST * size / max(height, width))
    h, w = (max(1, round(n * scale / multiple)) * multiple for n in (height, width))
    return h, w
