"""Penalties on what a network makes of a batch: the second reading of its regularisation.

`training/losses` has the first, on its weights. F (B,D) holds B pictures' features; each penalty is
one number that hardly depends on the size of the batch.

nuclear_norm   sum of the singular values of F over B: features that lie in few directions
l2             mean over pictures of their features' squares
decorrelation  ||C - I||_F^2 / D of the features' correlations C: what orthogonality is to kernels
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from kolorit.training.losses.kernels import departure
from kolorit.training.losses.nuclear_norm import nuclear_norm
from kolorit.training.representation.encoder_decoder import Encoder

_LEAST = 1e-4  # of a feature's deviation, so that one that never changes is no infinity


def _nuclear_norm(F: Tensor) -> Tensor:
    return nuclear_norm(F) / len(F)


def _l2(F: Tensor) -> Tensor:
    return F.square().sum(1).mean()


def _decorrelation(F: Tensor) -> Tensor:
    centred = F - F.mean(0)
    deviation = centred.square().mean(0).add(_LEAST**2).sqrt()
    Z = centred / deviation / len(F) ** 0.5  # (B,D): Z^T Z are the correlations
    return departure(Z.T) / F.shape[1]


FEATURE_PENALTIES: dict[str, Callable[[Tensor], Tensor]] = {
    "nuclear_norm": _nuclear_norm,
    "l2": _l2,
    "decorrelation": _decorrelation,
}


def weigh_features(penalties: dict[str, float], heard: Iterable[Tensor]) -> Tensor:
    """The weighted sum over all features that were heard, (B,D) or (B,D,h,w) each; one at least."""
    flat = [features.float().flatten(1) for features in heard]
    parts = [
        weight * FEATURE_PENALTIES[name](F) for name, weight in penalties.items() for F in flat
    ]
    return torch.stack(parts).sum()


@contextmanager
def listening(modules: Iterable[nn.Module], *, inputs: bool = False) -> Iterator[list[Tensor]]:
    """What modules give, or are given, in every forward pass while it lasts, in a list.

    Whoever reads the list clears it.
    """
    heard: list[Tensor] = []

    def hear(_: nn.Module, given: tuple[Any, ...], made: Any) -> None:
        heard.append(given[0] if inputs else made)

    with ExitStack() as stack:
        for module in modules:
            stack.callback(module.register_forward_hook(hear).remove)
        yield heard


def latents_of(net: nn.Module) -> list[nn.Module]:
    """The modules of a pretext's network that give its latents; two of a pair."""
    return [module.quant for module in net.modules() if isinstance(module, Encoder)]


def last_linear(net: nn.Module) -> nn.Module:
    """The layer of a classifier that is given its features and gives the scores."""
    return [module for module in net.modules() if isinstance(module, nn.Linear)][-1]
