"""sRGB encoding and linear light.

`rgb` is always sRGB-encoded, `linear` is proportional to light; both run from 0 to 1.
Source: IEC 61966-2-1:1999 for the curve; the matrix is that of the BT.709 primaries and D65, with
the six digits that are in common use (the standard prints four).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kolorit.colour.arrays import Floats, floats

RGB_TO_XYZ: npt.NDArray[np.float64] = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)

# The row sums, and not the white point of the tables (0.95047, 1, 1.08883): only with these is a
# grey pixel exactly neutral (a = b = 0) in Lab.
WHITE: npt.NDArray[np.float64] = RGB_TO_XYZ.sum(axis=1)

_KNEE = 0.04045
# Not the standard's rounded 0.0031308: with the quotient both directions branch at the same colour.
_LINEAR_KNEE = _KNEE / 12.92


def srgb_to_linear(rgb: npt.ArrayLike) -> Floats:
    """Linear light of sRGB-encoded values.

    rgb (...) floats, 0..1; returns (...), 0..1, in the same precision. Values outside are
    extended: the curve goes on above 1 and is odd about 0, so that the inverse undoes it.
    Raises ValueError for integers.
    """
    rgb = floats(rgb)
    size = np.abs(rgb)
    linear = np.where(size > _KNEE, ((size + 0.055) / 1.055) ** 2.4, size / 12.92)
    return np.copysign(linear, rgb)


def linear_to_srgb(linear: npt.ArrayLike) -> Floats:
    """sRGB-encoded values of linear light.

    linear (...) floats, 0..1; returns (...), 0..1, in the same precision; extended outside as in
    `srgb_to_linear`, whose inverse this is. Raises ValueError for integers.
    """
    linear = floats(linear)
    size = np.abs(linear)
    rgb = np.where(size > _LINEAR_KNEE, 1.055 * size ** (1 / 2.4) - 0.055, size * 12.92)
    return np.copysign(rgb, linear)
