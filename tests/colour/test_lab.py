from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import lab2rgb, rgb2lab

from kolorit.colour.lab import (
    bytes_to_lab,
    grey_to_lightness,
    lab_to_linear,
    lab_to_rgb,
    lightness,
    lightness_to_grey,
    luminance,
    rgb_to_lab,
)
from kolorit.colour.srgb import RGB_TO_XYZ, WHITE, srgb_to_linear

QUICK = settings(deadline=None, max_examples=60)
UNIT = st.floats(0, 1)


def lattice(steps: int) -> np.ndarray:
    axis = np.linspace(0, 1, steps)
    return np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1.0, 0.0, 0.0), (53.2406, 80.0942, 67.2015)),
        ((0.0, 1.0, 0.0), (87.7351, -86.1813, 83.1775)),
        ((0.0, 0.0, 1.0), (32.2957, 79.1870, -107.8617)),
        ((0.5, 0.5, 0.5), (53.3890, 0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((1.0, 1.0, 1.0), (100.0, 0.0, 0.0)),
    ],
)
def test_golden_values(rgb: tuple[float, ...], lab: tuple[float, ...]) -> None:
    np.testing.assert_allclose(rgb_to_lab(rgb), lab, atol=1e-4)


def test_agrees_with_scikit_image_up_to_its_white_point() -> None:
    rgb = lattice(17)
    np.testing.assert_allclose(rgb_to_lab(rgb), rgb2lab(rgb), atol=0.006)
    np.testing.assert_allclose(lab_to_rgb(rgb2lab(rgb)), lab2rgb(rgb2lab(rgb)), atol=5e-4)


def test_range_of_srgb() -> None:
    lab = rgb_to_lab(lattice(33))
    np.testing.assert_allclose(lab.min(axis=0), [0, -86.2, -107.9], atol=0.05)
    np.testing.assert_allclose(lab.max(axis=0), [100, 98.2, 94.5], atol=0.05)


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_round_trip_of_the_cube(dtype: type, error: float) -> None:
    rgb = lattice(33).astype(dtype)
    lab = rgb_to_lab(rgb)
    assert lab.dtype == dtype
    back = lab_to_rgb(lab)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, rgb, atol=error)


@QUICK
@given(st.floats(0, 100), st.floats(-110, 110), st.floats(-110, 110))
def test_inverse_also_outside_of_srgb(L: float, a: float, b: float) -> None:
    """The way back written out. Libraries that clip z at 0 fail this for strong yellow."""
    linear = lab_to_linear([L, a, b])
    np.testing.assert_allclose(srgb_to_linear(lab_to_rgb([L, a, b])), linear, atol=1e-9)
    fx, fy, fz = (
        t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116
        for t in RGB_TO_XYZ @ linear / WHITE
    )
    back = [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)]
    np.testing.assert_allclose(back, [L, a, b], atol=1e-9)


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 1e-4), (np.float64, 1e-12)])
def test_grey_is_neutral(dtype: type, error: float) -> None:
    grey = np.linspace(0, 1, 1001, dtype=dtype)
    lab = rgb_to_lab(np.stack([grey] * 3, axis=-1))
    assert np.abs(lab[:, 1:]).max() < error


@QUICK
@given(UNIT)
def test_grey_to_lightness_is_the_L_of_lab(grey: float) -> None:
    L = grey_to_lightness(grey)
    assert L == pytest.approx(rgb_to_lab([grey] * 3)[0], abs=1e-9)
    assert lightness_to_grey(L) == pytest.approx(grey, abs=1e-9)


@pytest.mark.parametrize(("Y", "L"), [(0.0, 0.0), (0.18, 49.496), (0.2, 51.837), (1.0, 100.0)])
def test_lightness(Y: float, L: float) -> None:
    assert lightness(Y) == pytest.approx(L, abs=1e-3)
    assert luminance(L) == pytest.approx(Y, abs=1e-4)


def test_lightness_has_no_step_at_the_threshold() -> None:
    """The rounded constants 0.008856 and 7.787 leave a step of 4e-5 in L there."""
    threshold = (6 / 29) ** 3
    step = lightness(threshold * (1 + 1e-12)) - lightness(threshold * (1 - 1e-12))
    assert abs(step) < 1e-9


@pytest.mark.parametrize(
    "rgb",
    [
        [-0.01, 0.5, 0.5],
        [0.5, 1.01, 0.5],
        [0.5, np.nan, 0.5],
        [-1.0, 0.0, 1.0],  # the range of a network
        [200.0, 100.0, 50.0],  # the range of bytes
    ],
)
def test_wrong_range_is_refused(rgb: list[float]) -> None:
    with pytest.raises(ValueError, match="rgb must lie in"):
        rgb_to_lab(rgb)


def test_wrong_grey_is_refused() -> None:
    with pytest.raises(ValueError, match="grey must lie in"):
        grey_to_lightness([0.5, 128.0])


def test_shapes() -> None:
    assert rgb_to_lab(np.zeros((0, 3))).shape == (0, 3)
    assert rgb_to_lab(np.zeros((2, 4, 5, 3))).shape == (2, 4, 5, 3)
    with pytest.raises(ValueError, match="3 channels"):
        rgb_to_lab(np.zeros((3, 4)))


def test_bytes_agree_with_the_formula() -> None:
    rgb = np.random.default_rng(2).integers(0, 256, (300, 701, 3), dtype=np.uint8)
    lab = bytes_to_lab(rgb)
    assert lab.dtype == np.float32
    error = np.abs(lab - rgb_to_lab(rgb / 255)).max(axis=(0, 1))
    assert error[0] < 0.01
    assert error[1:].max() < 0.05


def test_dark_bytes_agree_too() -> None:
    """Where the curve is steepest one step of the tables costs most."""
    axis = np.arange(32, dtype=np.uint8)
    rgb = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(32, -1, 3)
    assert np.abs(bytes_to_lab(rgb) - rgb_to_lab(rgb / 255)).max() < 0.05


def test_grey_bytes_are_exactly_neutral() -> None:
    rgb = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)
    lab = bytes_to_lab(rgb)
    assert (lab[..., 1:] == 0).all()
    np.testing.assert_allclose(lab[0, :, 0], grey_to_lightness(np.arange(256) / 255), atol=0.005)
    assert (np.diff(lab[0, :, 0]) > 0).all()


@QUICK
@given(st.integers(0, 40), st.integers(0, 40))
def test_bytes_of_any_size(height: int, width: int) -> None:
    rgb = np.full((height, width, 3), (255, 0, 0), np.uint8)
    lab = bytes_to_lab(rgb)
    assert lab.shape == rgb.shape
    if lab.size:
        np.testing.assert_allclose(lab[-1, -1], (53.2406, 80.0942, 67.2015), atol=0.05)


def test_rows_wider_than_a_strip_and_views() -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (4, 20_000, 3), dtype=np.uint8)
    flipped = rgb[::-1, ::-2]
    np.testing.assert_array_equal(bytes_to_lab(flipped), bytes_to_lab(rgb)[::-1, ::-2])


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((2, 2, 3), np.float32),
        np.zeros((2, 2, 3), np.uint16),
        np.zeros((2, 2, 4), np.uint8),
        np.zeros((2, 3), np.uint8),
    ],
)
def test_other_arrays_than_byte_pictures_are_refused(rgb: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        bytes_to_lab(rgb)
