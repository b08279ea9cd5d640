"""losses/l2.py against values worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.l1 import l1
from kolorit.training.losses.l2 import l2

BatchOf = Callable[..., Batch]


def test_a_constant_error_of_3_and_minus_4_costs_12_5(batch_of: BatchOf) -> None:
    error = torch.tensor([3.0, -4.0], dtype=torch.float64)[None, :, None, None]
    truth = torch.randn(2, 2, 4, 5, dtype=torch.float64) * 20
    assert l2({"ab": truth + error}, batch_of(truth)).item() == pytest.approx(12.5, abs=1e-12)
    assert l2({"ab": truth}, batch_of(truth)).item() == 0


def test_a_scale_of_128_is_the_squared_error_of_ab_over_128(batch_of: BatchOf) -> None:
    truth = torch.randn(2, 2, 4, 5, dtype=torch.float64) * 20
    shown = truth + 10 * torch.randn_like(truth)
    expected = (shown / 128 - truth / 128).square().mean().item()
    assert l2({"ab": shown}, batch_of(truth), scale=128.0).item() == pytest.approx(expected)


@pytest.mark.parametrize(("loss", "best"), [(l2, 30), (l1, 0)])
def test_the_best_constant(loss: Callable[..., torch.Tensor], best: int, batch_of: BatchOf) -> None:
    """Of 0, 0 and 90: the mean under L2, the median under L1."""
    truth = torch.tensor([0.0, 0.0, 90.0], dtype=torch.float64).expand(1, 2, 1, 3)
    batch = batch_of(truth)
    found = min(
        range(-10, 100), key=lambda c: loss({"ab": torch.full_like(truth, c)}, batch).item()
    )
    assert found == best


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_other_scales_are_refused(scale: float, batch_of: BatchOf) -> None:
    ab = torch.zeros(1, 2, 2, 2)
    with pytest.raises(ConfigInvalid, match="scale"):
        l2({"ab": ab}, batch_of(ab), scale=scale)
