from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kolorit.colour.colourfulness import colourfulness

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
YELLOW, WHITE = (255, 255, 0), (255, 255, 255)

GOLDEN = [
    ([RED], 85.52960013936695),
    ([GREEN], 85.52960013936695),
    ([BLUE], 76.5),
    ([YELLOW], 76.5),
    ([RED, BLUE], 272.61869388051275),
    ([RED, WHITE], 185.31413363529506),
    ([RED, GREEN, BLUE, WHITE], 238.53065840683877),
    ([(200, 100, 50), (50, 100, 200)], 143.59342774552383),
]


@pytest.mark.parametrize(("colours", "golden"), GOLDEN)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_equal_areas(colours: list[tuple[int, ...]], golden: float, dtype: type) -> None:
    picture = np.repeat(np.array(colours, dtype)[None], 6, axis=0)  # (6,colours,3)
    assert colourfulness(picture) == pytest.approx(golden, rel=1e-9)


def test_the_deviation_of_a_sample_would_fail() -> None:
    """Four pixels, n - 1 in place of n: another number by far, so the table above has teeth."""
    pixels = np.array([RED, GREEN, BLUE, WHITE], float)
    rg, yb = pixels[:, 0] - pixels[:, 1], pixels[:, :2].mean(axis=1) - pixels[:, 2]
    wrong = np.hypot(rg.std(ddof=1), yb.std(ddof=1)) + 0.3 * np.hypot(rg.mean(), yb.mean())
    assert abs(wrong - colourfulness(pixels)) > 30


def test_unsigned_differences_would_fail() -> None:
    pixels = np.array([(200, 100, 50), (50, 100, 200)], float)
    rg = np.abs(pixels[:, 0] - pixels[:, 1])
    yb = np.abs(pixels[:, :2].mean(axis=1) - pixels[:, 2])
    wrong = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    assert abs(wrong - colourfulness(pixels)) > 30


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 255), min_size=1, max_size=50))
def test_grey_has_none(values: list[int]) -> None:
    assert colourfulness(np.repeat(np.array(values, np.uint8)[:, None], 3, axis=1)) == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_order_and_shape_of_the_pixels_do_not_matter(seed: int) -> None:
    random = np.random.default_rng(seed)
    picture = random.integers(0, 256, (6, 4, 3), dtype=np.uint8)
    shuffled = random.permutation(picture.reshape(-1, 3))
    assert colourfulness(shuffled) == pytest.approx(colourfulness(picture), rel=1e-12)


@pytest.mark.parametrize("shape", [(3,), (0, 3), (4, 5), (3, 4, 5)])
def test_no_pixels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected pixels"):
        colourfulness(np.zeros(shape))


@pytest.mark.parametrize("value", [-1.0, 256.0, np.nan])
def test_wrong_range_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="rgb must lie in"):
        colourfulness(np.full((2, 3), value))
