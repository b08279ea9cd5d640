"""Hints as users give them, made from the truth."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def simulate_hints(ab: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Points and patches of true colour, as users give them: mostly none, often few, at times many.

    ab (B,2,h,w) in ab units. Each picture has hints with probability ``share``: their number is
    geometric, with mean 4 for seven in ten and 40 for the others; each is a square of 1 to 9 px
    with the mean colour under it. Returns (B,3,h,w). Source of the idea: Zhang et al. 2017, 3.2.
    """
    B, _, h, w = ab.shape
    hints = torch.zeros(B, 3, h, w)
    for k in range(B):
        if rng.random() >= share:
            continue
        mean = 4 if rng.random() < 0.7 else 40
        for _ in range(min(int(rng.geometric(1 / mean)), 400)):
            size = int(rng.integers(1, 10))
            y, x = int(rng.integers(0, h)), int(rng.integers(0, w))
            rows, cols = (
                slice(max(0, y - size // 2), y - size // 2 + size),
                slice(max(0, x - size // 2), x - size // 2 + size),
            )
            hints[k, :2, rows, cols] = ab[k, :, rows, cols].mean((1, 2), keepdim=True)
            hints[k, 2, rows, cols] = 1
    return hints
