"""Every mode that Pillow gives, as luma and alpha planes at the depth the file had.

Pillow cuts 16-bit greys at 255 when asked to convert them, so those never go through `convert`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from kolorit.errors import InputUnreadable
from kolorit.picture import icc
from kolorit.picture.tone import GREY, Tone, tone_of_image
from kolorit.picture.ycbcr import strips

Plane = npt.NDArray[Any]


@dataclass(frozen=True)
class Planes:
    """luma (H,W) uint8 or uint16, alpha alike or None, as stored: not yet upright."""

    luma: Plane
    alpha: Plane | None = None
    tone: Tone = GREY
    notes: tuple[str, ...] = ()


def planes_of(image: Image.Image) -> Planes:
    """The planes of a Pillow image, which is loaded if it is not yet. Raises InputUnreadable."""
    image.load()
    mode = image.mode
    if mode.startswith("I;16"):
        return _grey16(image)
    if mode in ("I", "F"):
        return scaled(np.asarray(image), integer=mode == "I")
    if mode in ("CMYK", "LAB"):
        image, note = icc.to_srgb(image)
        return _coloured(image, None, (note,))
    if mode == "YCbCr":
        return Planes(np.array(image.getchannel("Y")), tone=tone_of_image(image))
    if mode in ("1", "L") and "transparency" not in image.info:
        return Planes(np.array(image if mode == "L" else image.convert("L")))
    if mode in ("1", "L", "LA", "La"):
        grey = image if mode == "LA" else image.convert("LA")
        return Planes(np.array(grey.getchannel("L")), np.array(grey.getchannel("A")))
    if mode in ("RGBA", "RGBa", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return _coloured(image.convert("RGB"), np.array(image.getchannel("A")))
    if mode in ("RGB", "RGBX", "P", "HSV"):
        return _coloured(image.convert("RGB"), None)
    raise InputUnreadable(f"pictures in Pillow's mode {mode} are not read")


def _coloured(rgb: Image.Image, alpha: Plane | None, notes: tuple[str, ...] = ()) -> Planes:
    return Planes(np.array(rgb.convert("L")), alpha, tone_of_image(rgb), notes)


def _grey16(image: Image.Image) -> Planes:
    luma = np.array(image).astype(np.uint16, copy=False)  # also out of big-endian order
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return Planes(luma)
    alpha = np.where(luma == clear, 0, 65_535).astype(np.uint16)
    return Planes(luma, alpha)


def scaled(values: Plane, *, integer: bool) -> Planes:
    """Planes of (H,W) int32, uint32 or float32, which have no agreed white, and what was done.

    Floats within 0..1 and integers within 0..65535 are taken at their word.
    """
    rows = [values[first:last] for first, last in strips(len(values))]
    finite = [part[np.isfinite(part)] for part in rows]
    kept = [part for part in finite if part.size]
    low = float(min((part.min() for part in kept), default=0))
    high = float(max((part.max() for part in kept), default=1))
    if not integer and low >= 0 and high <= 1:
        low, high, words = 0.0, 1.0, "floating-point greys were read as 0 (black) to 1 (white)"
    elif integer and low >= 0 and high <= 255:
        return Planes(values.astype(np.uint8), notes=("32-bit greys were read as 8-bit ones",))
    elif integer and low >= 0 and high <= 65_535:
        return Planes(
            values.astype(np.uint16), notes=("signed or 32-bit greys were read as 16-bit ones",)
        )
    else:
        words = f"greys from {low:g} to {high:g} were scaled to black and white"
    luma = np.empty(values.shape, np.uint16)
    span = max(high - low, 1e-30)
    for first, last in strips(len(values)):
        part = (values[first:last].astype(np.float64) - low) / span
        part = np.nan_to_num(part, nan=0.0, posinf=1.0, neginf=0.0)
        luma[first:last] = np.rint(np.clip(part, 0, 1) * 65_535)
    return Planes(luma, notes=(words,))
