"""Resizing against plain averages, and the sizes that a network is given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kolorit.picture.resize import fit_size, resize_plane, resize_rows

RNG = np.random.default_rng(4)
WAYS = ["area", "bicubic", "bilinear", "nearest"]
DTYPES = [np.uint8, np.uint16, np.float32]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [2, 5, 8])
def test_area_is_the_plain_average_of_blocks(dtype, factor):
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    plane = (RNG.random((12 * factor, 9 * factor)) * top).astype(dtype)
    expected = plane.reshape(12, factor, 9, factor).astype(np.float64).mean(axis=(1, 3))
    small = resize_plane(plane, (12, 9), "area")
    assert small.dtype == dtype
    np.testing.assert_allclose(small, expected, atol=1e-6 if dtype == np.float32 else 1.01)


@pytest.mark.parametrize("how", ["area", "bicubic", "bilinear"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_shrinking_is_antialiased(how, dtype):
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    checks = (np.indices((640, 640)).sum(axis=0) % 2 * top).astype(dtype)
    small = resize_plane(checks, (100, 100), how).astype(np.float64)
    assert np.abs(small - top / 2).max() < 0.05 * top  # mean grey, no beats


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(7, 9), (1, 1), (300, 200), (64, 3)])
def test_a_flat_plane_stays_flat(how, dtype, size):
    value = 0.3 if dtype == np.float32 else np.iinfo(dtype).max * 3 // 10
    small = resize_plane(np.full((64, 48), value, dtype), size, how)
    assert small.shape == size and small.dtype == dtype
    np.testing.assert_allclose(small, value, rtol=1e-5)


@pytest.mark.parametrize("how", ["bicubic", "bilinear"])
def test_reducing_first_changes_little(how):
    y, x = np.mgrid[0:1600, 0:1200]
    plane = (127 + 60 * np.sin(x / 40) + 60 * np.cos(y / 31)).astype(np.uint8)
    exact = Image.fromarray(plane).resize((96, 128), getattr(Image.Resampling, how.upper()))
    ours = resize_plane(plane, (128, 96), how).astype(int)
    assert np.abs(ours - np.asarray(exact)).max() <= 3


def test_nearest_doubles_by_repetition():
    plane = RNG.integers(0, 256, (5, 4), dtype=np.uint8)
    np.testing.assert_array_equal(
        resize_plane(plane, (10, 8), "nearest"), plane.repeat(2, 0).repeat(2, 1)
    )


def test_what_cannot_be_resized():
    for plane in (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), np.zeros((4, 4), np.int32)):
        with pytest.raises(ValueError):
            resize_plane(plane, (2, 2))
    with pytest.raises(ValueError, match="area, bicubic"):
        resize_plane(np.zeros((4, 4), np.uint8), (2, 2), "cubic")  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 20_000), st.integers(1, 20_000), st.sampled_from([64, 256, 384]))
def test_fit_size_keeps_aspect_and_area(height, width, size):
    h, w = fit_size(height, width, size)
    assert max(h, w) <= 4 * size
    if max(height, width) <= 16 * min(height, width):
        assert abs(h * w / size**2 - 1) < 0.05
    if min(h, w) > 1:
        assert abs(h / w / (height / width) - 1) <= 0.6 / min(h, w) + 0.6 / max(h, w)


@pytest.mark.parametrize("given_", [(0, 1, 256), (1, -1, 256), (1, 1, 0)])
def test_fit_size_refuses_nothing(given_):
    with pytest.raises(ValueError):
        fit_size(*given_)


def test_known_sizes():
    assert fit_size(3000, 4000, 256) == (222, 296)
    assert fit_size(100, 100, 256) == (256, 256)
    assert fit_size(10, 10_000, 256) == (1, 1024)
    assert fit_size(3000, 4000, 176, 32) == (160, 192)
    assert fit_size(10, 10_000, 256, 32) == (32, 1024)


def test_rows_are_those_of_the_whole() -> None:
    plane = np.random.default_rng(0).normal(size=(13, 9)).astype(np.float32)
    whole = resize_plane(plane, (101, 40), "bicubic")
    for first in range(0, 101, 17):
        last = min(first + 17, 101)
        rows = resize_rows(plane, (101, 40), first, last)
        np.testing.assert_allclose(rows, whole[first:last], atol=1e-4)
