"""training/as_run.py: the first study's wrong conversion, as its own numbers show it.

The tables are those of the facts on the study: what its training saw for greys and for colours.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from kolorit.colour.lab import grey_to_lightness, rgb_to_lab
from kolorit.training.as_run import (
    REACH,
    as_run_input,
    as_run_lab,
    as_run_to_rgb,
    read_back,
)

GREYS = {  # grey -> (L - 50) / 50 in training, and at inference
    0: (-2.40, -1),
    0.1: (-2.12, -0.8),
    0.25: (-1.70, -0.5),
    0.4: (-1.28, -0.2),
    0.5: (-1.00, 0),
    0.6: (-0.58, 0.2),
    0.75: (0.07, 0.5),
    0.9: (0.64, 0.8),
    1: (1.00, 1),
}
COLOURS = {  # RGB -> what was taken for its Lab
    (1, 0, 0): (46, 99, 170),
    (0.7, 0.25, 0.2): (-3, 104, 62),
    (0.87, 0.68, 0.57): (50, 36, 48),
    (0.45, 0.3, 0.18): (-25, 12, 30),
    (0.53, 0.7, 0.9): (44, 16, -59),
    (0, 0, 1): (0, 181, -162),
}


def cube(levels: int) -> np.ndarray:
    axis = np.linspace(0, 1, levels, dtype=np.float32)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)


@pytest.mark.parametrize("grey", GREYS)
def test_greys_in_training_and_at_inference(grey: float) -> None:
    training, inference = GREYS[grey]
    L, a, b = as_run_lab(np.full(3, grey, np.float32))
    assert (L - 50) / 50 == pytest.approx(training, abs=0.0051)
    assert abs(a) < 0.01 and abs(b) < 0.01
    true_L = torch.tensor(grey_to_lightness(np.float64(grey)))
    given = as_run_input(true_L)
    assert (given.item() - 50) / 50 == pytest.approx(inference, abs=1e-6)


@pytest.mark.parametrize("rgb", COLOURS)
def test_colours_in_training(rgb: tuple[float, float, float]) -> None:
    wrong = as_run_lab(np.array(rgb, np.float32))
    np.testing.assert_allclose(wrong, COLOURS[rgb], atol=0.53)  # of the skin, a is 35.47
    assert np.abs(wrong - rgb_to_lab(np.array(rgb, np.float32))).max() > 20


def test_it_is_what_a_usual_conversion_makes_of_the_wrong_range() -> None:
    """scikit-image does not check the range either. Its white is the usual one, not ours."""
    rgb = cube(9).astype(np.float64)
    np.testing.assert_allclose(as_run_lab(rgb), rgb2lab(2 * rgb - 1), atol=0.02)


def test_the_range_over_the_cube() -> None:
    wrong = as_run_lab(cube(33))
    assert wrong[:, 0].min() == pytest.approx(-69.9, abs=0.05)
    assert wrong[:, 0].max() == pytest.approx(100, abs=0.01)
    assert (wrong[:, 0] < 0).mean() == pytest.approx(0.30, abs=0.005)
    assert (np.abs(wrong[:, 1:]).max(1) > 128).mean() == pytest.approx(0.116, abs=0.001)
    faces = np.arange(256, dtype=np.uint8)  # the extremes lie on the edges, between the corners
    edges = [
        np.roll(np.stack([faces, 0 * faces + c, 0 * faces + d], -1), k, -1)
        for k in range(3)
        for c in (0, 255)
        for d in (0, 255)
    ]
    largest = np.abs(as_run_lab(np.concatenate([*edges]))[:, 1:]).max()
    assert largest == pytest.approx(229.66, abs=0.01)
    assert np.abs(wrong[:, 1:]).max() <= largest < REACH < largest + 1


def test_bytes_and_floats_are_the_same() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    floats = as_run_lab(rgb.astype(np.float32) / 255)
    assert as_run_lab(rgb).dtype == np.float32
    np.testing.assert_allclose(as_run_lab(rgb), floats, atol=2e-3)


def test_there_and_back() -> None:
    rgb = cube(17).reshape(1, -1, 17, 3).repeat(2, 0)
    wrong = as_run_lab(rgb).transpose(0, 3, 1, 2)
    back = as_run_to_rgb(wrong[:, :1], wrong[:, 1:])
    assert back.shape == rgb.shape
    np.testing.assert_allclose(back, rgb, atol=1e-5)


def test_the_input_is_a_hundred_times_the_luma() -> None:
    grey = np.linspace(0, 1, 1001)
    L = torch.from_numpy(grey_to_lightness(grey))
    np.testing.assert_allclose(as_run_input(L).numpy(), 100 * grey, atol=1e-9)
    assert as_run_input(L.float()[None, None]).dtype == torch.float32
    before = L.clone()
    as_run_input(L)
    assert torch.equal(L, before)


def test_reading_back_gives_true_lab() -> None:
    rgb = np.random.default_rng(3).random((2, 5, 7, 3)).astype(np.float32)
    wrong = as_run_lab(rgb).transpose(0, 3, 1, 2)
    L, ab = read_back(wrong[:, :1], wrong[:, 1:])
    lab = rgb2lab(rgb).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(L, lab[:, :1], atol=0.05)
    np.testing.assert_allclose(ab, lab[:, 1:], atol=0.1)
