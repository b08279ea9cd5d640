"""Batches for the tests of losses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from kolorit.training.data import Batch


def make(ab: Tensor, L: Tensor | None = None, reach: float = 110.0) -> Batch:
    B, _, h, w = ab.shape
    if L is None:
        L = torch.full((B, 1, h, w), 50.0, dtype=ab.dtype)
    return Batch(L, torch.zeros(B, 3, h, w, dtype=ab.dtype), ab, reach)


@pytest.fixture
def batch_of() -> Callable[..., Batch]:
    """batch_of(ab, L = 50, reach = 110): a batch without hints."""
    return make


@pytest.fixture
def colours() -> Callable[..., Batch]:
    """colours(B, side): a batch of random sRGB colours in float64, so that all of them exist."""
    from kolorit.training.colour import rgb_to_lab

    def of(B: int = 2, side: int = 12, dtype: torch.dtype = torch.float64) -> Batch:
        torch.manual_seed(0)
        L, ab = rgb_to_lab(torch.rand(B, 3, side, side, dtype=dtype))
        return make(ab, L)

    return of
