"""The torch twin of ``kolorit.colour``: the same numbers on batches, tested against it."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from kolorit.colour.bins import BINS
from kolorit.colour.srgb import RGB_TO_XYZ, WHITE
from kolorit.errors import ConfigInvalid

_DELTA = 6 / 29
_KNEE = 0.04045  # of the sRGB curve, as in kolorit.colour.srgb
_TO_XYZ: list[list[float]] = (RGB_TO_XYZ / WHITE[:, None]).tolist()  # white becomes (1, 1, 1)
_FROM_XYZ: list[list[float]] = np.linalg.inv(RGB_TO_XYZ / WHITE[:, None]).tolist()


def _f(t: Tensor) -> Tensor:
    """CIE 1976 f(t); the clamp keeps the unused branch's gradient finite at 0."""
    root = t.clamp(min=_DELTA**3).pow(1 / 3)
    return torch.where(t > _DELTA**3, root, t / (3 * _DELTA**2) + 4 / 29)


def lightness(Y: Tensor) -> Tensor:
    """L* 0..100 of luminance Y in [0, 1], any shape."""
    return 116 * _f(Y) - 16


def rgb_to_lab(rgb: Tensor, *, check: bool = True) -> tuple[Tensor, Tensor]:
    """L (B,1,h,w) 0..100 and ab (B,2,h,w) of sRGB-encoded rgb (B,3,h,w) in [0, 1].

    float32 or float64, as it comes; differentiable, with a finite gradient at black too. Raises
    ConfigInvalid outside [0, 1], for bytes and for another shape: [-1, 1] would give a wrong Lab
    that looks right. ``check`` = False is for a network whose rgb lies there by its making: it can
    then be exported, and a NaN goes through. Source: as ``kolorit.colour.lab``.
    """
    if check:
        check_rgb(rgb)
    power = ((rgb + 0.055) / 1.055).pow(2.4)  # its base is above 0 at black too
    linear = torch.where(rgb > _KNEE, power, rgb / 12.92)
    f = _f(_mix(_TO_XYZ, linear))  # (B,3,h,w)
    x, y, z = f[:, :1], f[:, 1:2], f[:, 2:]
    return 116 * y - 16, torch.cat([500 * (x - y), 200 * (y - z)], 1)


def lab_to_rgb(L: Tensor, ab: Tensor) -> Tensor:
    """sRGB-encoded rgb (B,3,h,w) of L (B,1,h,w) 0..100 and ab (B,2,h,w): inverse of `rgb_to_lab`.

    Unclipped: outside [0, 1] where the colour does not exist in sRGB, and with a gradient there
    that a clamp would kill. Any finite ab; float32 or float64, as they come.
    """
    fy = (L + 16) / 116
    f = torch.cat([fy + ab[:, :1] / 500, fy, fy - ab[:, 1:] / 200], 1)  # (B,3,h,w)
    # The line goes on below 0, where common libraries clip z and lose strong yellows.
    xyz = torch.where(f > _DELTA, f**3, 3 * _DELTA**2 * (f - 4 / 29))
    linear = _mix(_FROM_XYZ, xyz)
    size = linear.abs().clamp(min=_KNEE / 12.92)
    power = linear.sign() * (1.055 * size.pow(1 / 2.4) - 0.055)  # odd about 0
    return torch.where(linear.abs() > _KNEE / 12.92, power, 12.92 * linear)


def check_rgb(rgb: Tensor) -> None:
    """Raises ConfigInvalid unless rgb is (B,3,h,w), of floats, and all of it in [0, 1]."""
    if rgb.ndim != 4 or rgb.shape[1] != 3 or not rgb.is_floating_point() or not rgb.numel():
        raise ConfigInvalid(
            f"rgb must be floats (B,3,h,w), not {rgb.dtype} {tuple(rgb.shape)}",
            remedy="Put the channels second, and divide bytes by 255.",
        )
    low, high = torch.stack(rgb.detach().aminmax()).tolist()
    if not (low >= 0 and high <= 1):  # also refuses NaN
        raise ConfigInvalid(
            f"rgb must lie in [0, 1]; it spans {low:g} to {high:g}",
            remedy="Divide bytes by 255; bring [-1, 1] back with (x + 1) / 2.",
        )


def _mix(matrix: list[list[float]], x: Tensor) -> Tensor:
    """matrix (3,3) times the channels of x (B,3,h,w), as sums.

    A matrix product may be run in TF32 or under autocast, and Lab then has errors of 0.1 and more.
    """
    u, v, w = x[:, :1], x[:, 1:2], x[:, 2:]
    return torch.cat([a * u + b * v + c * w for a, b, c in matrix], 1)


def soft_encode(ab: Tensor, neighbours: int = 5, sigma: float = 5.0) -> tuple[Tensor, Tensor]:
    """Nearest bins of ab (...,2) and their weights: indices (...,k), weights (...,k) summing to 1.

    The neighbours are looked up at the nearest whole ab unit, the distances are exact: where two
    bins are almost equally far, the other one may be taken. At equal distance the order is that
    of BINS. Source: Zhang et al. 2016, section 2.2; weights exp(-d^2 / 2 sigma^2), normalised.
    """
    reach = 128
    cell = (ab.round().long() + reach).clamp(0, 2 * reach)
    index = _neighbours(neighbours, reach, ab.device)[cell[..., 0], cell[..., 1]]  # (...,k)
    centres = torch.from_numpy(BINS.copy()).to(ab)[index]  # (...,k,2)
    square = (centres - ab[..., None, :]).square().sum(-1)
    return index, torch.softmax(-square / (2 * sigma**2), -1)


@cache
def _neighbours(k: int, reach: int, device: torch.device) -> Tensor:
    """The k nearest bins of every whole (a, b): (n, n, k) with n = 2 reach + 1, nearest first."""
    axis = torch.arange(-reach, reach + 1, dtype=torch.int32)
    bins = torch.from_numpy(BINS.astype(np.int32))
    a, b = ((axis[:, None] - of_bins).square() for of_bins in bins.T)  # (n,Q) each
    square = a[:, None] + b[None]  # (n,n,Q)
    unique = square * len(bins) + torch.arange(len(bins), dtype=torch.int32)  # ties: order of BINS
    near: Tensor = unique.topk(k, largest=False).indices
    return near.to(device)


def annealed_mean(logits: Tensor, T: float) -> Tensor:
    """ab (B,2,h,w) of logits (B,Q,h,w): softmax(logits / T) times the bin centres."""
    bins = torch.from_numpy(BINS.copy()).to(logits)
    return torch.einsum("bqhw,qc->bchw", torch.softmax(logits / T, 1), bins)
