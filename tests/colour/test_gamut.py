from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kolorit.colour.gamut import chroma_room, shrink_lab, shrink_ycbcr
from kolorit.colour.lab import lab_to_rgb, rgb_to_lab
from kolorit.colour.luma import luma, rgb_to_ycbcr, ycbcr_to_rgb

QUICK = settings(deadline=None, max_examples=100)
UNIT = st.floats(0, 1)
HALF = st.floats(-0.5, 0.5)


def random_chroma(count: int = 20_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(6)
    Y = random.random(count, dtype=np.float32)
    Y[:100], Y[100:200] = 0, 1
    Cb, Cr = random.random((2, count), dtype=np.float32) - np.float32(0.5)
    return Y, Cb, Cr


@pytest.mark.parametrize(
    ("ycbcr", "room"),
    [
        ((0.5, 0.0, 0.5), 0.5 / 0.701),  # red would be 1.201
        ((0.2, 0.0, 0.5), 0.2 / 0.357068),  # green would be -0.157
        ((0.299, -0.168736, 0.5), 1.0),  # red itself
        ((0.9, 0.5, 0.0), 0.1 / 0.886),  # blue would be 1.786
        ((0.5, 0.01, 0.01), 1.0),
        ((1.0, 0.1, 0.1), 0.0),
        ((0.0, 0.1, 0.1), 0.0),
    ],
)
def test_room_worked_by_hand(ycbcr: tuple[float, float, float], room: float) -> None:
    assert chroma_room(*ycbcr) == pytest.approx(room, abs=1e-5)


@QUICK
@given(UNIT, HALF, HALF)
def test_ycbcr_fits_with_luma_and_hue_kept(Y: float, Cb: float, Cr: float) -> None:
    new_Cb, new_Cr = shrink_ycbcr(Y, Cb, Cr)
    rgb = ycbcr_to_rgb(np.array([Y, new_Cb, new_Cr]))
    assert rgb.min() >= -1e-12 and rgb.max() <= 1 + 1e-12
    assert luma(rgb) == pytest.approx(Y, abs=1e-12)
    assert new_Cb * Cr == pytest.approx(new_Cr * Cb, abs=1e-12)
    assert new_Cb * Cb >= 0 and new_Cr * Cr >= 0
    assert abs(new_Cb) <= abs(Cb) and abs(new_Cr) <= abs(Cr)


@QUICK
@given(UNIT, HALF, HALF)
def test_not_more_is_taken_than_needed(Y: float, Cb: float, Cr: float) -> None:
    room = chroma_room(Y, Cb, Cr)
    assert 0 <= room <= 1
    more = np.array([Y, room * 1.01 * Cb, room * 1.01 * Cr])
    if room < 1 and abs(room * Cb) + abs(room * Cr) > 1e-6:
        rgb = ycbcr_to_rgb(more)
        assert rgb.min() < 0 or rgb.max() > 1


def test_ycbcr_in_float32() -> None:
    Y, Cb, Cr = random_chroma()
    new_Cb, new_Cr = shrink_ycbcr(Y, Cb, Cr)
    assert new_Cb.dtype == new_Cr.dtype == chroma_room(Y, Cb, Cr).dtype == np.float32
    rgb = ycbcr_to_rgb(np.stack([Y, new_Cb, new_Cr], axis=-1))
    assert rgb.min() >= -1e-6 and rgb.max() <= 1 + 1e-6
    np.testing.assert_allclose(luma(rgb), Y, atol=1e-6)


def test_clipping_instead_would_change_the_luma() -> None:
    """The fault this module is there to prevent, and proof that the test data would show it."""
    Y, Cb, Cr = random_chroma()
    clipped = np.clip(ycbcr_to_rgb(np.stack([Y, Cb, Cr], axis=-1)), 0, 1)
    assert np.abs(luma(clipped) - Y).max() > 0.1


def test_ycbcr_of_real_colours_is_left_alone() -> None:
    rgb = np.random.default_rng(7).random((5000, 3)) * 0.98 + 0.01
    Y, Cb, Cr = np.moveaxis(rgb_to_ycbcr(rgb), -1, 0)
    new_Cb, new_Cr = shrink_ycbcr(Y, Cb, Cr)
    np.testing.assert_array_equal(new_Cb, Cb)
    np.testing.assert_array_equal(new_Cr, Cr)


@pytest.mark.filterwarnings("error")
def test_no_chroma_anywhere_raises_no_warning() -> None:
    Y = np.array([0, 0.5, 1], np.float32)
    new_Cb, new_Cr = shrink_ycbcr(Y, np.zeros_like(Y), np.zeros_like(Y))
    assert not new_Cb.any() and not new_Cr.any()


def test_blocks_and_views_and_shapes() -> None:
    """More pixels than a block holds, in a transposed and flipped view, against row by row."""
    planes = [plane.reshape(200, 200).T[::-1] for plane in random_chroma(40_000)]
    room = chroma_room(*planes)
    assert room.shape == (200, 200)
    rows = [chroma_room(*(plane[i] for plane in planes)) for i in range(200)]
    np.testing.assert_array_equal(room, np.stack(rows))
    assert chroma_room(*np.zeros((3, 0, 4))).shape == (0, 4)


@pytest.mark.parametrize("Y", [-0.01, 1.01])
def test_no_room_outside_of_the_grey_axis(Y: float) -> None:
    assert chroma_room(Y, 0.1, 0.1) == 0


def test_unequal_shapes_and_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        shrink_ycbcr(np.zeros((4, 4)), np.zeros((2, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="uint8"):
        chroma_room(*np.zeros((3, 4), np.uint8))


@QUICK
@given(st.floats(0, 100), st.floats(-110, 110), st.floats(-110, 110))
def test_lab_fits_with_L_and_hue_kept(L: float, a: float, b: float) -> None:
    new_L, new_a, new_b = shrink_lab([L, a, b])
    rgb = lab_to_rgb([new_L, new_a, new_b])
    assert rgb.min() >= -6e-5 and rgb.max() <= 1 + 6e-5
    assert new_L == L
    assert new_a * b == pytest.approx(new_b * a, abs=1e-9)
    assert new_a * a >= 0 and new_b * b >= 0
    assert np.hypot(new_a, new_b) <= np.hypot(a, b)


@pytest.mark.parametrize("corner", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1), (1, 0, 1)])
def test_lab_beyond_a_corner_comes_back_to_it(corner: tuple[int, int, int]) -> None:
    lab = rgb_to_lab(np.array(corner, np.float64))
    np.testing.assert_allclose(shrink_lab(lab * [1, 1.3, 1.3]), lab, atol=0.02)


@QUICK
@given(st.floats(1, 96), st.floats(0, 6.28))
def test_lab_is_not_shrunk_more_than_needed(L: float, hue: float) -> None:
    """Below the yellow corner a little more chroma always leaves sRGB."""
    shrunk = shrink_lab([L, 150 * np.cos(hue), 150 * np.sin(hue)])
    rgb = lab_to_rgb(shrunk * [1, 1.01, 1.01])
    assert rgb.min() < 0 or rgb.max() > 1


def test_lab_of_real_colours_is_left_alone() -> None:
    rgb = np.random.default_rng(8).random((30, 40, 3), dtype=np.float32) * 0.98 + 0.01
    lab = rgb_to_lab(rgb.astype(np.float32))
    shrunk = shrink_lab(lab)
    np.testing.assert_array_equal(shrunk, lab)
    assert not np.shares_memory(shrunk, lab)


def test_lab_in_float32() -> None:
    random = np.random.default_rng(9)
    lab = np.stack([random.uniform(0, 100, 5000), *random.uniform(-110, 110, (2, 5000))], axis=-1)
    lab[0, 0], lab[1, 0] = 0, 100
    shrunk = shrink_lab(lab.astype(np.float32))
    assert shrunk.dtype == np.float32
    rgb = lab_to_rgb(shrunk)
    assert rgb.min() >= -6e-5 and rgb.max() <= 1 + 6e-5


def test_lab_of_the_cube_corners_stays() -> None:
    """With a strict border rounding would drain yellow, from b = 94 to 26."""
    corners = np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0], [0.0, 1.0]), axis=-1).reshape(-1, 3)
    lab = rgb_to_lab(corners.astype(np.float32))
    np.testing.assert_array_equal(shrink_lab(lab), lab)


@pytest.mark.parametrize("L", [-1.0, 101.0, np.nan])
def test_lab_without_a_colour_is_refused(L: float) -> None:
    with pytest.raises(ValueError, match="L must lie in"):
        shrink_lab([L, 0.0, 0.0])
