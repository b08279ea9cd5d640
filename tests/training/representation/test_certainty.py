"""certainty.py: against formulas where there are some; 95 % hold 95 times in a hundred."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kolorit.training.representation.certainty import Means, accuracy, compare, gap_of, means_of

FEW = np.array([0.2, 0.5, 0.3])


def answers(rng: np.random.Generator, P: int, S: int, N: int, seeds: float) -> np.ndarray:
    """Right 4 times in 10 on average; by seed more or less often, deviation ``seeds``."""
    chance = np.clip(0.4 + rng.normal(0, seeds, (P, 1, 1)) + rng.normal(0, 0.1, N), 0, 1)
    return rng.random((P, S, N)) < chance


def test_over_pictures_alone_it_is_the_binomials() -> None:
    mean, low, high = accuracy(means_of((np.arange(400) % 5 == 0)[None, None]))
    half = 1.96 * np.sqrt(0.2 * 0.8 / 400)
    assert mean == 0.2
    assert (low, high) == (pytest.approx(0.2 - half, abs=1e-3), pytest.approx(0.2 + half, abs=1e-3))


@pytest.mark.parametrize("of", ["pretext", "probe"])
def test_over_seeds_alone_it_is_students(of: str) -> None:
    flat = np.full(1, FEW.mean())
    means = {"pretext": flat, "probe": flat, "picture": np.full(90, FEW.mean())} | {of: FEW}
    mean, low, high = accuracy(Means(**means))
    want = stats.t.interval(0.95, 2, FEW.mean(), stats.sem(FEW))
    assert high - low == pytest.approx(want[1] - want[0], rel=0.04)
    assert mean == pytest.approx(FEW.mean()) == pytest.approx((low + high) / 2)


def test_what_would_be_seen_is_the_tests_power() -> None:
    """A t-test of the pictures' differences sees that much four times in five."""
    rng = np.random.default_rng(0)
    right = rng.random((2, 1, 1, 300)) < 0.5
    seen = compare(*map(means_of, right))
    spread = stats.sem(right[0, 0, 0].astype(float) - right[1, 0, 0])
    assert seen.visible == pytest.approx((1.96 + 0.8416) * spread, rel=0.03)


@pytest.mark.parametrize("seeds", [0.05, 0.0])
def test_a_difference_that_is_none_seldom_has_a_verdict(seeds: float) -> None:
    """Where the encoders' seeds make the noise, and where the pictures do. A percentile bootstrap
    of three seeds finds one in five."""
    rng = np.random.default_rng(1)
    wrong, times = 0, 400
    for _ in range(times):
        first, second = (means_of(answers(rng, 3, 5, 200, seeds)) for _ in range(2))
        _, low, high = compare(first, second).difference
        wrong += low > 0 or high < 0
    assert wrong / times < 0.07


def test_a_true_difference_is_seen() -> None:
    rng = np.random.default_rng(2)
    first, second = (answers(rng, 3, 5, 2000, 0.005) for _ in range(2))
    first |= rng.random(first.shape) < 0.2
    mean, low, _ = compare(means_of(first), means_of(second)).difference
    assert low > 0 and mean == pytest.approx(first.mean() - second.mean())


def test_a_pair_is_compared_on_the_same_pictures() -> None:
    hard = np.random.default_rng(0).random(300)
    first, second = (means_of((hard < share)[None, None]) for share in (0.5, 0.45))
    apart = accuracy(first)[2] - accuracy(first)[1]
    _, low, high = compare(first, second).difference
    assert low > 0 and high - low < apart / 2


def test_the_same_against_itself_is_nothing() -> None:
    means = means_of(np.random.default_rng(0).random((3, 2, 100)) < 0.4)
    same = compare(means, means, same_encoders=True)
    assert same.difference == (0, 0, 0) and same.visible == 0
    other = compare(means, means)  # another network of equal answers: its seeds are its own
    assert other.difference[1] < 0 < other.difference[2]


def test_a_gap_has_the_doubt_of_both() -> None:
    right = np.random.default_rng(0).random((3, 2, 100)) < 0.4
    train = np.array([[0.9, 0.8], [0.7, 0.9], [0.8, 0.8]])
    gap, whole = gap_of(train, means_of(right)), train[:, :, None] - right
    for name, axes in {"pretext": (1, 2), "probe": (0, 2), "picture": (0, 1)}.items():
        np.testing.assert_allclose(getattr(gap, name), whole.mean(axes))
    assert gap.all == pytest.approx(whole.mean())


def test_what_is_not_paired_is_refused() -> None:
    for first, second, same in (((1, 2, 9), (1, 2, 8), False), ((3, 2, 9), (1, 2, 9), True)):
        with pytest.raises(ValueError, match="not paired"):
            compare(
                means_of(np.zeros(first, bool)), means_of(np.zeros(second, bool)),
                same_encoders=same,
            )  # fmt: skip
