"""Structural similarity of the coloured picture to the true one, in RGB."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.spaces import read_rgb

_SIDE, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2  # of pictures that run from 0 to 1
_BELL = [math.exp(-((k - _SIDE // 2) ** 2) / (2 * _SIGMA**2)) for k in range(_SIDE)]
_WINDOW = [value / sum(_BELL) for value in _BELL]


def ssim_loss(out: dict[str, Tensor], batch: Batch) -> Tensor:
    """1 - SSIM of the predicted and the true picture, both with the batch's L; 0 for equal ones.

    out["ab"] and batch.ab (B,2,h,w) in ab units, batch.L (B,1,h,w) 0..100, h and w at least 11.
    The pictures are unclipped, so that colours out of gamut keep their gradient. Raises
    ConfigInvalid as `spaces.read_rgb`, and for smaller pictures.
    """
    return 1 - ssim(*read_rgb(out, batch))


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """Mean SSIM of pictures x and y (B,C,h,w), about 0 to 1, over pixels, channels and pictures.

    1 for equal ones, negative for opposite textures, symmetric. Windows of 11 x 11, Gaussian with
    sigma 1.5, that lie wholly inside; population variances. Raises ConfigInvalid for pictures
    smaller than that or of different shapes. Source: Wang et al. 2004, eq. 13.
    """
    if x.shape != y.shape or x.ndim != 4 or min(x.shape[2:]) < _SIDE:
        raise ConfigInvalid(
            f"SSIM of {tuple(x.shape)} and {tuple(y.shape)}",
            remedy=f"Give two batches of one shape (B,C,h,w), at least {_SIDE} pixels each way.",
        )
    # One blur for all five means: (B,5C,h-10,w-10).
    mean_x, mean_y, xx, yy, xy = _blur(torch.cat([x, y, x * x, y * y, x * y], 1)).chunk(5, 1)
    variances = (xx - mean_x * mean_x) + (yy - mean_y * mean_y)
    covariance = xy - mean_x * mean_y
    of_means = (2 * mean_x * mean_y + _C1) / (mean_x * mean_x + mean_y * mean_y + _C1)
    return (of_means * (2 * covariance + _C2) / (variances + _C2)).mean()


def _blur(x: Tensor) -> Tensor:
    """Gaussian mean of each window: (B,C,h,w) -> (B,C,h-10,w-10).

    Shifted sums and no convolution, which may run in TF32: the variances are small differences.
    On a CPU this is also ten times as fast.
    """
    for axis in (2, 3):
        size = x.shape[axis] - _SIDE + 1
        total = _WINDOW[0] * x.narrow(axis, 0, size)
        for k in range(1, _SIDE):
            total = torch.add(total, x.narrow(axis, k, size), alpha=_WINDOW[k])
        x = total
    return x
