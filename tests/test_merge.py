"""merge.py: colours come onto the photograph, its grey values stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.colour.lab import grey_to_lightness, rgb_to_lab
from kolorit.colour.luma import luma
from kolorit.merge import merge, merge_lab
from kolorit.picture.picture import Picture, Source, from_luma, to_rgb


def picture(
    height: int, width: int, *, depth: int = 8, format: str = "PNG", low: int = 0
) -> Picture:
    top = 255 if depth == 8 else 65535
    smooth = np.linspace(low, top, height * width).reshape(height, width)
    grain = np.random.default_rng(0).integers(-5, 6, (height, width))
    values = np.clip(smooth + grain, 0, top).astype(np.uint8 if depth == 8 else np.uint16)
    return from_luma(values, source=Source(format=format, depth=depth))


def flat(a: float, b: float, h: int = 8, w: int = 10) -> tuple[np.ndarray, np.ndarray]:
    return np.full((h, w), 50, np.float32), np.broadcast_to(
        np.float32([a, b])[:, None, None], (2, h, w)
    )


@given(st.floats(-80, 80), st.floats(-80, 80), st.sampled_from([8, 16]))
def test_grey_values_stay_at_full_chroma(a: float, b: float, depth: int) -> None:
    before = picture(37, 41, depth=depth)
    after = merge(before, *flat(a, b))
    top = 255 if depth == 8 else 65535
    assert after.luma is before.luma
    assert after.chroma is not None
    assert after.chroma.shape == (2, 37, 41)
    shown = luma(to_rgb(after) / top) * top
    assert np.abs(shown - before.luma).max() <= 1.01
    assert np.abs(shown - before.luma).mean() < 0.5


@given(st.floats(-80, 80), st.floats(-80, 80), st.sampled_from([2, 4]))
def test_grey_values_stay_at_small_chroma(a: float, b: float, step: int) -> None:
    before = picture(98, 121, format="JPEG")
    after = merge(before, *flat(a, b, *((8, 10) if step == 4 else (49, 60))))
    assert after.chroma is not None
    sizes = [(2, -(-98 // s), -(-121 // s)) for s in (step, 2)]  # 2 where much would be lost
    assert after.chroma.shape in sizes
    shown = luma(to_rgb(after) / 255) * 255
    assert (np.abs(shown - before.luma) <= 1.01).mean() > 0.999


def test_no_colour_is_grey_and_odd_sizes_fit() -> None:
    for format in ("JPEG", "PNG"):
        after = merge(picture(33, 45, format=format), *flat(0, 0))
        assert (after.chroma == 128).all()
        rgb = to_rgb(after)
        assert (rgb == rgb[..., :1]).all()


def test_the_colour_that_was_asked_for_arrives() -> None:
    grey = np.full((64, 64), 119, np.uint8)  # L* 50
    L, ab = flat(30, 25)
    for format in ("JPEG", "PNG"):
        rgb = to_rgb(merge(from_luma(grey, source=Source(format=format)), L, ab))
        lab = rgb_to_lab(rgb / 255.0)
        np.testing.assert_allclose(lab[..., 1:].mean((0, 1)), [30, 25], atol=2)


def test_large_pictures_are_as_exact_as_small_ones() -> None:
    """The quarter-size path against the exact one, on colours that vary."""
    rng = np.random.default_rng(1)
    ab = rng.uniform(-25, 25, (2, 6, 8)).astype(np.float32)
    L = np.full((6, 8), 55, np.float32)
    before = from_luma(np.full((240, 320), 130, np.uint8), source=Source(format="JPEG"))
    quick, exact = merge(before, L, ab), merge(before, L, ab, fine=True)
    error = np.abs(to_rgb(quick).astype(int) - to_rgb(exact))
    assert error.mean() < 1.0
    assert error.max() <= 8


def test_dust_and_grain_do_not_punch_holes_into_large_pictures() -> None:
    """Against the smaller cells that any JPEG has: hardly any chroma more is lost."""
    rng = np.random.default_rng(2)
    L, ab = flat(30, 40, 30, 40)
    clean = np.full((480, 640), 170)
    dust = np.where(rng.random(clean.shape) < 0.006, rng.choice([0, 255], clean.shape), clean)
    grain = clean + rng.normal(0, 30, clean.shape)
    for values, step in ((clean, 4), (dust, 2), (grain, 2)):
        luma_ = np.clip(values, 0, 255).astype(np.uint8)
        chroma = merge(from_luma(luma_, source=Source(format="JPEG")), L, ab).chroma
        assert chroma is not None
        assert chroma.shape == (2, 480 // step, 640 // step)


def test_lab_keeps_lightness_instead() -> None:
    before = picture(48, 48, low=30)
    L, ab = flat(35, -30)
    after = to_rgb(merge_lab(before, ab)) / 255.0
    expected = grey_to_lightness(before.luma / 255.0)
    assert np.abs(rgb_to_lab(after)[..., 0] - expected).mean() < 0.3
    by_luma = to_rgb(merge(before, L, ab)) / 255.0
    assert np.abs(rgb_to_lab(by_luma)[..., 0] - expected).mean() > 0.5


def test_sixteen_bits_stay_sixteen() -> None:
    after = merge(picture(20, 30, depth=16, format="JPEG"), *flat(20, 20))
    assert after.chroma is not None
    assert after.chroma.dtype == np.uint16
    assert len(np.unique(to_rgb(after)[..., 0])) > 256


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2), (500, 3)])
def test_tiny_and_thin_pictures(shape: tuple[int, int]) -> None:
    for format in ("JPEG", "PNG"):
        before = from_luma(np.full(shape, 99, np.uint8), source=Source(format=format))
        assert to_rgb(merge(before, *flat(10, 10, 1, 1))).shape == (*shape, 3)
        assert to_rgb(merge_lab(before, flat(10, 10, 1, 1)[1])).shape == (*shape, 3)
