"""The torch twin of ``kolorit.colour``: the same numbers on batches, tested against it."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from kolorit.colour.bins import BINS
from kolorit.colour.srgb import RGB_TO_XYZ, WHITE, srgb_to_linear

_LINEAR_OF_BYTE = torch.from_numpy(
    np.asarray(srgb_to_linear(np.arange(256) / 255.0), dtype=np.float32)
)
_RGB_TO_WHITE_XYZ = torch.from_numpy(np.asarray(RGB_TO_XYZ / WHITE[:, None], dtype=np.float32))
_DELTA = 6 / 29


def _f(t: Tensor) -> Tensor:
    """CIE 1976 f(t); the clamp keeps the unused branch's gradient finite at 0."""
    root = t.clamp(min=_DELTA**3).pow(1 / 3)
    return torch.where(t > _DELTA**3, root, t / (3 * _DELTA**2) + 4 / 29)


def lightness(Y: Tensor) -> Tensor:
    """L* 0..100 of luminance Y in [0, 1], any shape."""
    return 116 * _f(Y) - 16


def bytes_to_lab(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """L (B,1,h,w) 0..100 and ab (B,2,h,w) of sRGB bytes (B,3,h,w) uint8."""
    linear = _LINEAR_OF_BYTE.to(rgb.device)[rgb.int()]  # (B,3,h,w)
    xyz = torch.einsum("kc,bchw->bkhw", _RGB_TO_WHITE_XYZ.to(rgb.device), linear)
    x, y, z = _f(xyz).unbind(1)  # (B,h,w) each
    return (116 * y - 16)[:, None], torch.stack([500 * (x - y), 200 * (y - z)], 1)


def soft_encode(ab: Tensor, neighbours: int = 5, sigma: float = 5.0) -> tuple[Tensor, Tensor]:
    """Nearest bins of ab (...,2) and their weights: indices (...,k), weights (...,k) summing to 1.

    The neighbours are looked up at the nearest whole ab unit, the distances are exact: where two
    bins are almost equally far, the other one may be taken. Source: Zhang et al. 2016, section
    2.2; weights exp(-d^2 / 2 sigma^2), normalised.
    """
    reach = 128
    cell = (ab.round().long() + reach).clamp(0, 2 * reach)
    index = _neighbours(neighbours, reach).to(ab.device)[cell[..., 0], cell[..., 1]]  # (...,k)
    centres = torch.from_numpy(BINS.copy()).to(ab)[index]  # (...,k,2)
    square = (centres - ab[..., None, :]).square().sum(-1)
    return index, torch.softmax(-square / (2 * sigma**2), -1)


@cache
def _neighbours(k: int, reach: int) -> Tensor:
    """The k nearest bins of every whole (a, b): (n, n, k) with n = 2 reach + 1."""
    axis = torch.arange(-reach, reach + 1, dtype=torch.float32)
    grid = torch.cartesian_prod(axis, axis)
    near = torch.cdist(grid, torch.from_numpy(BINS.copy())).topk(k, largest=False).indices
    return near.reshape(len(axis), len(axis), k)


def annealed_mean(logits: Tensor, T: float) -> Tensor:
    """ab (B,2,h,w) of logits (B,Q,h,w): softmax(logits / T) times the bin centres."""
    bins = torch.from_numpy(BINS.copy()).to(logits)
    return torch.einsum("bqhw,qc->bchw", torch.softmax(logits / T, 1), bins)
