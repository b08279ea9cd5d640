"""evaluate/spots.py: true colours, the same for everyone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.evaluate.spots import true_spots


def test_the_colour_is_the_mean_of_its_nine_by_nine_pixels() -> None:
    ab = np.random.default_rng(0).normal(0, 20, (40, 60, 2))
    for spot in true_spots(ab, 30, "a"):
        x, y = int(spot.x * 60), int(spot.y * 40)
        assert spot.ab == pytest.approx(ab[y - 4 : y + 5, x - 4 : x + 5].mean((0, 1)))
        assert spot.radius == pytest.approx(4.5 / 60)


def test_more_spots_begin_with_the_fewer_and_pictures_differ() -> None:
    ab = np.zeros((40, 60, 2))
    assert true_spots(ab, 10, "a") == true_spots(ab, 100, "a")[:10]
    assert true_spots(ab, 5, "a") != true_spots(ab, 5, "b")
    assert true_spots(ab, 0, "a") == ()


@given(st.integers(1, 20), st.integers(1, 20))
def test_spots_lie_inside_even_of_tiny_pictures(height: int, width: int) -> None:
    for spot in true_spots(np.ones((height, width, 2)), 8, "s"):
        assert 0 < spot.x < 1
        assert 0 < spot.y < 1
        assert spot.ab == (1, 1)
