"""Photographs that come as numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from kolorit.errors import InputUnreadable
from kolorit.picture.limits import Limits, check_size
from kolorit.picture.modes import Planes
from kolorit.picture.tone import GREY, Tone, tone_of_image
from kolorit.picture.ycbcr import luma_of, strips

REMEDY = "Give (H,W) or (H,W,1..4) of uint8, uint16, or floats from 0 to 1."


def read_array(array: npt.NDArray[Any], limits: Limits) -> Planes:
    """Planes of (H,W), (H,W,1), (H,W,2) with alpha, (H,W,3), or (H,W,4) with alpha.

    uint8 and bool become 8 bits, uint16 and floats in [0, 1] become 16. The planes are copies.
    Raises InputUnreadable for another shape, type or range, LimitExceeded for too many pixels.
    """
    array = np.asarray(array)  # no matrix and no mask
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or not 1 <= array.shape[2] <= 4 or not array.size:
        raise InputUnreadable(f"an array of shape {array.shape} is no picture", remedy=REMEDY)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    check_size(array.shape[1], array.shape[0], limits, None)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype.kind == "f":
        array = _to_16_bits(array)
    elif array.dtype not in (np.uint8, np.uint16):
        raise InputUnreadable(f"an array of {array.dtype} is no picture", remedy=REMEDY)
    channels = array.shape[2]
    alpha = array[:, :, -1].copy() if channels in (2, 4) else None
    if channels < 3:
        return Planes(array[:, :, 0].copy(), alpha)
    return Planes(luma_of(array), alpha, tone_of_rgb(array))


def tone_of_rgb(rgb: npt.NDArray[Any]) -> Tone:
    """The tone of (H,W,3 or more) uint8 or uint16, from places spread over it."""
    step = max(1, max(rgb.shape[:2]) // 512)
    small = rgb[::step, ::step, :3]
    if small.dtype == np.uint16:
        small = small >> 8
    if not small.size:
        return GREY
    return tone_of_image(Image.fromarray(np.ascontiguousarray(small.astype(np.uint8))))


def _to_16_bits(array: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    """Floats in [0, 1] to 0..65535, rounded."""
    out = np.empty(array.shape, np.uint16)
    for first, last in strips(len(array)):
        part = array[first:last].astype(np.float64)
        if not (part.min() >= 0 and part.max() <= 1):  # also where there is no number
            raise InputUnreadable(
                "the array's values lie outside 0 to 1", remedy="Divide them by their white."
            )
        out[first:last] = np.rint(part * 65_535)
    return out
