"""How sure a mean over a set is: bootstrap over its pictures."""

from __future__ import annotations

import numpy as np


def interval(
    values: np.ndarray, weights: np.ndarray | None = None, *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """(mean, low, high): mean over pictures and its percentile bootstrap 95 % interval.

    values (N,) one number a picture. weights (N,): the mean is then sum(values) / sum(weights), as
    for a share whose parts were summed by picture.
    """
    values = np.asarray(values, np.float64)
    weights = np.ones_like(values) if weights is None else np.asarray(weights, np.float64)
    picks = np.random.default_rng(seed).integers(0, len(values), (resamples, len(values)))
    means = values[picks].sum(1) / weights[picks].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.sum() / weights.sum()), float(low), float(high)
