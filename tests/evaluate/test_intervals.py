"""evaluate/intervals.py against the normal approximation, and its weights."""

from __future__ import annotations

import numpy as np
import pytest

from kolorit.evaluate.intervals import interval


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
