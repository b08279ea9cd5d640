from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2xyz

from kolorit.colour.srgb import RGB_TO_XYZ, WHITE, linear_to_srgb, srgb_to_linear

QUICK = settings(deadline=None, max_examples=60)


@pytest.mark.parametrize(
    ("rgb", "linear"),
    # 0.735357 is the code value of half the light, 0.461356 that of the 18 % grey card.
    [
        (0.0, 0.0),
        (0.5, 0.214041),
        (0.735357, 0.5),
        (0.461356, 0.18),
        (1.0, 1.0),
        (0.04, 0.04 / 12.92),
    ],
)
def test_known_values(rgb: float, linear: float) -> None:
    assert srgb_to_linear(rgb) == pytest.approx(linear, abs=1e-6)
    assert linear_to_srgb(linear) == pytest.approx(rgb, abs=1e-6)


def test_white_is_the_row_sum_and_not_the_table_value() -> None:
    np.testing.assert_allclose(WHITE, [0.950456, 1.0, 1.088754], atol=1e-12)
    assert abs(WHITE[2] - 1.08883) > 5e-5


def test_agrees_with_scikit_image() -> None:
    rgb = np.random.default_rng(1).random((500, 3))
    np.testing.assert_allclose(srgb_to_linear(rgb) @ RGB_TO_XYZ.T, rgb2xyz(rgb), atol=1e-12)


@QUICK
@given(st.floats(-2, 3))
def test_round_trip_also_outside(value: float) -> None:
    assert linear_to_srgb(srgb_to_linear(value)) == pytest.approx(value, abs=1e-12)
    assert srgb_to_linear(linear_to_srgb(value)) == pytest.approx(value, abs=1e-12)


@QUICK
@given(st.floats(0, 2))
def test_odd_about_zero(value: float) -> None:
    assert srgb_to_linear(-value) == -srgb_to_linear(value)
    assert linear_to_srgb(-value) == -linear_to_srgb(value)


def test_monotone_through_the_knee() -> None:
    rgb = np.linspace(0.0404, 0.0405, 2001)
    assert (np.diff(srgb_to_linear(rgb)) > 0).all()
    assert (np.diff(linear_to_srgb(srgb_to_linear(rgb))) > 0).all()


def test_both_directions_branch_at_the_same_colour() -> None:
    rgb = np.linspace(0.04, 0.041, 10_001)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(rgb)), rgb, atol=1e-15)


def test_float32_stays() -> None:
    rgb = np.linspace(0, 1, 256, dtype=np.float32)
    linear = srgb_to_linear(rgb)
    assert linear.dtype == np.float32
    back = linear_to_srgb(linear)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, rgb, atol=3e-7)


def test_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        srgb_to_linear(np.zeros(3, np.uint8))
