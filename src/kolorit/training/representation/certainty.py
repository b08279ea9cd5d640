"""How sure an accuracy is, over pictures and seeds; and how sure the difference of two is.

Test pictures, seeds of the pretext and seeds of the probe are crossed, and each is a sample: a mean
over all has an error from each of the three, of the standard error s / sqrt(n) of the means by it
alone. (What two have in common is counted in both, so that intervals are, if anything, too wide;
Owen 2007, "The pigeonhole bootstrap".) Three seeds hardly know their own spread, which a bootstrap
of them overlooks: its 95 % hold four times in five. Each error is therefore Student's, with n - 1
degrees of freedom, and quantiles of their sum are drawn (Behrens and Fisher's problem).

Two arms share pictures and probe seeds (the same labels), not the pretext's seeds, which are those
of other networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

DRAWS = 40_000
Numbers = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Means:
    """Of answers (P pretext seeds, S probe seeds, N pictures): by each seed, by each picture."""

    pretext: Numbers  # (P,)
    probe: Numbers  # (S,)
    picture: Numbers  # (N,)

    @property
    def all(self) -> float:
        return float(self.picture.mean())


@dataclass(frozen=True)
class Difference:
    """first minus second: mean and 95 % interval. visible: what would be seen, 4 times in 5."""

    difference: tuple[float, float, float]
    visible: float


def means_of(right: npt.NDArray[np.bool_]) -> Means:
    """Of (P,S,N): whether a picture was taken for what it is."""
    return Means(right.mean((1, 2)), right.mean((0, 2)), right.mean((0, 1)))


def gap_of(train: Numbers, test: Means) -> Means:
    """train (P,S), accuracies on what each probe learnt from, less what ``test`` is of."""
    return Means(
        train.mean(1) - test.pretext, train.mean(0) - test.probe, train.mean() - test.picture
    )


def accuracy(means: Means) -> tuple[float, float, float]:
    """(mean, low, high), 95 %."""
    return _interval(means.all, [means.pretext, means.probe, means.picture])


def compare(first: Means, second: Means, *, same_encoders: bool = False) -> Difference:
    """Two arms on the same pictures, with the same probe seeds. Raises ValueError otherwise.

    same_encoders: both are of the same networks, as two stages of one arm are.
    """
    paired = ["probe", "picture", *(["pretext"] if same_encoders else [])]
    if any(len(getattr(first, k)) != len(getattr(second, k)) for k in paired):
        raise ValueError("the two are not paired: of other pictures, probes or encoders")
    samples = [getattr(first, k) - getattr(second, k) for k in paired]
    if not same_encoders:
        samples += [first.pretext, second.pretext]
    tried = _errors(samples)
    visible = _half(tried) + float(np.quantile(tried, 0.8))
    return Difference(_interval(first.all - second.all, samples), visible)


def _interval(mean: float, samples: list[Numbers]) -> tuple[float, float, float]:
    half = _half(_errors(samples))
    return mean, mean - half, mean + half


def _half(tried: Numbers) -> float:
    return float(np.quantile(np.abs(tried), 0.95))


def _errors(samples: list[Numbers]) -> Numbers:
    """Errors (DRAWS,) that a mean may have, given the samples that it is a mean of.

    Of a single seed nothing is known, and it adds nothing.
    """
    errors = np.zeros(DRAWS)
    for k, sample in enumerate(samples):
        if len(sample) > 1:
            standard = float(sample.std(ddof=1)) / len(sample) ** 0.5
            errors = errors + standard * _student(k, len(sample) - 1)
    return errors


@lru_cache(maxsize=64)  # every row of a table draws the same
def _student(stream: int, freedom: int) -> Numbers:
    return np.random.default_rng((stream, freedom)).standard_t(freedom, DRAWS)
