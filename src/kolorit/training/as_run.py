"""The first study's wrong conversion, kept so that its cost can be measured. It is no Lab.

Its pipeline scaled RGB to [-1, 1] and gave that to a conversion to Lab which expects [0, 1]. So
every colour below the middle came out as if it held less light than none, and the straight pieces
of both curves (sRGB's below 0.04045, Lab's below delta cubed) went on below zero. At inference the
network was then given 2 luma - 1 for (L - 50) / 50: another tone curve than it had learned from.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from kolorit.colour.lab import lab_to_linear, rgb_to_lab
from kolorit.colour.srgb import RGB_TO_XYZ, WHITE

REACH = 230.0  # |a|, |b| of any colour stay below: a -169 to 229.7, b -179 to 170; L -69.9 to 100

_KNEE, _DELTA = 0.04045, 6 / 29
_LINEAR_KNEE = _KNEE / 12.92
_TO_XYZ = np.asarray((RGB_TO_XYZ / WHITE[:, None]).T, np.float32)


def as_run_lab(rgb: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """What the study took for Lab. rgb (...,3) sRGB, uint8 or floats 0..1; returns (...,3)."""
    if rgb.dtype == np.uint8:
        linear = _LINEAR_OF_BYTE[rgb]
    else:
        linear = _to_linear(2 * rgb.astype(np.float32) - 1)
    xyz = linear @ _TO_XYZ  # (...,3)
    root = np.where(xyz > _DELTA**3, np.cbrt(xyz), xyz / (3 * _DELTA**2) + np.float32(4 / 29))
    fx, fy, fz = np.moveaxis(root, -1, 0)
    return np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], -1)


def as_run_to_rgb(
    L: npt.NDArray[np.float32], ab: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """The inverse of ``as_run_lab``, unclipped: what such targets show when they are read rightly.

    L (B,1,h,w), ab (B,2,h,w); returns (B,h,w,3) sRGB, in [0, 1] where the colour exists.
    """
    linear = lab_to_linear(np.concatenate([L, ab], 1).transpose(0, 2, 3, 1))  # (B,h,w,3)
    above = np.maximum(linear, _LINEAR_KNEE)
    rgb = np.where(linear > _LINEAR_KNEE, 1.055 * above ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.asarray((rgb + 1) / 2, np.float32)


def read_back(
    L: npt.NDArray[np.float32], ab: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """True L (B,1,h,w) and ab (B,2,h,w) of colours in the study's own numbers, clipped to sRGB."""
    lab = rgb_to_lab(np.clip(as_run_to_rgb(L, ab), 0, 1)).transpose(0, 3, 1, 2)  # (B,3,h,w)
    return lab[:, :1], lab[:, 1:]


def as_run_input(L: Tensor) -> Tensor:
    """What the study's inference gave its network for a photograph of true lightness L, 0..100.

    It gave 2 luma - 1; returned is the L, any shape, whose (L - 50) / 50 is that number: 100 luma.
    """
    root = (L + 16) / 116
    Y = torch.where(root > _DELTA, root**3, 3 * _DELTA**2 * (root - 4 / 29))
    above = Y.clamp(min=_LINEAR_KNEE)
    return 100 * torch.where(Y > _LINEAR_KNEE, 1.055 * above ** (1 / 2.4) - 0.055, 12.92 * Y)


def _to_linear(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """sRGB's curve over all numbers: what is below its knee, -1 too, is on the straight piece."""
    above = np.maximum(values, np.float32(_KNEE))
    return np.where(values > _KNEE, ((above + 0.055) / 1.055) ** 2.4, values / 12.92)


_LINEAR_OF_BYTE = _to_linear(np.linspace(-1, 1, 256, dtype=np.float32))
