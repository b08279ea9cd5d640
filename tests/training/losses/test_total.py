"""losses/total.py: a weighted sum, raw parts, and nothing of a loss whose weight is 0."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses import LOSSES, weigh

BatchOf = Callable[..., Batch]


@pytest.fixture
def case(batch_of: BatchOf) -> tuple[dict[str, Tensor], Batch]:
    torch.manual_seed(0)
    truth = 20 * torch.randn(2, 2, 4, 4, dtype=torch.float64)
    out = {
        "ab": (truth + torch.randn_like(truth)).requires_grad_(),
        "logits": torch.randn(2, 313, 2, 2, dtype=torch.float64, requires_grad=True),
    }
    return out, batch_of(truth)


def test_total_is_the_weighted_sum_and_parts_are_raw(
    case: tuple[dict[str, Tensor], Batch],
) -> None:
    out, batch = case
    losses = {"l1": LOSSES["l1"], "l2": partial(LOSSES["l2"], scale=10.0)}
    total, parts = weigh(losses, {"l1": 0.5, "l2": 3.0}, out, batch)
    error = out["ab"].detach() - batch.ab
    torch.testing.assert_close(parts["l1"], error.abs().mean())
    torch.testing.assert_close(parts["l2"], error.square().mean() / 100)
    torch.testing.assert_close(total, 0.5 * parts["l1"] + 3 * parts["l2"])
    assert total.requires_grad and not any(part.requires_grad for part in parts.values())


def test_a_weight_of_0_skips_the_loss_and_its_gradient(
    case: tuple[dict[str, Tensor], Batch],
) -> None:
    out, batch = case

    def trap(out: dict[str, Tensor], batch: Batch) -> Tensor:
        raise AssertionError("this loss has no weight")

    losses = {"l1": LOSSES["l1"], "classification": trap}
    total, parts = weigh(losses, {"l1": 1.0, "classification": 0.0}, out, batch)
    total.backward()
    assert list(parts) == ["l1"]
    assert out["logits"].grad is None and out["ab"].grad is not None
    weigh({**losses, "classification": LOSSES["classification"]}, {"classification": 1.0}, *case)[
        0
    ].backward()
    assert out["logits"].grad is not None  # with a weight it has one


def test_no_losses_make_0(case: tuple[dict[str, Tensor], Batch]) -> None:
    total, parts = weigh({}, {}, *case)
    assert total.item() == 0 and parts == {}


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_impossible_weights_are_refused(
    weight: float, case: tuple[dict[str, Tensor], Batch]
) -> None:
    with pytest.raises(ConfigInvalid, match="weight"):
        weigh({"l1": LOSSES["l1"]}, {"l1": weight}, *case)


def test_a_weight_without_a_loss_is_refused(case: tuple[dict[str, Tensor], Batch]) -> None:
    with pytest.raises(ConfigInvalid, match="no loss 'l7'"):
        weigh({"l1": LOSSES["l1"]}, {"l7": 1.0}, *case)
