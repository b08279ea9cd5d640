"""certainty.py: against formulas where there are some; seeds widen, pairs narrow."""

from __future__ import annotations

import numpy as np
import pytest

from kolorit.training.representation.certainty import accuracy, compare, resample


def test_over_pictures_alone_it_is_the_binomials() -> None:
    right = (np.arange(400) % 5 == 0)[None, None].astype(float)
    mean, low, high = accuracy(right, resamples=4000)
    half = 1.96 * np.sqrt(0.2 * 0.8 / 400)
    assert mean == 0.2
    assert low == pytest.approx(0.2 - half, abs=0.006)
    assert high == pytest.approx(0.2 + half, abs=0.006)


def test_seeds_add_their_own_doubt() -> None:
    """Seeds that are right always or never: the deviation of a mean of P such is 0.5 / sqrt P."""
    for shape in ((6, 1), (1, 6)):
        right = np.zeros((*shape, 50))
        right.reshape(6, 50)[:3] = 1
        tried = resample(right, 4000, 0)
        assert tried.mean() == pytest.approx(0.5, abs=0.02)
        assert tried.std() == pytest.approx(0.5 / np.sqrt(6), rel=0.05)


def test_resamples_are_those_of_a_slow_loop_in_mean_and_spread() -> None:
    rng = np.random.default_rng(0)
    right = (rng.random((3, 4, 30)) < rng.random((3, 4, 1))).astype(float)
    slow = []
    for _ in range(4000):
        p, s, n = (rng.integers(0, size, size) for size in right.shape)
        slow.append(right[p][:, s][:, :, n].mean())
    tried = resample(right, 4000, 1)
    assert tried.mean() == pytest.approx(np.mean(slow), abs=0.01)
    assert tried.std() == pytest.approx(np.std(slow), rel=0.08)


def test_a_pair_is_compared_on_the_same_pictures() -> None:
    rng = np.random.default_rng(0)
    hard = rng.random(300)
    first = (hard < 0.5)[None, None].repeat(3, 0).astype(float)
    second = (hard < 0.45)[None, None].astype(float)
    seen = compare(first, second)
    mean, low, high = seen.difference
    assert mean == pytest.approx(first.mean() - second.mean())
    assert low > 0
    apart = accuracy(first)[2] - accuracy(first)[1]
    assert high - low < apart / 2
    assert seen.visible == pytest.approx(2.80 * (high - low) / 3.92, rel=0.1)


def test_the_same_against_itself_is_nothing() -> None:
    right = (np.random.default_rng(0).random((3, 2, 100)) < 0.4).astype(float)
    same = compare(right, right, same_encoders=True)
    assert same.difference == (0, 0, 0) and same.visible == 0
    other = compare(right, right)  # another network of equal answers: its seeds are drawn apart
    assert other.difference[1] < 0 < other.difference[2]


def test_what_is_not_paired_is_refused() -> None:
    for first, second, same in (((1, 2, 9), (1, 2, 8), False), ((3, 2, 9), (1, 2, 9), True)):
        with pytest.raises(ValueError, match="not paired"):
            compare(np.zeros(first), np.zeros(second), same_encoders=same)
