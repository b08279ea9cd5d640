"""evaluate/metrics.py against hand-worked values and scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio

from kolorit.colour.bins import BINS, nearest_bin
from kolorit.evaluate.metrics import (
    auc_terms,
    brown_share,
    colourfulness_ratio,
    lab_of,
    mean_difference,
    psnr,
    rarity,
    red_terms,
)

RNG = np.random.default_rng(0)
ONE, TWO = (RNG.integers(0, 256, (24, 31, 3), dtype=np.uint8) for _ in range(2))


def test_psnr_does_not_wrap() -> None:
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert psnr(shown=black, truth=white) == 0
    assert psnr(shown=ONE, truth=ONE) == math.inf
    assert psnr(shown=ONE, truth=TWO) == pytest.approx(peak_signal_noise_ratio(TWO, ONE))


def test_difference_is_that_of_scikit_image() -> None:
    expected = deltaE_ciede2000(rgb2lab(TWO), rgb2lab(ONE)).mean()
    assert mean_difference(shown=ONE, truth=TWO) == pytest.approx(expected, abs=0.01)
    assert mean_difference(shown=ONE, truth=ONE) == 0


def test_auc_is_the_area_under_the_curve() -> None:
    shown, truth = RNG.uniform(-60, 60, (2, 20, 20, 2))
    distance = np.linalg.norm(shown - truth, axis=-1)
    thresholds = np.linspace(0, 150, 150_001)
    curve = np.searchsorted(np.sort(distance.ravel()), thresholds, side="right") / distance.size
    total, weight = auc_terms(shown=shown, truth=truth)
    assert total / weight == pytest.approx(np.trapezoid(curve, thresholds) / 150, abs=1e-4)
    assert auc_terms(shown=truth, truth=truth)[0] == weight


def test_grey_s_auc_is_one_minus_mean_chroma_over_150() -> None:
    truth = RNG.uniform(-60, 60, (20, 20, 2))
    total, weight = auc_terms(shown=np.zeros_like(truth), truth=truth)
    assert total / weight == pytest.approx(1 - np.hypot(*truth.reshape(-1, 2).T).mean() / 150)


def test_rebalanced_weighs_by_the_true_colour_s_rarity() -> None:
    prior = np.full(313, 1 / 313)
    rare = int(nearest_bin(np.array([60.0, 40.0])))
    prior[rare] = 1e-4
    truth = np.zeros((1, 2, 2))
    truth[0, 1] = BINS[rare]
    total, weight = auc_terms(shown=np.zeros_like(truth), truth=truth, weight=rarity(truth, prior))
    w = np.array([313, 1e4])
    scores = np.array([1, 1 - np.hypot(60, 40) / 150])
    assert total == pytest.approx((w * scores).sum())
    assert weight == pytest.approx(w.sum())


def test_colourfulness_ratio() -> None:
    grey = np.repeat(ONE[..., :1], 3, -1)
    assert colourfulness_ratio(shown=ONE, truth=ONE) == 1
    assert colourfulness_ratio(shown=grey, truth=ONE) == pytest.approx(0, abs=1e-6)


def polar(chroma: float, hue: float) -> np.ndarray:
    """An ab picture of two pixels of one colour."""
    angle = np.radians(hue)
    return np.full((1, 2, 2), [chroma * np.cos(angle), chroma * np.sin(angle)])


@pytest.mark.parametrize(
    ("true", "shown", "expected"),
    [
        ((60, 30), (60, 30), (2, 2)),
        ((60, 30), (31, 50), (2, 2)),  # paler and turned towards orange: found
        ((60, 30), (29, 30), (0, 2)),  # less than half of its chroma
        ((60, 30), (60, 65), (0, 2)),  # yellow
        ((60, 2), (60, -14), (2, 2)),  # across 0 degrees
        ((60, 2), (60, -16), (0, 2)),
        ((60, 50), (60, 50), (0, 0)),  # orange is no red
        ((29, 20), (29, 20), (0, 0)),  # nor is a pale one
    ],
)
def test_reds(true: tuple, shown: tuple, expected: tuple) -> None:
    assert red_terms(shown=polar(*shown), truth=polar(*true)) == expected


def test_brown() -> None:
    brown, vivid, grey, green = polar(20, 60), polar(50, 60), polar(5, 60), polar(20, 120)
    assert brown_share(np.concatenate([brown, vivid, grey, green])) == 0.25
    rgb = np.array([[[115, 77, 46]]], np.uint8)  # what people call brown
    assert brown_share(lab_of(rgb)[..., 1:]) == 1
