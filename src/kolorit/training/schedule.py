"""Learning rate as a function of the step."""

from __future__ import annotations

import math


def warm_cosine(step: int, steps: int, warmup: int, floor: float) -> float:
    """Share of the full rate: rises over ``warmup`` steps, then half a cosine down to ``floor``."""
    if step < warmup:
        return (step + 1) / warmup
    along = (step - warmup) / max(1, steps - warmup)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))
