"""losses/adversarial.py: values worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid
from kolorit.training.losses.adversarial import ADVERSARIAL, gradient_penalty

F64 = torch.float64


def answers(value: float) -> Tensor:
    return torch.full((3, 1, 2, 2), value, dtype=F64)


@pytest.mark.parametrize(
    ("name", "real", "fake", "critic", "generator"),
    [
        ("vanilla", 0.0, 0.0, 2 * math.log(2), math.log(2)),  # 1.3863
        ("vanilla", 2.0, -1.0, math.log1p(math.exp(-2)) + math.log1p(math.exp(-1)), 1.313262),
        ("least_squares", 0.5, 0.5, 0.25, 0.125),
        ("least_squares", 1.0, 0.0, 0.0, 0.5),
        ("hinge", 2.0, -2.0, 0.0, 2.0),
        ("hinge", 0.0, 0.0, 2.0, 0.0),
        ("hinge", -3.0, 3.0, 8.0, -3.0),  # the generator has no hinge
        ("wgan", 2.0, 5.0, 3.0, -5.0),
    ],
)
def test_goldens(name: str, real: float, fake: float, critic: float, generator: float) -> None:
    of_critic, of_generator = ADVERSARIAL[name]
    assert of_critic(answers(real), answers(fake)).item() == pytest.approx(critic, abs=1e-6)
    assert of_generator(answers(fake)).item() == pytest.approx(generator, abs=1e-6)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_each_side_pulls_its_own_way(name: str) -> None:
    real, fake = (answers(0.1).requires_grad_() for _ in range(2))
    of_critic, of_generator = ADVERSARIAL[name]
    of_real, of_fake = torch.autograd.grad(of_critic(real, fake), (real, fake))
    assert (of_real < 0).all() and (of_fake > 0).all()
    (slope,) = torch.autograd.grad(of_generator(fake), fake)
    assert (slope < 0).all()


def test_the_generator_does_not_saturate() -> None:
    """Where the critic is sure, log(1 - s) has no gradient left; -log s has."""
    fake = answers(-30.0).requires_grad_()
    (slope,) = torch.autograd.grad(ADVERSARIAL["vanilla"][1](fake), fake)
    assert slope.sum().item() == pytest.approx(-1, abs=1e-9)


class Linear(nn.Module):
    """3 times L plus 4 times b: a gradient of length 5 wherever it is taken."""

    def __init__(self, weights: tuple[float, float] = (3.0, 4.0)) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weights, dtype=F64))

    def forward(self, L: Tensor, ab: Tensor) -> Tensor:
        return self.weight[0] * L.sum((1, 2, 3)) + self.weight[1] * ab[:, 1].sum((1, 2))


def pair(B: int = 4, side: int = 1) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    torch.manual_seed(0)
    L = torch.randn(B, 1, side, side, dtype=F64)
    real, fake = (torch.randn(B, 2, side, side, dtype=F64) for _ in range(2))
    return (L, real), (L, fake)


def test_a_slope_of_5_costs_16_and_one_of_1_nothing() -> None:
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        assert gradient_penalty(Linear(), *pair(), generator).item() == pytest.approx(16)
    assert gradient_penalty(Linear((0.6, 0.8)), *pair()).item() == pytest.approx(0, abs=1e-12)


def test_its_gradient_reaches_the_critic_alone() -> None:
    critic = Linear()
    real, fake = pair()
    gradient_penalty(critic, real, fake).backward()
    assert critic.weight.grad is not None
    expected = torch.tensor([2 * 4 * 0.6, 2 * 4 * 0.8], dtype=F64)  # 2 (|w| - 1) w / |w|
    torch.testing.assert_close(critic.weight.grad, expected)

    fake[1].requires_grad_()
    curved = gradient_penalty(lambda L, ab: critic(L, ab).square(), real, fake)
    curved.backward()
    assert fake[1].grad is None


def test_one_norm_a_sample_over_all_of_it() -> None:
    """Over 3 x 3 pixels the slope is 5 * 3; per pixel it would be 5, over the batch 30."""
    assert gradient_penalty(Linear(), *pair(side=3)).item() == pytest.approx(14.0**2)


def test_norms_are_taken_before_the_mean() -> None:
    def square(x: Tensor) -> Tensor:
        return (x.flatten(1).square() / 2).sum(1)  # its slope is x

    real = (torch.tensor([[3.0, 4.0], [0.0, 2.0]], dtype=F64),)
    penalty = gradient_penalty(square, real, real)  # between equal ones: themselves
    assert penalty.item() == pytest.approx(((5 - 1) ** 2 + (2 - 1) ** 2) / 2)


def test_a_map_of_answers_counts_as_its_mean() -> None:
    def patches(L: Tensor, ab: Tensor) -> Tensor:
        answer = 3 * L + 4 * ab[:, 1:]
        return answer.expand(-1, -1, 6, 6)

    assert gradient_penalty(patches, *pair()).item() == pytest.approx(16)


def test_places_between_are_random_by_generator_and_shared_by_the_tensors() -> None:
    seen: list[tuple[Tensor, Tensor]] = []

    def spy(x: Tensor, y: Tensor) -> Tensor:
        seen.append((x.detach(), y.detach()))
        return x.sum(1) + y.sum((1, 2))

    zeros = torch.zeros(5, 2, dtype=F64), torch.zeros(5, 3, 2, dtype=F64)
    ones = torch.ones(5, 2, dtype=F64), torch.ones(5, 3, 2, dtype=F64)
    for _ in range(2):
        gradient_penalty(spy, zeros, ones, torch.Generator().manual_seed(3))
    (x, y), again = seen
    torch.testing.assert_close(again, (x, y), rtol=0, atol=0)
    assert len(x[:, 0].unique()) == 5 and (0 < x).all() and (x < 1).all()
    assert (x == x[:, :1]).all() and (y == x[:, :1, None]).all()


def test_a_critic_without_slope_has_a_finite_gradient() -> None:
    critic = Linear((0.0, 0.0))
    penalty = gradient_penalty(critic, *pair())
    assert penalty.item() == pytest.approx(1)
    penalty.backward()
    assert critic.weight.grad is not None and critic.weight.grad.isfinite().all()


def test_a_critic_with_batch_norm_is_refused() -> None:
    critic = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3)).double()
    real, fake = ((x[1],) for x in pair(side=4))
    with pytest.raises(ConfigInvalid, match="BatchNorm"):
        gradient_penalty(critic, real, fake)
    assert gradient_penalty(critic.eval(), real, fake).isfinite()


def test_unequal_batches_are_refused() -> None:
    critic: Callable[..., Tensor] = Linear()
    real, fake = pair()
    with pytest.raises(ConfigInvalid, match="as many fake"):
        try:
            gradient_penalty(critic, real, (fake[0][:2], fake[1][:2]))
        except ConfigInvalid as error:
            raise ConfigInvalid(error.remedy) from error
