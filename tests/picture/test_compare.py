"""Small copies, side by side, grey maps."""

from __future__ import annotations

import numpy as np
import pytest

from kolorit.picture.compare import grey_map, shrink_picture, side_by_side
from kolorit.picture.picture import Metadata, from_luma, to_rgb

RNG = np.random.default_rng(5)


def test_a_small_picture_stays_as_it_is() -> None:
    luma = RNG.integers(0, 256, (5, 7)).astype(np.uint8)
    chroma = RNG.integers(0, 256, (2, 3, 4)).astype(np.uint8)
    small = shrink_picture(from_luma(luma, chroma), 7)
    assert np.array_equal(small.luma, luma)
    assert small.chroma is not None
    assert np.array_equal(small.chroma, chroma)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_shrinking_averages(half: bool, dtype: type) -> None:
    scale = 1 if dtype is np.uint8 else 257
    luma = np.tile(np.array([[0, 200], [100, 60]]) * scale, (10, 20)).astype(dtype)  # mean 90
    size = (2, 10, 20) if half else (2, 20, 40)
    chroma = np.full(size, 150 * scale, dtype)
    kept = Metadata(exif=b"Exif\0\0", icc=b"icc", comment=b"mine")
    small = shrink_picture(from_luma(luma, chroma, metadata=kept), 10)
    assert small.luma.shape == (5, 10)
    assert small.depth == 8
    assert np.abs(small.luma.astype(int) - 90).max() <= 1
    assert small.chroma is not None
    assert np.abs(small.chroma.astype(int) - 150).max() <= 1
    assert small.metadata == Metadata(icc=b"icc")


@pytest.mark.parametrize("shape", [(6, 8), (5, 7), (1, 1)])
@pytest.mark.parametrize("step", [1, 2, 4])
def test_side_by_side(shape: tuple[int, int], step: int) -> None:
    height, width = shape
    luma = RNG.integers(0, 256, shape).astype(np.uint8)
    size = (-(-height // step), -(-width // step))
    before = from_luma(luma)
    after = from_luma(luma, np.full((2, *size), 140, np.uint8))
    both = side_by_side(before, after)
    assert (both.height, both.width) == (height, 2 * width + 1)
    assert np.array_equal(both.luma[:, :width], luma)
    assert np.array_equal(both.luma[:, width + 1 :], luma)
    rgb = to_rgb(both).astype(int)
    assert (rgb[:, width] == 255).all()  # white between
    assert np.ptp(rgb[:, :width], axis=-1).max() == 0  # before is grey
    assert both.chroma is not None
    assert (both.chroma[:, :, width + 1 :] == 140).all()


def test_what_no_jpeg_could_hold_is_shrunk() -> None:
    wide = from_luma(np.zeros((2, 40_000), np.uint8))
    both = side_by_side(wide, wide)
    assert 60_000 < both.width <= 65_500


def test_grey_map() -> None:
    like = from_luma(np.zeros((40, 60), np.uint16))
    shown = grey_map(np.array([[0.0, 1.0], [0.0, 1.0]], np.float32), like)
    assert shown.luma.shape == (40, 60)
    assert shown.luma.dtype == np.uint8
    assert (shown.luma[:, 0] == 0).all()
    assert (shown.luma[:, -1] == 255).all()
    assert (np.diff(shown.luma[0].astype(int)) >= 0).all()
    assert grey_map(np.array([[-1.0, 2.0]]), like).luma.max() == 255  # overshoot is cut
