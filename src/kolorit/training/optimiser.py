"""The optimiser of a recipe: any of torch's by name, the encoder at a rate of its own."""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from torch import nn

from kolorit.errors import ConfigInvalid
from kolorit.training.recipe import Recipe

_BASE = torch.optim.Optimizer
_UNFIT = ("lbfgs", "sparseadam")  # want a loop, or gradients, of another kind
OPTIMISERS = {
    name.lower(): kind
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, _BASE) and kind is not _BASE
}
_DEFAULTS: dict[str, dict[str, Any]] = {"sgd": {"momentum": 0.9, "nesterov": True}}
_OURS = {  # not options: a recipe has keys for the first two; the others serve other loops
    *("lr", "weight_decay", "params", "capturable", "differentiable")
}


def make_optimiser(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Groups with "full_lr", the rate before the schedule; norms and biases are not decayed.

    The order of the parameters does not depend on the rates, so that a run may go on with others:
    the encoder comes first, and within it and the rest what is not decayed. Raises ConfigInvalid
    for a name or an option that torch does not have, one that does not fit this network, and a
    network of which nothing is trained.
    """
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((not name.startswith("encoder."), decay), []).append(parameter)
    if not groups:
        raise ConfigInvalid("nothing of this network is trained", remedy="Leave some of it free.")
    kind = OPTIMISERS.get(recipe.optimiser)
    if kind is None or recipe.optimiser in _UNFIT:
        remedy = f"Use one of: {', '.join(sorted(set(OPTIMISERS) - set(_UNFIT)))}."
        raise ConfigInvalid(f"optimiser = '{recipe.optimiser}'", remedy=remedy)
    known = set(signature(kind).parameters) - _OURS
    if unknown := sorted(set(recipe.optimiser_options) - known):
        cause = f"the optimiser '{recipe.optimiser}' has no option '{unknown[0]}'"
        remedy = f"It has: {', '.join(sorted(known))}; lr and weight_decay are keys of the recipe."
        raise ConfigInvalid(cause, remedy=remedy)
    options = {**_DEFAULTS.get(recipe.optimiser, {}), **recipe.optimiser_options}
    parts = [
        {"params": group, "lr": lr, "full_lr": lr, "weight_decay": decay}
        for (rest, decay), group in sorted(groups.items(), key=lambda item: item[0])
        for lr in [recipe.lr if rest else recipe.encoder_lr]
    ]
    try:
        return kind(parts, **options)
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        cause = f"optimiser = '{recipe.optimiser}' with {options}: {error}"
        raise ConfigInvalid(
            cause, remedy="Use other optimiser_options, or another optimiser."
        ) from error


def set_rates(optimiser: torch.optim.Optimizer, share: float) -> None:
    """Every group at its share of the full rate."""
    for group in optimiser.param_groups:
        group["lr"] = group["full_lr"] * share
