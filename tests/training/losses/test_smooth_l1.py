"""losses/smooth_l1.py against its written-out formula."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.smooth_l1 import smooth_l1

BatchOf = Callable[..., Batch]


@pytest.mark.parametrize(
    ("beta", "expected"), [(1.0, (0.00125, 0.125, 1.5)), (0.1, (0.0125, 0.45, 1.95))]
)
def test_goldens(beta: float, expected: tuple[float, ...], batch_of: BatchOf) -> None:
    for error, value in zip((0.05, 0.5, 2.0), expected, strict=True):
        out = {"ab": torch.full((1, 2, 3, 3), error, dtype=torch.float64)}
        loss = smooth_l1(out, batch_of(torch.zeros(1, 2, 3, 3, dtype=torch.float64)), beta=beta)
        assert loss.item() == pytest.approx(value, abs=1e-12)


def test_zero_at_truth_slope_at_beta_and_refusal(batch_of: BatchOf) -> None:
    ab = torch.zeros(1, 2, 1, 1, dtype=torch.float64)
    batch = batch_of(ab)
    assert smooth_l1({"ab": ab}, batch).item() == 0
    for beta in (5.0, 1.0):  # the slope at the knee is 1, shared by two values
        shown = torch.full_like(ab, beta).requires_grad_()
        smooth_l1({"ab": shown}, batch, beta=beta).backward()
        assert shown.grad is not None
        torch.testing.assert_close(shown.grad, torch.full_like(ab, 0.5))
    with pytest.raises(ConfigInvalid, match="truth"):
        smooth_l1({"ab": torch.zeros(1, 2, 2, 2)}, batch)
    with pytest.raises(ConfigInvalid, match="beta"):
        smooth_l1({"ab": ab}, batch, beta=-1.0)


def test_it_tends_to_l1_and_is_huber_over_beta(batch_of: BatchOf) -> None:
    torch.manual_seed(0)
    truth = torch.randn(2, 2, 5, 4, dtype=torch.float64) * 30
    shown, batch = truth + 9 * torch.randn_like(truth), batch_of(truth)
    l1 = (shown - truth).abs().mean()
    for beta in (1e-3, 1e-6, 0.0):
        gap = (l1 - smooth_l1({"ab": shown}, batch, beta=beta)).item()
        assert 0 <= gap <= beta / 2 + 1e-12
    for beta in (0.5, 5.0, 12.0):
        huber = F.huber_loss(shown, truth, delta=beta) / beta
        torch.testing.assert_close(smooth_l1({"ab": shown}, batch, beta=beta), huber)
    default = smooth_l1({"ab": shown}, batch)
    torch.testing.assert_close(default, smooth_l1({"ab": shown}, batch, beta=5.0))
