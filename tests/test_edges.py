"""edges.py: colours laid along the photograph's own edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from kolorit.edges import RADIUS, STEADY, follow_edges
from kolorit.picture.resize import resize_plane


def textured(seed: int, shape: tuple[int, int]) -> np.ndarray:
    """L (h,w) with slopes, steps and grain."""
    random = np.random.default_rng(seed)
    slopes = random.normal(0, 1, shape).cumsum(0).cumsum(1) / 30
    steps = 20 * (np.add.outer(np.arange(shape[0]), np.arange(shape[1])) // 23 % 2)
    return np.clip(50 + slopes + steps + random.normal(0, 2, shape), 0, 100).astype(np.float32)


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("shape", [(16, 24), (9, 40), (5, 7)])
def test_it_is_the_fast_guided_filter(shape: tuple[int, int], times: int) -> None:
    """Beside the same equations on scipy's box filter in double precision."""
    L = textured(1, (times * shape[0], times * shape[1]))
    ab = np.random.default_rng(2).normal(0, 25, (2, *shape)).astype(np.float32)

    def box(x: np.ndarray) -> np.ndarray:
        return uniform_filter(x, 2 * RADIUS + 1, mode="reflect")

    def up(x: np.ndarray) -> np.ndarray:
        return resize_plane(x.astype(np.float32), L.shape, "bilinear").astype(np.float64)

    cells = L.reshape(shape[0], times, shape[1], times)
    I = cells.mean((1, 3), dtype=np.float64)  # noqa: E741  the paper's letters
    for given, laid in zip(ab, follow_edges(L, ab), strict=True):
        p = given.astype(np.float64)
        a = (box(I * p) - box(I) * box(p)) / (box(I * I) - box(I) ** 2 + STEADY)
        b = box(p) - a * box(I)
        np.testing.assert_allclose(laid, up(box(a)) * L + up(box(b)), atol=5e-3)


def test_a_colour_that_bled_goes_back_behind_its_edge() -> None:
    """A red half, known coarsely, beside a grey one: in between stands the photograph's step."""
    L = np.full((64, 64), 30, np.float32)
    L[:, 34:] = 70
    ab = np.zeros((2, 32, 32), np.float32)
    ab[0] = 40 * np.clip((20 - np.arange(32)) / 6, 0, 1)  # falls from column 14 to 20, not at 17
    soft = resize_plane(ab[0], L.shape, "bilinear")
    laid = follow_edges(L, ab)[0]
    assert soft[32, 33] < 26 and soft[32, 34] > 20
    assert laid[32, 33] > 30 and laid[32, 34] < 13


@pytest.mark.parametrize("L", [np.full((40, 60), 55, np.float32), textured(3, (40, 60))])
def test_one_colour_stays_one_colour(L: np.ndarray) -> None:
    ab = np.empty((2, 5, 7), np.float32)
    ab[0], ab[1] = 31, -12
    np.testing.assert_allclose(follow_edges(L, ab), resize_both(ab, L.shape), atol=1e-3)


def resize_both(ab: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.stack([np.full(shape, plane[0, 0]) for plane in ab])


def test_no_colour_stays_none() -> None:
    assert not follow_edges(textured(4, (48, 48)), np.zeros((2, 24, 24), np.float32)).any()
