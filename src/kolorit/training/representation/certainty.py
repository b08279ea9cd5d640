"""How sure an accuracy is, over pictures and seeds; and how sure the difference of two is.

Each resample draws test pictures, seeds of the pretext and seeds of the probe anew, all with
replacement. Two arms share pictures and probe seeds (the same labels), not the pretext's seeds,
which are those of other networks. Source: Efron and Tibshirani 1993, by crossed factors; with few
seeds such an interval is, if anything, too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
POWER = 1.96 + 0.8416  # standard errors of a difference that is seen four times in five, at 5 %
Right = npt.NDArray[np.floating]  # (pretext seeds P, probe seeds S, pictures N), 0 or 1


@dataclass(frozen=True)
class Difference:
    """first minus second: mean and 95 % interval. visible: what would be seen, 4 times in 5."""

    difference: tuple[float, float, float]
    visible: float


def accuracy(
    right: Right, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float, float]:
    """(mean, low, high) of (P,S,N): percentile bootstrap, 95 %."""
    return _interval(float(right.mean()), resample(right, resamples, seed))


def compare(
    first: Right,
    second: Right,
    *,
    same_encoders: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """Two arms on the same pictures, with the same probe seeds. Raises ValueError otherwise.

    same_encoders: both are of the same networks, as two stages of one arm are.
    """
    if first.shape[1:] != second.shape[1:] or (same_encoders and first.shape != second.shape):
        raise ValueError(f"{first.shape} and {second.shape} are not paired")
    other = resample(second, resamples, seed, of=0 if same_encoders else 1)
    tried = resample(first, resamples, seed) - other
    mean = float(first.mean() - second.mean())
    return Difference(_interval(mean, tried), POWER * float(tried.std()))


def resample(right: Right, resamples: int, seed: int, of: int = 0) -> np.ndarray:
    """Means (R,) of resamples of (P,S,N); of: which arm it is, for the pretext's seeds alone."""
    P, S, N = right.shape
    pictures, probes = _counts(seed, 0, resamples, N), _counts(seed, 1, resamples, S)
    pretexts = _counts(seed, 2 + of, resamples, P)
    by_seed = right.reshape(P * S, N).astype(np.float32)
    means = []
    for k in range(0, resamples, 200):  # a part at a time, so that memory stays small
        some = slice(k, k + 200)
        tried = by_seed @ pictures[some].astype(np.float32).T  # (PS,R)
        tried = tried.reshape(P, S, -1)
        means.append(np.einsum("psr,rs,rp->r", tried, probes[some], pretexts[some]) / right.size)
    return np.concatenate(means)


@lru_cache(maxsize=8)  # every row of a table draws the same pictures
def _counts(seed: int, what: int, resamples: int, of: int) -> npt.NDArray[np.uint8]:
    """How often each of ``of`` things is drawn in each resample: (R,of)."""
    rng = np.random.default_rng((seed, what))
    counts = np.empty((resamples, of), np.uint8)
    for row in counts:
        row[:] = np.bincount(rng.integers(0, of, of), minlength=of)
    return counts


def _interval(mean: float, tried: np.ndarray) -> tuple[float, float, float]:
    low, high = np.percentile(tried, [2.5, 97.5])
    return mean, float(low), float(high)
