"""Y'CbCr of sRGB-encoded colours: BT.601 weights, full range, as in JPEG files.

Y' (luma, here `Y`) runs from 0 to 1, Cb and Cr from -0.5 to 0.5. An 8-bit file stores
255 Y, 255 Cb + 128, 255 Cr + 128. Luma is a weighted sum of encoded values: it is neither
luminance nor lightness.
Source: ITU-R BT.601-7, 2.5.1; full range by ITU-T T.871 (JFIF), section 7.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kolorit.colour.arrays import Floats, floats

KR, KG, KB = 0.299, 0.587, 0.114

# What one unit of Cb and of Cr adds to red, green, blue at constant luma.
RED_OF_CR = 2 * (1 - KR)
BLUE_OF_CB = 2 * (1 - KB)
GREEN_OF_CB = -KB * BLUE_OF_CB / KG
GREEN_OF_CR = -KR * RED_OF_CR / KG


def luma(rgb: npt.ArrayLike) -> Floats:
    """Luma of sRGB-encoded colours. rgb (..., 3), 0..1; returns (...), 0..1."""
    red, green, blue = np.moveaxis(floats(rgb, channels=3), -1, 0)
    Y: Floats = KR * red + KG * green + KB * blue
    return Y


def rgb_to_ycbcr(rgb: npt.ArrayLike) -> Floats:
    """Luma and chroma of sRGB-encoded colours.

    rgb (..., 3), 0..1; returns (..., 3): Y 0..1, Cb and Cr -0.5..0.5. The map is linear, so values
    outside pass. Raises ValueError for integers.
    """
    rgb = floats(rgb, channels=3)
    Y = luma(rgb)
    Cb = (rgb[..., 2] - Y) / BLUE_OF_CB
    Cr = (rgb[..., 0] - Y) / RED_OF_CR
    return np.stack([Y, Cb, Cr], axis=-1)  # (...,3)


def ycbcr_to_rgb(ycbcr: npt.ArrayLike) -> Floats:
    """sRGB-encoded colours: the inverse of `rgb_to_ycbcr`, unclipped.

    ycbcr (..., 3); returns (..., 3), in [0, 1] exactly where the colour exists in sRGB
    (`gamut.shrink_ycbcr` sees to that).
    """
    Y, Cb, Cr = np.moveaxis(floats(ycbcr, channels=3), -1, 0)
    red = Y + RED_OF_CR * Cr
    green = Y + GREEN_OF_CB * Cb + GREEN_OF_CR * Cr
    blue = Y + BLUE_OF_CB * Cb
    return np.stack([red, green, blue], axis=-1)  # (...,3)
