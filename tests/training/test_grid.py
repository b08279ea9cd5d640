"""training/grid.py: each row grey, coloured, truth; lightness and hue hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from kolorit.colour.lab import rgb_to_lab
from kolorit.training.grid import BETWEEN, MARGIN, paint_grid


def lab_of(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L (B,1,h,w) and ab (B,2,h,w) of bytes (B,h,w,3), by the formula."""
    lab = rgb_to_lab(rgb / 255.0).transpose(0, 3, 1, 2)
    return lab[:, :1], lab[:, 1:]


@pytest.fixture
def photographs() -> np.ndarray:
    """(2,64,96,3) uint8 with smooth colours."""
    small = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), dtype=np.uint8)
    big = [Image.fromarray(s).resize((96, 64), Image.Resampling.BICUBIC) for s in small]
    return np.stack([np.asarray(image) for image in big])


def cells(grid: np.ndarray, rows: int, h: int, w: int) -> np.ndarray:
    """(rows,3,h,w,3): what lies between the margins."""
    gap = (grid.shape[1] - 3 * w) // 2
    return np.stack(
        [
            [grid[y : y + h, x : x + w] for x in range(0, 3 * (w + gap), w + gap)]
            for y in range(0, rows * (h + gap), h + gap)
        ]
    )


def test_rows_are_grey_coloured_and_truth(photographs: np.ndarray) -> None:
    L, ab = lab_of(photographs)
    other = ab[::-1].copy()
    grid = paint_grid(L, 0.5 * other, ab)
    assert grid.dtype == np.uint8
    assert grid.shape == (64 + 2 + 64, 96 + 2 + 96 + 2 + 96, 3)  # margins of 64 / 32 px
    grey, coloured, truth = cells(grid, 2, 64, 96).swapaxes(0, 1)
    np.testing.assert_array_equal(truth, photographs)
    assert (grey == grey[..., :1]).all()
    np.testing.assert_allclose(lab_of(grey)[0], L, atol=0.3)  # half a byte is up to 0.27
    back = lab_of(coloured)
    np.testing.assert_allclose(back[0], L, atol=0.5)
    inside = np.abs(back[1] - 0.5 * other).max(1) < 1.5  # the rest was outside sRGB
    assert inside.mean() > 0.7
    assert (np.abs(back[1] - 0.5 * ab).max(1) < 1.5).mean() < 0.2  # and not the other picture's


def test_margins_are_thin_and_grey(photographs: np.ndarray) -> None:
    L, ab = lab_of(np.zeros_like(photographs))
    grid = paint_grid(L, ab, ab)
    margin = (grid == BETWEEN).all(2)
    assert margin[64:66].all() and margin[:, 96:98].all() and margin[:, 194:196].all()
    assert margin.sum() == 2 * 292 + 4 * 128
    assert not grid[~margin].any()
    tiny = paint_grid(L[:1, :, :8, :8], ab[:1, :, :8, :8], ab[:1, :, :8, :8])
    assert tiny.shape == (8, 26, 3) and MARGIN > 8  # a margin there always is


@pytest.mark.parametrize("hue", range(0, 360, 45))
def test_colours_outside_keep_lightness_and_hue(hue: int) -> None:
    L = np.full((1, 1, 32, 32), 55.0, np.float32)
    way = np.array([np.cos(np.radians(hue)), np.sin(np.radians(hue))], np.float32)
    ab = np.broadcast_to((150 * way)[None, :, None, None], (1, 2, 32, 32))
    painted = cells(paint_grid(L, ab, 0 * ab), 1, 32, 32)[:, 1]
    l_back, ab_back = lab_of(painted)
    np.testing.assert_allclose(l_back, L, atol=0.5)
    a, b = ab_back[0, :, 0, 0]
    assert np.hypot(a, b) > 20
    turned = np.degrees(np.arctan2(b, a)) - hue
    assert abs((turned + 180) % 360 - 180) < 2


def test_what_is_no_number_is_grey_and_lightness_is_cut_off() -> None:
    L = torch.full((1, 1, 32, 32), 50.0)
    L[0, 0, 0, :4] = torch.tensor([-70.0, 170.0, torch.nan, torch.inf])
    ab = torch.full((1, 2, 32, 32), 30.0)
    ab[0, 0, 1, 0], ab[0, 1, 1, 1], ab[0, 0, 1, 2] = torch.nan, torch.inf, 1e30
    _, coloured, truth = cells(paint_grid(L, ab, torch.full_like(ab, 30)), 1, 32, 32)[0]
    assert coloured[0, 0].tolist() == [0, 0, 0] and coloured[0, 1].tolist() == [255] * 3
    assert coloured[0, 2].tolist() == [0, 0, 0]
    for x in range(3):
        assert len(set(coloured[1, x].tolist())) == 1  # grey
        assert 110 < coloured[1, x, 0] < 130
    assert len(set(coloured[5, 5].tolist())) == 3  # its neighbours have their colours
    np.testing.assert_array_equal(coloured[5], truth[5])


@pytest.mark.parametrize(
    ("L", "ab", "truth"),
    [
        ((2, 1, 8, 8), (2, 2, 8, 8), (2, 2, 8, 4)),
        ((2, 1, 8, 8), (1, 2, 8, 8), (1, 2, 8, 8)),
        ((2, 1, 8, 8), (2, 3, 8, 8), (2, 3, 8, 8)),
        ((2, 3, 8, 8), (2, 2, 8, 8), (2, 2, 8, 8)),
        ((8, 8), (2, 2, 8, 8), (2, 2, 8, 8)),
        ((0, 1, 8, 8), (0, 2, 8, 8), (0, 2, 8, 8)),
    ],
)
def test_other_shapes_are_refused(
    L: tuple[int, ...], ab: tuple[int, ...], truth: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="shape"):
        paint_grid(np.zeros(L), np.zeros(ab), np.zeros(truth))
