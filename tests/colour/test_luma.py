from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2ycbcr

from kolorit.colour.luma import luma, rgb_to_ycbcr, ycbcr_to_rgb

QUICK = settings(deadline=None, max_examples=60)
UNIT = st.floats(0, 1)


@pytest.mark.parametrize(
    ("rgb", "ycbcr"),
    [
        ((1.0, 0.0, 0.0), (0.299, -0.168736, 0.5)),
        ((0.0, 1.0, 0.0), (0.587, -0.331264, -0.418688)),
        ((0.0, 0.0, 1.0), (0.114, 0.5, -0.081312)),
        ((1.0, 1.0, 1.0), (1.0, 0.0, 0.0)),
        ((0.25, 0.25, 0.25), (0.25, 0.0, 0.0)),
    ],
)
def test_golden_values_of_the_jpeg_standard(
    rgb: tuple[float, ...], ycbcr: tuple[float, ...]
) -> None:
    np.testing.assert_allclose(rgb_to_ycbcr(rgb), ycbcr, atol=1e-6)
    np.testing.assert_allclose(ycbcr_to_rgb(ycbcr), rgb, atol=2e-6)


def test_agrees_with_scikit_image_after_its_studio_range() -> None:
    rgb = np.random.default_rng(4).random((500, 3))
    studio = rgb_to_ycbcr(rgb) * [219, 224, 224] + [16, 128, 128]
    np.testing.assert_allclose(studio, rgb2ycbcr(rgb), atol=2e-3)


@QUICK
@given(st.tuples(UNIT, UNIT, UNIT))
def test_round_trip_and_range(rgb: tuple[float, float, float]) -> None:
    ycbcr = rgb_to_ycbcr(rgb)
    assert 0 <= ycbcr[0] <= 1 + 1e-12
    assert np.abs(ycbcr[1:]).max() <= 0.5 + 1e-12
    np.testing.assert_allclose(ycbcr_to_rgb(ycbcr), rgb, atol=1e-12)


@QUICK
@given(UNIT, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_chroma_does_not_touch_luma(Y: float, Cb: float, Cr: float) -> None:
    assert luma(ycbcr_to_rgb([Y, Cb, Cr])) == pytest.approx(Y, abs=1e-12)


def test_float32_and_shapes_stay() -> None:
    rgb = np.random.default_rng(5).random((7, 9, 3), dtype=np.float32)
    ycbcr = rgb_to_ycbcr(rgb)
    assert ycbcr.dtype == np.float32 and ycbcr.shape == rgb.shape
    assert luma(rgb).dtype == np.float32 and luma(rgb).shape == (7, 9)
    np.testing.assert_allclose(ycbcr_to_rgb(ycbcr), rgb, atol=1e-6)


def test_bytes_and_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        rgb_to_ycbcr(np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match="3 channels"):
        ycbcr_to_rgb(np.zeros((3, 2, 2)))
