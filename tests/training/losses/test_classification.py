"""losses/classification.py against a slow, written-out version."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from kolorit.colour.bins import soft_encode
from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.classification import classification

BatchOf = Callable[..., Batch]


def slow(logits: np.ndarray, ab: np.ndarray) -> float:
    """One cell after the other: mean of -sum z log p."""
    B, _, h, w = logits.shape
    s = ab.shape[-1] // w
    total = 0.0
    for b in range(B):
        for y in range(h):
            for x in range(w):
                cell = ab[b, :, y * s : (y + 1) * s, x * s : (x + 1) * s].mean((1, 2))
                index, weight = soft_encode(cell)
                scores = logits[b, :, y, x]
                log_p = scores - scores.max() - np.log(np.exp(scores - scores.max()).sum())
                total -= float((weight * log_p[index]).sum())
    return total / (B * h * w)


def test_equals_the_slow_version(batch_of: BatchOf) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (2, 313, 2, 3))
    # Two units beside a bin: no two candidates for the fifth neighbour are equally far.
    places = 10.0 * rng.integers(-4, 5, (2, 2, 2, 3)) + np.array([2.0, 0.0])[None, :, None, None]
    ab = np.repeat(np.repeat(places, 4, 2), 4, 3)
    loss = classification({"logits": torch.from_numpy(logits)}, batch_of(torch.from_numpy(ab)))
    assert loss.item() == pytest.approx(slow(logits, ab), rel=1e-4)


def test_no_knowledge_costs_ln_313(batch_of: BatchOf) -> None:
    loss = classification({"logits": torch.zeros(1, 313, 2, 2)}, batch_of(torch.zeros(1, 2, 8, 8)))
    assert loss.item() == pytest.approx(math.log(313), abs=1e-5)
    assert loss.item() == pytest.approx(5.7462, abs=1e-4)


def test_gradient_is_softmax_minus_target(batch_of: BatchOf) -> None:
    logits = torch.randn(1, 313, 1, 1, dtype=torch.float64, requires_grad=True)
    batch = batch_of(torch.zeros(1, 2, 4, 4, dtype=torch.float64))
    classification({"logits": logits}, batch).backward()
    index, weight = soft_encode(np.zeros(2))
    target = torch.zeros(313, dtype=torch.float64)
    target[torch.from_numpy(index)] = torch.from_numpy(weight)
    assert logits.grad is not None
    expected = torch.softmax(logits.detach()[0, :, 0, 0], 0) - target
    torch.testing.assert_close(logits.grad[0, :, 0, 0], expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "shape", [(1, 313, 3, 2), (1, 312, 2, 2), (2, 313, 2, 2), (1, 313, 16, 16), (313, 2, 2)]
)
def test_sizes_that_do_not_tile_are_refused(shape: tuple[int, ...], batch_of: BatchOf) -> None:
    with pytest.raises(ConfigInvalid, match="tile"):
        classification({"logits": torch.zeros(shape)}, batch_of(torch.zeros(1, 2, 8, 8)))
