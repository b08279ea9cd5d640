"""losses/smooth_l1.py against its written-out formula."""

from __future__ import annotations

import pytest
import torch

from kolorit.training.losses.smooth_l1 import smooth_l1


@pytest.mark.parametrize(
    ("beta", "expected"), [(1.0, (0.00125, 0.125, 1.5)), (0.1, (0.0125, 0.45, 1.95))]
)
def test_goldens(beta: float, expected: tuple[float, ...]) -> None:
    for error, value in zip((0.05, 0.5, 2.0), expected, strict=True):
        out = {"ab": torch.full((1, 2, 3, 3), error, dtype=torch.float64)}
        loss = smooth_l1(out, torch.zeros(1, 2, 3, 3, dtype=torch.float64), beta)
        assert loss.item() == pytest.approx(value, abs=1e-12)


def test_zero_at_truth_slope_at_beta_and_refusal() -> None:
    ab = torch.zeros(1, 2, 1, 1, dtype=torch.float64)
    assert smooth_l1({"ab": ab}, ab).item() == 0
    shown = torch.full_like(ab, 5.0).requires_grad_()
    smooth_l1({"ab": shown}, ab, beta=5.0).backward()
    assert shown.grad is not None
    torch.testing.assert_close(shown.grad, torch.full_like(ab, 0.5))  # sign / 2 values
    with pytest.raises(ValueError, match="truth"):
        smooth_l1({"ab": torch.zeros(1, 2, 2, 2)}, ab)
