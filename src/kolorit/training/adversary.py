"""The critic of a run: it learns to tell coloured photographs from true ones, and is asked."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses import ADVERSARIAL, gradient_penalty
from kolorit.training.nets import CRITICS
from kolorit.training.recipe import Adversary

Phase = Literal["generator", "critic", "both"]


def phase_at(adversary: Adversary | None, step: int) -> Phase:
    """Who learns at a step: first the generator alone, then rounds of the critic alone and both."""
    if adversary is None or step < adversary.begin:
        return "generator"
    place = (step - adversary.begin) % (adversary.alone + adversary.joint)
    return "critic" if place < adversary.alone else "both"


def build_critic(adversary: Adversary, px: int = 64) -> nn.Module:
    """A new critic. Its first lesson is tried on a copy, so that what would fail there fails here.

    px: side of the smallest pictures that it will see. Raises ConfigInvalid for a critic, a loss or
    an option that there is not, and for a combination that cannot learn.
    """
    if adversary.critic not in CRITICS:
        remedy = f"Use one of: {', '.join(CRITICS)}."
        raise ConfigInvalid(f"no critic '{adversary.critic}'", remedy=remedy)
    if adversary.loss not in ADVERSARIAL:
        remedy = f"Use one of: {', '.join(ADVERSARIAL)}."
        raise ConfigInvalid(f"no adversarial loss '{adversary.loss}'", remedy=remedy)
    zeros = torch.zeros(2, 3, px, px)
    batch = Batch(zeros[:, :1], zeros, zeros[:, 1:])
    try:
        critic = CRITICS[adversary.critic](None, **adversary.critic_config)
        with torch.random.fork_rng(devices=[]):  # the run's random numbers stay as they are
            lesson(copy.deepcopy(critic), adversary, batch, batch.ab)
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        cause = f"the critic cannot learn with critic_config = {adversary.critic_config}: {error}"
        raise ConfigInvalid(cause) from error
    return critic


def critic_optimiser(critic: nn.Module, adversary: Adversary) -> torch.optim.Optimizer:
    """Adam as in Radford et al. 2016: beta1 = 0.5."""
    group = {"params": list(critic.parameters()), "lr": adversary.lr, "full_lr": adversary.lr}
    return torch.optim.Adam([group], betas=(0.5, 0.999))


def opinion(critic: nn.Module, adversary: Adversary, batch: Batch, ab: Tensor) -> Tensor:
    """What the generator minimises of the critic's answers to its colours ab (B,2,h,w)."""
    return ADVERSARIAL[adversary.loss][1](critic(batch.L, ab))


def lesson(
    critic: nn.Module,
    adversary: Adversary,
    batch: Batch,
    ab: Tensor,
    bare: nn.Module | None = None,
) -> Tensor:
    """What the critic minimises on true pictures and on the generator's colours ab (B,2,h,w).

    Both go through it at once: several processes can then share the work, and norms over the batch
    see both. bare: the critic without what Fabric put around it, which forbids the gradient inside
    the penalty.
    """
    ab = ab.detach()
    answers = critic(torch.cat([batch.L, batch.L]), torch.cat([batch.ab, ab]))  # (2B,1,h',w')
    loss: Callable[[Tensor, Tensor], Tensor] = ADVERSARIAL[adversary.loss][0]
    total = loss(*answers.chunk(2))
    if adversary.gradient_penalty:
        penalty = gradient_penalty(bare or critic, (batch.L, batch.ab), (batch.L, ab))
        total = total + adversary.gradient_penalty * penalty
    return total
