"""Whether a picture is grey, toned (sepia, cyanotype, yellowed paper) or already has colours.

A toned picture's chroma is a function of its luma: each grey has its one tint, all of about one
hue. What strays from that by more than paper, dust and JPEG noise do is a colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Plane = npt.NDArray[Any]

NEUTRAL = 4.0  # chroma steps of 255 that nobody calls a colour
STRAY = 10.0  # distance from the tint of its grey beyond which a place has a colour of its own
SHARE = 0.01  # of places that must do so
LEVELS = 16  # greys told apart
SAMPLES = 30_000  # are enough to find a hundredth; medians of more take longer than decoding
SIDE = 512  # a sample's longer side is about this at most


@dataclass(frozen=True)
class Tone:
    """At most one of the two is true."""

    coloured: bool = False
    toned: bool = False


GREY = Tone()
NOTES = {
    Tone(coloured=True): "the picture already has colours: only its grey values were used",
    Tone(toned=True): "the picture is toned, as sepia is: only its grey values were used",
}


def tone_of_image(image: Image.Image) -> Tone:
    """The tone of a loaded Pillow image in mode RGB or YCbCr, from a small average of it."""
    small = image.reduce(max(1, max(image.size) // SIDE))
    return tone_of(np.asarray(small.convert("YCbCr")).reshape(-1, 3))


def tone_of(ycbcr: Plane) -> Tone:
    """The tone of samples (N,3): Y, Cb, Cr as 8-bit numbers."""
    ycbcr = ycbcr[:: -(-len(ycbcr) // SAMPLES) or 1]
    if len(ycbcr) == 0:
        return GREY
    chroma = ycbcr[:, 1:].astype(np.float32) - 128  # (N,2)
    strength = np.hypot(chroma[:, 0], chroma[:, 1])
    if np.mean(strength > NEUTRAL) < SHARE:
        return GREY
    level = ycbcr[:, 0].astype(np.intp) * LEVELS // 256
    tint = np.zeros((LEVELS, 2), np.float32)
    for at in range(LEVELS):
        if (these := chroma[level == at]).size:
            tint[at] = np.median(these, axis=0)
    away = chroma - tint[level]
    strays = np.mean(np.hypot(away[:, 0], away[:, 1]) > STRAY)
    if strays > SHARE or not _one_hue(tint):
        return Tone(coloured=True)
    return Tone(toned=True)


def _one_hue(tint: Plane) -> bool:
    """Whether all visible tints (LEVELS,2) lie within 60 degrees of the strongest."""
    strength = np.hypot(tint[:, 0], tint[:, 1])
    strongest = tint[int(np.argmax(strength))] / max(float(strength.max()), 1e-6)
    visible = strength > 2 * NEUTRAL
    return bool(np.all(tint[visible] @ strongest >= 0.5 * strength[visible]))
