"""The sum of several losses, each with its weight."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch


def weigh(
    losses: dict[str, Callable[[dict[str, Tensor], Batch], Tensor]],
    weights: dict[str, float],
    out: dict[str, Tensor],
    batch: Batch,
) -> tuple[Tensor, dict[str, Tensor]]:
    """sum_k weight_k loss_k, and each loss as it is, without its weight and without gradient.

    losses: by name, their options bound. A loss of weight 0, or without a weight, is not computed:
    it costs nothing, leaves no gradient and is no part. Raises ConfigInvalid for a weight without
    a loss, below 0 or not finite.
    """
    total, parts = batch.ab.new_zeros(()), {}
    for name, weight in weights.items():
        if name not in losses:
            raise ConfigInvalid(
                f"no loss '{name}'", remedy=f"Use some of: {', '.join(losses) or 'none'}."
            )
        if not (math.isfinite(weight) and weight >= 0):
            raise ConfigInvalid(f"the loss '{name}' has the weight {weight}", remedy="Use 0 or up.")
        if weight == 0:
            continue
        value = losses[name](out, batch)
        total = total + weight * value
        parts[name] = value.detach()
    return total, parts
