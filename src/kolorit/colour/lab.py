"""CIE Lab of sRGB colours (D65, 2 degrees, white = row sums of the matrix).

L runs from 0 to 100; of the colours in sRGB a runs from -86.2 to 98.2 and b from -107.9 to 94.5.
Source: CIE 15:2004, section 8.2.1, with the exact constants (6/29 and not 0.008856).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from kolorit.colour.arrays import Floats, check_within, floats
from kolorit.colour.srgb import RGB_TO_XYZ, WHITE, linear_to_srgb, srgb_to_linear

_DELTA = 6 / 29
_TO_XYZ = RGB_TO_XYZ / WHITE[:, None]  # white becomes (1, 1, 1)
_FROM_XYZ = np.linalg.inv(_TO_XYZ)

_STEPS = 1 << 18  # of the cube-root table: 1 MB of float32, stays in the processor's cache
_STRIP = 1 << 14  # pixels in flight in bytes_to_lab: their intermediates stay there too


def rgb_to_lab(rgb: npt.ArrayLike) -> Floats:
    """Lab of sRGB-encoded colours.

    rgb (..., 3), 0..1; returns (..., 3): L 0..100, a, b. float64 stays, all else is float32
    (grey then has a, b below 1e-4).
    Raises ValueError outside [0, 1] (bytes, or [-1, 1], would give a wrong Lab that looks right).
    """
    rgb = floats(rgb, channels=3)
    check_within(rgb, 0, 1, "rgb")
    xyz = srgb_to_linear(rgb) @ _TO_XYZ.T.astype(rgb.dtype)  # (...,3)
    fx, fy, fz = np.moveaxis(_root(xyz), -1, 0)
    return np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], axis=-1)  # (...,3)


def lab_to_rgb(lab: npt.ArrayLike) -> Floats:
    """sRGB-encoded colours of Lab: the inverse of `rgb_to_lab`, unclipped.

    lab (..., 3); returns (..., 3), in [0, 1] exactly where the colour exists in sRGB. To write a
    picture, use `gamut.shrink_lab` first: clipping changes lightness and hue.
    """
    return linear_to_srgb(lab_to_linear(lab))


def lab_to_linear(lab: npt.ArrayLike) -> Floats:
    """Linear-light RGB of Lab, unclipped. lab (..., 3); returns (..., 3)."""
    L, a, b = np.moveaxis(floats(lab, channels=3), -1, 0)
    fy = (L + 16) / 116
    xyz = _cube(np.stack([fy + a / 500, fy, fy - b / 200], axis=-1))  # (...,3)
    return xyz @ _FROM_XYZ.T.astype(xyz.dtype)  # (...,3)


def lightness(Y: npt.ArrayLike) -> Floats:
    """Lightness L, 0..100, of luminance Y (...), 0..1 (linear light relative to white)."""
    return 116 * _root(floats(Y)) - 16


def luminance(L: npt.ArrayLike) -> Floats:
    """Luminance Y, 0..1, of lightness L (...), 0..100."""
    return _cube((floats(L) + 16) / 116)


def grey_to_lightness(grey: npt.ArrayLike) -> Floats:
    """Lightness of sRGB-encoded grey values: the L of `rgb_to_lab` for r = g = b = grey.

    grey (...), 0..1; returns (...), 0..100. Raises ValueError outside [0, 1].
    """
    grey = floats(grey)
    check_within(grey, 0, 1, "grey")
    return lightness(srgb_to_linear(grey))


def lightness_to_grey(L: npt.ArrayLike) -> Floats:
    """sRGB-encoded grey, 0..1, of lightness L (...), 0..100: inverse of `grey_to_lightness`."""
    return linear_to_srgb(luminance(L))


def bytes_to_lab(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Lab of an 8-bit picture by tables: several times as fast as the formula, and strip by strip.

    rgb (H, W, 3) uint8; returns (H, W, 3) float32: L 0..100, a, b. L is within 0.01 and a, b
    within 0.05 of the formula; grey is exactly neutral.
    Raises ValueError for another type or shape.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"expected (H, W, 3) uint8, got {rgb.shape} {rgb.dtype}")
    products, root = _tables()
    lab = np.empty(rgb.shape, np.float32)
    rows = max(1, _STRIP // max(1, rgb.shape[1]))
    for top in range(0, rgb.shape[0], rows):
        strip = np.moveaxis(rgb[top : top + rows], 2, 0).astype(np.intp)  # (3,rows,W)
        fx, fy, fz = (
            root[sum_of[0][strip[0]] + sum_of[1][strip[1]] + sum_of[2][strip[2]]]
            for sum_of in products
        )
        out = lab[top : top + rows]  # (rows,W,3)
        out[..., 0] = 116 * fy - 16
        out[..., 1] = 500 * (fx - fy)
        out[..., 2] = 200 * (fy - fz)
    return lab


@lru_cache(maxsize=1)
def _tables() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Products of matrix and linear light, (3 of XYZ, 3 of RGB, 256), in steps; root (steps + 1).

    X, Y, Z of a pixel in steps is the sum of three products, and an index into the root. The blue
    products take up the rounding of the other two, so that grey has X = Y = Z to the step.
    """
    linear = srgb_to_linear(np.arange(256) / 255)
    products = np.rint(_STEPS * _TO_XYZ[:, :, None] * linear).astype(np.intp)
    products[:, 2] = np.rint(_STEPS * linear).astype(np.intp) - products[:, 0] - products[:, 1]
    return products, _root(np.arange(_STEPS + 1) / _STEPS).astype(np.float32)


def _root(t: Floats) -> Floats:
    """The cube root, with a straight line below delta cubed."""
    return np.where(t > _DELTA**3, np.cbrt(t), t / (3 * _DELTA**2) + 4 / 29)


def _cube(f: Floats) -> Floats:
    """Inverse of `_root`; the line also goes on below 0, where common libraries clip."""
    return np.where(f > _DELTA, f**3, 3 * _DELTA**2 * (f - 4 / 29))
