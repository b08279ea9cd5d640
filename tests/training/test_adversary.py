"""training/adversary.py: who learns when, what each is told, and that a critic comes to see."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid
from kolorit.training.adversary import (
    build_critic,
    critic_optimiser,
    lesson,
    opinion,
    phase_at,
)
from kolorit.training.data import Batch
from kolorit.training.losses import ADVERSARIAL
from kolorit.training.nets import CRITICS
from kolorit.training.recipe import Adversary

SMALL = {"base": 8, "norm": "instance"}


def adversary(loss: str = "hinge", **changes: Any) -> Adversary:
    return Adversary(**{"loss": loss, "weight": 1.0, "critic_config": SMALL, **changes})


def batch_of(ab: Tensor) -> Batch:
    B, _, h, w = ab.shape
    return Batch(100 * torch.rand(B, 1, h, w), torch.zeros(B, 3, h, w), ab)


def colour(a: float, b: float, count: int = 4, px: int = 32) -> Tensor:
    return torch.tensor([float(a), float(b)])[:, None, None].expand(count, 2, px, px).clone()


class Constant(nn.Module):
    """A critic with one answer for true colours and one for others, by the sign of a."""

    def __init__(self, true: float, other: float) -> None:
        super().__init__()
        self.answers = nn.Parameter(torch.tensor([float(true), float(other)]))
        self.seen: list[torch.Size] = []

    def forward(self, L: Tensor, ab: Tensor) -> Tensor:
        self.seen.append(ab.shape)
        assert len(L) == len(ab)
        return torch.where(ab[:, :1, :2, :2] > 0, self.answers[0], self.answers[1])


# Phases


def test_first_the_generator_then_rounds_of_the_critic_and_both() -> None:
    one = adversary(begin=5, alone=2, joint=3)
    order = [(phase, len(list(run))) for phase, run in groupby(phase_at(one, s) for s in range(16))]
    want = [("generator", 5), ("critic", 2), ("both", 3), ("critic", 2), ("both", 3), ("critic", 1)]
    assert order == want


def test_no_adversary_and_no_time_alone() -> None:
    assert {phase_at(None, step) for step in range(9)} == {"generator"}
    assert {phase_at(adversary(alone=0, joint=1), step) for step in range(9)} == {"both"}
    assert phase_at(adversary(), 0) == "critic"  # a generator that comes trained waits for it


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 30), st.integers(0, 300))
def test_each_round_is_like_the_first(begin: int, alone: int, joint: int, step: int) -> None:
    one = adversary(begin=begin, alone=alone, joint=joint)
    if step >= begin:
        assert phase_at(one, step) == phase_at(one, step + alone + joint) != "generator"
    rounds = [phase_at(one, begin + k) for k in range(alone + joint)]
    assert rounds == ["critic"] * alone + ["both"] * joint


# What is made


def test_a_critic_by_name_with_its_options() -> None:
    critic = build_critic(adversary())
    assert critic(torch.zeros(2, 1, 64, 64), torch.zeros(2, 2, 64, 64)).shape == (2, 1, 6, 6)
    assert sum(p.numel() for p in critic.parameters()) < 100_000
    assert sum(p.numel() for p in build_critic(Adversary("hinge", 1.0)).parameters()) == 2_765_633


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.parametrize(
    ("changes", "words", "remedy"),
    [
        ({"critic": "pixelgan"}, "no critic 'pixelgan'", "patchgan"),
        ({"loss": "l2"}, "no adversarial loss 'l2'", "least_squares"),
        ({"critic_config": {"bases": 8}}, "bases", ""),
        ({"critic_config": {"base": "x"}}, "base", ""),
        ({"critic_config": {"base": -4}}, "base", ""),
        ({"critic_config": {"base": 0}}, "base", ""),
        ({"critic_config": {"norm": "layer"}}, "norm = 'layer'", "instance"),
        ({"critic_config": {"channels": 4}}, "channels = 4", "3"),
    ],
)
def test_wrong_names_and_options(changes: dict[str, Any], words: str, remedy: str) -> None:
    with pytest.raises(ConfigInvalid, match=words) as caught:
        build_critic(adversary(**changes))
    assert remedy in caught.value.remedy


def test_what_would_fail_at_the_first_lesson_fails_before() -> None:
    batch_norm = {"base": 8}
    with pytest.raises(ConfigInvalid, match="BatchNorm"):
        build_critic(adversary("wgan", gradient_penalty=10.0, critic_config=batch_norm))
    build_critic(adversary("wgan", critic_config=batch_norm))
    with pytest.raises(ConfigInvalid, match="critic cannot learn"):
        build_critic(adversary(), px=16)
    build_critic(adversary(), px=32)


@pytest.mark.parametrize(("norm", "penalty"), [("batch", 0.0), ("instance", 10.0)])
def test_trying_leaves_no_trace(norm: str, penalty: float) -> None:
    """Neither in the critic's statistics nor in the random numbers of the run."""
    config = {"base": 8, "norm": norm, "spectral": True}
    torch.manual_seed(3)
    critic = build_critic(adversary(critic_config=config, gradient_penalty=penalty))
    after = torch.rand(4)
    assert all(p.grad is None for p in critic.parameters())
    torch.manual_seed(3)
    untried = CRITICS["patchgan"](None, **config)
    assert torch.equal(torch.rand(4), after)
    own = untried.state_dict()
    assert all(torch.equal(v, own[k]) for k, v in critic.state_dict().items())


def test_the_critic_s_adam() -> None:
    critic = build_critic(adversary())
    optimiser = critic_optimiser(critic, adversary(lr=3e-4))
    (group,) = optimiser.param_groups
    assert type(optimiser) is torch.optim.Adam
    assert (group["lr"], group["full_lr"], group["betas"]) == (3e-4, 3e-4, (0.5, 0.999))
    assert len(group["params"]) == len(list(critic.parameters()))


# What each is told


@pytest.mark.parametrize(
    ("loss", "told_critic", "told_generator"),
    [
        ("vanilla", 2 * math.log(2), math.log(2)),
        ("least_squares", 0.5, 0.5),
        ("hinge", 2.0, 0.0),
        ("wgan", 0.0, 0.0),
    ],
)
def test_a_critic_that_knows_nothing(loss: str, told_critic: float, told_generator: float) -> None:
    """Known values for answers of 0 to all."""
    batch, one = batch_of(colour(30, 0)), adversary(loss)
    assert lesson(Constant(0, 0), one, batch, colour(-30, 0)).item() == pytest.approx(told_critic)
    assert opinion(Constant(0, 0), one, batch, batch.ab).item() == pytest.approx(told_generator)


def test_true_pictures_are_the_true_ones() -> None:
    """The critic's loss is least when it is high for the batch's own colours, in one pass."""
    batch, other, one = batch_of(colour(30, 0)), colour(-30, 0), adversary("hinge")
    right, wrong = Constant(1, -1), Constant(-1, 1)
    assert lesson(right, one, batch, other).item() == 0
    assert lesson(wrong, one, batch, other).item() == 4
    assert right.seen == [(8, 2, 32, 32)]
    assert opinion(right, one, batch, other).item() == 1  # it is not taken in
    assert opinion(wrong, one, batch, other).item() == -1


@pytest.mark.parametrize("loss", sorted(ADVERSARIAL))
@pytest.mark.parametrize("penalty", [0.0, 10.0])
def test_lessons_teach_the_critic_only_and_opinions_the_generator(
    loss: str, penalty: float
) -> None:
    torch.manual_seed(0)
    one = adversary(loss, gradient_penalty=penalty)
    critic, generator = build_critic(one), nn.Conv2d(1, 2, 3, padding=1)
    batch = batch_of(60 * torch.randn(4, 2, 32, 32))
    ab = 110 * torch.tanh(generator(batch.L / 100))
    lesson(critic, one, batch, ab).backward()
    assert all(p.grad is None for p in generator.parameters())
    assert all(p.grad is not None for p in critic.parameters())
    assert any(p.grad.abs().sum() > 0 for p in critic.parameters() if p.grad is not None)
    opinion(critic, one, batch, ab).backward()
    for p in generator.parameters():
        assert p.grad is not None
        assert p.grad.isfinite().all()
        assert p.grad.abs().sum() > 0


class Linear(nn.Module):
    """Answers slope * (mean of a): its gradient is known."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, L: Tensor, ab: Tensor) -> Tensor:
        return self.slope * ab[:, :1].mean((2, 3), keepdim=True)


def test_the_gradient_penalty_is_added_by_its_weight() -> None:
    """slope / 1024 at each of 32 x 32 places: the gradient has norm slope / 32, and (n - 1)^2."""
    batch, other = batch_of(colour(3, 0)), colour(1, 0)
    for slope, weight in ((32.0, 10.0), (96.0, 10.0), (96.0, 0.5)):
        plain = lesson(Linear(slope), adversary("wgan"), batch, other).item()
        assert plain == pytest.approx(-2 * slope)
        one = adversary("wgan", gradient_penalty=weight)
        more = lesson(Linear(slope), one, batch, other).item() - plain
        assert more == pytest.approx(weight * (slope / 32 - 1) ** 2, abs=1e-3)


def test_the_penalty_asks_the_bare_critic() -> None:
    """The answers come from what is around it, where several processes share the work."""
    batch, other = batch_of(colour(3, 0)), colour(1, 0)
    one = adversary("wgan", gradient_penalty=10.0)
    told = lesson(Linear(32.0), one, batch, other, bare=Linear(96.0)).item()
    assert told == pytest.approx(-2 * 32 + 10 * (96 / 32 - 1) ** 2, abs=1e-3)


@pytest.mark.parametrize(("loss", "penalty"), [("hinge", 0.0), ("wgan", 10.0)])
def test_a_critic_learns_to_tell_two_colours_apart(loss: str, penalty: float) -> None:
    torch.manual_seed(0)
    config = {"base": 8, "norm": "none"}
    one = adversary(loss, gradient_penalty=penalty, critic_config=config, lr=2e-3)
    critic = build_critic(one)
    optimiser = critic_optimiser(critic, one)
    true, other = colour(20, -10), colour(-10, 20)
    for _ in range(40):
        optimiser.zero_grad()
        lesson(critic, one, batch_of(true), other).backward()
        optimiser.step()
    L = 100 * torch.rand(4, 1, 32, 32)
    with torch.no_grad():
        answers = critic(L, true), critic(L, other)
    assert answers[0].min() > answers[1].max() + 0.5
    batch = batch_of(true)
    assert opinion(critic, one, batch, true) < opinion(critic, one, batch, other)
