"""losses/l1.py against values worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from kolorit.training.data import Batch
from kolorit.training.losses.l1 import l1

BatchOf = Callable[..., Batch]


def test_a_constant_error_of_3_and_minus_4_costs_3_5(batch_of: BatchOf) -> None:
    error = torch.tensor([3.0, -4.0], dtype=torch.float64)[None, :, None, None]
    truth = torch.randn(2, 2, 4, 5, dtype=torch.float64) * 20
    assert l1({"ab": truth + error}, batch_of(truth)).item() == pytest.approx(3.5, abs=1e-12)
    assert l1({"ab": truth}, batch_of(truth)).item() == 0


def test_the_unit_is_ab_and_not_a_110th_of_it(batch_of: BatchOf) -> None:
    error = torch.tensor([3.0, -4.0], dtype=torch.float64)[None, :, None, None]
    truth = torch.zeros(1, 2, 4, 5, dtype=torch.float64)
    scaled = l1({"ab": truth + error / 110}, batch_of(truth))
    assert scaled.item() * 110 == pytest.approx(3.5, abs=1e-12)


def test_the_best_constant_is_the_median_of_each_channel(batch_of: BatchOf) -> None:
    truth = torch.tensor([[0.0, 0.0, 90.0], [-50.0, 10.0, 20.0]], dtype=torch.float64)
    batch = batch_of(truth[None, :, None])
    losses = torch.stack(
        [
            l1({"ab": torch.full((1, 2, 1, 3), float(c), dtype=torch.float64)}, batch)
            for c in range(-60, 100)
        ]
    )
    alone = [
        min(range(-60, 100), key=lambda c, x=x: float((x - c).abs().sum()))  # type: ignore[misc]
        for x in truth
    ]
    assert alone == [0, 10]  # the mean would be 30 and -7
    at_medians = torch.tensor([0.0, 10.0], dtype=torch.float64)[None, :, None, None]
    best = l1({"ab": at_medians.expand(1, 2, 1, 3)}, batch)
    assert best < losses.min()
    for step in (-1.0, 1.0):
        for channel in (0, 1):
            moved = at_medians.clone()
            moved[:, channel] += step
            assert l1({"ab": moved.expand(1, 2, 1, 3)}, batch) > best
