"""Planes to RGB and back, against the same formulas in colour/luma.py.

The two rooms of the ground do not know each other, so both hold the weights of BT.601; here they
meet.
"""

from __future__ import annotations

import numpy as np
import pytest

from kolorit.colour import luma as colour
from kolorit.picture import ycbcr

RNG = np.random.default_rng(4)


def test_both_rooms_have_one_set_of_weights():
    names = ("KR", "KG", "KB", "RED_OF_CR", "BLUE_OF_CB")
    assert all(getattr(ycbcr, name) == np.float32(getattr(colour, name)) for name in names)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_luma_of_rgb_is_the_weighted_sum_rounded(dtype):
    top = np.iinfo(dtype).max
    rgb = RNG.integers(0, top, (130, 7, 3), dtype=dtype, endpoint=True)
    expected = colour.luma(rgb / top) * top
    assert np.abs(ycbcr.luma_of(rgb) - expected).max() <= 0.51


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("step", ycbcr.STEPS)
def test_planes_become_the_colours_of_the_formula(dtype, step):
    top = np.iinfo(dtype).max
    zero = (top + 1) // 2
    luma = RNG.integers(top // 3, top // 2, (131, 9), dtype=dtype)
    size = {1: (131, 9), 2: (66, 5), 4: (33, 3)}[step]
    assert ycbcr.step_of(luma.shape, size) == step
    chroma = (RNG.integers(-top // 20, top // 20, (2, *size)) + zero).astype(dtype)
    full = chroma.repeat(step, 1).repeat(step, 2)[:, :131, :9]
    parts = [luma / top, *((plane.astype(float) - zero) / top for plane in full)]
    expected = colour.ycbcr_to_rgb(np.stack(parts, -1)) * top
    assert np.abs(ycbcr.to_rgb(luma, chroma) - expected).max() <= 1  # green takes up the rounding


@pytest.mark.parametrize("size", [(130, 9), (65, 5), (66, 9), (44, 3), (0, 0)])
def test_sizes_that_do_not_fit_have_no_step(size):
    assert ycbcr.step_of((131, 9), size) == 0
