"""Learning rate as a share of the full one: a function of the step and of the validations so far.

Nothing is kept between steps, so a run that resumes needs no state of a scheduler.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kolorit.training.recipe import Recipe


def share_at(recipe: Recipe, step: int, values: Sequence[float] = ()) -> float:
    """Share of the full rate at ``step``; ``values``: what was validated before, least is best."""
    if recipe.schedule == "one-cycle":
        return one_cycle(step, recipe.steps)
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    since = step - recipe.warmup
    if recipe.schedule == "cosine":
        return cosine(since, recipe.steps - recipe.warmup, recipe.lr_floor)
    if recipe.schedule == "step":
        return float(recipe.factor ** (since // recipe.drop_every))
    if recipe.schedule == "plateau":
        return plateau(values, recipe.lr, recipe.factor, recipe.patience) / recipe.lr
    return 1.0


def cosine(step: int, steps: int, floor: float) -> float:
    """Half a cosine from 1 down to ``floor``. Source: Loshchilov and Hutter 2017, eq. 5."""
    along = min(1.0, step / max(1, steps))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * along))


def one_cycle(step: int, steps: int, rise: float = 0.3) -> float:
    """From 1/25 up to 1 in the first ``rise`` of the run, then down to 1/250,000, both by cosine.

    The momentum is not cycled. Source: Smith and Topin 2019, with torch's defaults.
    """
    top = rise * steps - 1
    first, last = 1 / 25, 1 / 25e4
    if step <= top:
        return first + (1 - first) * 0.5 * (1 - math.cos(math.pi * step / max(top, 1e-9)))
    along = (step - top) / max(steps - 1 - top, 1e-9)
    return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))


def plateau(
    values: Sequence[float],
    lr: float,
    factor: float = 0.1,
    patience: int = 3,
    threshold: float = 1e-4,
    least: float = 1e-8,
) -> float:
    """The rate after these validations: times ``factor`` whenever more than ``patience`` of them
    in a row were not better than the best by the relative ``threshold``.

    A drop of less than ``least`` is left out. The rule of torch's ReduceLROnPlateau, as a function.
    """
    best, bad = math.inf, 0
    for value in values:
        if value < best * (1 - threshold):
            best, bad = value, 0
        else:
            bad += 1
        if bad > patience:
            bad = 0
            if lr - lr * factor > least:
                lr *= factor
    return lr
