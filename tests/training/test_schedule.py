"""training/schedule.py: rises, falls, ends at its floor."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kolorit.training.schedule import warm_cosine


def test_warm_cosine() -> None:
    rates = [warm_cosine(step, 1000, 100, 0.02) for step in range(1001)]
    assert rates[0] == 0.01
    assert rates[99] == rates[100] == 1.0
    assert all(a >= b for a, b in pairwise(rates[100:]))
    assert rates[550] == pytest.approx(0.51)
    assert rates[1000] == pytest.approx(0.02)
    assert warm_cosine(5000, 1000, 100, 0.02) == pytest.approx(0.02)
