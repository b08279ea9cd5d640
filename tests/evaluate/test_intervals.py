"""evaluate/intervals.py against the normal approximation, its weights, and a test of signs."""

from __future__ import annotations

import numpy as np
import pytest

from kolorit.evaluate.intervals import interval, interval_of, paired


def test_a_normal_sample() -> None:
    values = np.random.default_rng(0).normal(10, 2, 400)
    mean, low, high = interval(values)
    half = 1.96 * values.std() / 20
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.03)


def test_weights_make_a_ratio_and_seeds_repeat() -> None:
    values, weights = np.array([1.0, 30.0, 2.0]), np.array([10.0, 100.0, 10.0])
    mean, low, high = interval(values, weights)
    assert mean == pytest.approx(33 / 120)
    assert 0.1 <= low <= mean <= high <= 0.3
    assert interval(values, weights) == (mean, low, high)


def test_equal_values_have_no_width() -> None:
    assert interval(np.full(5, 3.0)) == (3.0, 3.0, 3.0)


def test_infinite_values_stay_infinite() -> None:
    assert interval(np.full(4, np.inf)) == (np.inf, np.inf, np.inf)
    mean, low, high = interval(np.array([1.0, 2.0, 3.0, np.inf]))
    assert mean == high == np.inf
    assert np.isfinite(low)


def test_without_weight_there_is_no_value() -> None:
    assert np.isnan(interval(np.zeros(3), np.zeros(3))).all()
    assert np.isnan(interval(np.array([1.0, 0.0, np.inf]), np.zeros(3))).all()  # nor an infinite
    mean, low, high = interval(np.array([1.0, 3.0]), np.array([0.0, 4.0]))
    assert (mean, low, high) == (1.0, 0.75, 1.0)
    # samples without weight do not count: only the one picture has a red pixel
    mean, low, high = interval(np.array([0.0, 0.0, 3.0]), np.array([0.0, 0.0, 4.0]))
    assert (mean, low, high) == (0.75, 0.75, 0.75)


def test_any_statistic_of_pictures() -> None:
    values = np.random.default_rng(1).normal(0, 1, 300)
    value, low, high = interval_of(lambda picks: np.median(values[picks], axis=1), 300)
    assert value == np.median(values)
    assert low < value < high
    half = 1.96 * 1.2533 / np.sqrt(300)  # the standard error of a median
    assert high - low == pytest.approx(2 * half, rel=0.25)


def test_a_clear_difference_and_none() -> None:
    rng = np.random.default_rng(2)
    second = rng.normal(10, 2, 100)
    found = paired(second - 1 + rng.normal(0, 0.5, 100), second)
    assert found.difference[0] == pytest.approx(-1, abs=0.15)
    assert found.difference[2] < 0
    assert found.smaller > 0.9
    assert found.p == pytest.approx(1e-4, abs=1e-6)  # never 0
    noise = paired(second + rng.normal(0, 1, 100), second)
    assert noise.difference[1] < 0 < noise.difference[2]
    assert noise.p > 0.05


def test_the_exact_p_of_few_pictures() -> None:
    """Of 2^4 sign patterns of equal differences two are as extreme: p = 1/8."""
    found = paired(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 2.0, 3.0]))
    assert found.p == pytest.approx(1 / 8, abs=0.01)
    assert found.smaller == 0


def test_equal_systems_are_no_better_than_each_other() -> None:
    found = paired(np.arange(5.0), np.arange(5.0))
    assert (found.difference, found.smaller, found.p) == ((0.0, 0.0, 0.0), 0.5, 1.0)
