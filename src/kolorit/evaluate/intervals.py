"""How sure a mean over a set is: bootstrap over its pictures; and whether two means differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
_FLIPS = 10_000


def interval(
    values: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float, float]:
    """(mean, low, high): mean over pictures and its percentile bootstrap 95 % interval.

    values (N,) one number a picture. weights (N,): the mean is then sum(values) / sum(weights), as
    for a share whose parts were summed by picture; NaN where the weights add up to 0, whatever the
    values, and samples of which that is true do not count.
    """
    values = np.asarray(values, np.float64)
    weights = np.ones_like(values) if weights is None else np.asarray(weights, np.float64)

    def ratio(picks: np.ndarray) -> np.ndarray:
        total = weights[picks].sum(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(total != 0, values[picks].sum(-1) / total, np.nan)

    return interval_of(ratio, len(values), resamples=resamples, seed=seed)


def interval_of(
    statistic: Callable[[np.ndarray], np.ndarray],
    count: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float, float]:
    """(value, low, high) of anything that is computed from some of ``count`` pictures.

    statistic: indices of pictures (R,N), each row a sample -> (R,). Samples in which the statistic
    has no meaning (NaN) do not count; the interval is NaN where all are so.
    """
    value = float(statistic(np.arange(count)[None])[0])
    picks = np.random.default_rng(seed).integers(0, count, (resamples, count))
    tried = statistic(picks)
    tried = tried[~np.isnan(tried)]
    if not len(tried):
        return value, float("nan"), float("nan")
    # Not interpolated: between two infinite values there is no number.
    low, high = np.percentile(tried, [2.5, 97.5], method="nearest")
    if np.isfinite(tried).all():
        low, high = np.percentile(tried, [2.5, 97.5])
    return value, float(low), float(high)


@dataclass(frozen=True)
class Paired:
    """first minus second over the same pictures: mean and 95 % interval; the share of pictures in
    which the first is smaller (ties count half); p of a two-sided sign-flip test of mean 0."""

    difference: tuple[float, float, float]
    smaller: float
    p: float


def paired(first: np.ndarray, second: np.ndarray, *, seed: int = 0) -> Paired:
    """Compare one number (N,) a picture of two systems on the same pictures.

    The test turns the sign of each difference at random, 10,000 times: under the hypothesis that
    neither is better both signs are alike. Source: Fisher 1935, by sampling; p is at least 1e-4.
    """
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    rng = np.random.default_rng(seed)
    mean = abs(difference.mean())
    extreme = 0
    for _ in range(10):  # a tenth at a time, so that memory stays small
        signs = rng.integers(0, 2, (_FLIPS // 10, len(difference))) * 2 - 1
        extreme += int((np.abs((signs * difference).mean(1)) >= mean - 1e-12).sum())
    smaller = float((difference < 0).mean() + (difference == 0).mean() / 2)
    return Paired(interval(difference, seed=seed), smaller, (extreme + 1) / (_FLIPS + 1))
