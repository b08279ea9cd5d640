"""What the network makes of some photographs: grey, coloured and true, side by side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kolorit.colour.arrays import Floats
from kolorit.colour.gamut import shrink_lab
from kolorit.colour.lab import lab_to_rgb

MARGIN = 32  # of a picture's shorter side lies between two pictures, as a fraction: 1 / MARGIN
NO_COLOUR = 1000  # ab units: nothing from here on is one, and much more would overflow
BETWEEN = 128  # grey: white or black would change how the colours beside it look


def paint_grid(
    L: npt.ArrayLike, ab_predicted: npt.ArrayLike, ab_true: npt.ArrayLike
) -> npt.NDArray[np.uint8]:
    """One row a picture: its grey, its predicted and its true colours. (H,W,3) uint8 sRGB.

    L (B,1,h,w), 0..100, cut off outside; ab_predicted and ab_true (B,2,h,w) in ab units: arrays,
    or tensors of the CPU. A colour outside sRGB loses chroma and keeps lightness and hue; one that
    is no number is painted grey, so that the pictures of a run that broke can be seen.
    Raises ValueError for other shapes and for no pictures.
    """
    L, truth = np.asarray(L, np.float32), np.asarray(ab_true, np.float32)
    predicted = np.asarray(ab_predicted, np.float32)
    B, height, width = len(L), *L.shape[-2:]
    if not B or L.shape != (B, 1, height, width):
        raise ValueError(f"L has shape {L.shape}, not (B,1,h,w)")
    if not predicted.shape == truth.shape == (B, 2, height, width):
        raise ValueError(f"ab has shapes {predicted.shape} and {truth.shape}, L has {L.shape}")
    gap = max(1, min(height, width) // MARGIN)
    columns = [_paint(L, ab) for ab in (np.zeros_like(truth), predicted, truth)]  # (B,h,w,3) each
    grid = np.full((B * (height + gap) - gap, 3 * (width + gap) - gap, 3), BETWEEN, np.uint8)
    for row in range(B):
        for column, pictures in enumerate(columns):
            top, left = row * (height + gap), column * (width + gap)
            grid[top : top + height, left : left + width] = pictures[row]
    return grid


def _paint(L: Floats, ab: Floats) -> npt.NDArray[np.uint8]:
    """sRGB bytes (B,h,w,3) of L (B,1,h,w) and ab (B,2,h,w)."""
    colour = (np.abs(ab) < NO_COLOUR).all(1, keepdims=True)  # (B,1,h,w), False where NaN
    lab = np.concatenate([np.clip(np.nan_to_num(L), 0, 100), np.where(colour, ab, 0)], 1)
    rgb = lab_to_rgb(shrink_lab(lab.transpose(0, 2, 3, 1)))  # (B,h,w,3)
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
