"""What a critic and the generator that it judges minimise, as functions of the critic's answers.

A critic's side takes its answers to real and to fake pictures, the generator's side those to fake
ones: tensors of any shape, any real (no sigmoid before), averaged over all of it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from kolorit.errors import ConfigInvalid


def vanilla_critic(real: Tensor, fake: Tensor) -> Tensor:
    """-log s(real) - log(1 - s(fake)), s the sigmoid. Source: Goodfellow et al. 2014, eq. 1."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def vanilla_generator(fake: Tensor) -> Tensor:
    """-log s(fake), the form that does not saturate. Source: the same, section 3."""
    return F.softplus(-fake).mean()


def least_squares_critic(real: Tensor, fake: Tensor) -> Tensor:
    """(real - 1)^2 / 2 + fake^2 / 2. Source: Mao et al. 2017, eq. 9."""
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def least_squares_generator(fake: Tensor) -> Tensor:
    """(fake - 1)^2 / 2. Source: the same."""
    return (fake - 1).square().mean() / 2


def hinge_critic(real: Tensor, fake: Tensor) -> Tensor:
    """max(0, 1 - real) + max(0, 1 + fake). Source: Lim and Ye 2017."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_generator(fake: Tensor) -> Tensor:
    """-fake, without a hinge. Source: the same."""
    return -fake.mean()


def wgan_critic(real: Tensor, fake: Tensor) -> Tensor:
    """fake - real; wants `gradient_penalty` beside it. Source: Arjovsky et al. 2017, eq. 2."""
    return fake.mean() - real.mean()


def wgan_generator(fake: Tensor) -> Tensor:
    """-fake. Source: the same."""
    return -fake.mean()


ADVERSARIAL: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "vanilla": (vanilla_critic, vanilla_generator),
    "least_squares": (least_squares_critic, least_squares_generator),
    "hinge": (hinge_critic, hinge_generator),
    "wgan": (wgan_critic, wgan_generator),
}


def gradient_penalty(
    critic: Callable[..., Tensor],
    real: tuple[Tensor, ...],
    fake: tuple[Tensor, ...],
    generator: torch.Generator | None = None,
) -> Tensor:
    """Mean over samples of (||gradient of the critic|| - 1)^2, between real and fake; times 10 as a
    rule.

    real, fake: what the critic takes, as (L, ab), each (B,...) and of one shape in both. A sample
    has one random place on the way from real to fake for all its tensors, and one norm over all of
    them. A critic that answers with a map counts as its mean. Gradients reach the critic only.
    Raises ConfigInvalid for shapes that differ, and for a critic with BatchNorm, which ties
    samples together. Source: Gulrajani et al. 2017, eq. 3.
    """
    if isinstance(critic, nn.Module):
        if any(isinstance(m, _BatchNorm) and m.training for m in critic.modules()):
            raise ConfigInvalid(
                "a gradient penalty for a critic with BatchNorm",
                remedy="Give the critic another norm or none, or use another adversarial loss.",
            )
    if [x.shape for x in real] != [x.shape for x in fake]:
        raise ConfigInvalid(
            f"real is {[tuple(x.shape) for x in real]}, fake {[tuple(x.shape) for x in fake]}",
            remedy="Give as many fake samples as real ones.",
        )
    first, count = real[0], len(real[0])
    device = first.device if generator is None else generator.device
    place = torch.rand(count, generator=generator, device=device).to(first)
    between = []
    for x, y in zip(real, fake, strict=True):
        along = place.to(x).reshape(count, *[1] * (x.ndim - 1))
        between.append((x + along * (y - x)).detach().requires_grad_())
    answers = critic(*between).reshape(count, -1).mean(1).sum()
    slopes = torch.autograd.grad(answers, between, create_graph=True, materialize_grads=True)
    flat = torch.cat([slope.flatten(1) for slope in slopes], 1)
    norms: Tensor = torch.linalg.vector_norm(flat, dim=1)
    return (norms - 1).square().mean()
