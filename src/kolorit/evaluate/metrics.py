"""Metrics of one coloured picture against its truth, each exactly defined.

rgb is sRGB-encoded (H,W,3) uint8, ab (H,W,2) in Lab units. Everything is computed in float64.
"""

from __future__ import annotations

import numpy as np

from kolorit.colour.bins import nearest_bin
from kolorit.colour.colourfulness import colourfulness
from kolorit.colour.difference import ciede2000
from kolorit.colour.lab import rgb_to_lab

_REACH = 150.0  # ab units: the largest threshold of the AuC


def psnr(*, shown: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, peak 255, over all pixels and channels; inf if equal."""
    error = np.mean((shown.astype(np.float64) - truth.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def mean_difference(*, shown: np.ndarray, truth: np.ndarray) -> float:
    """Mean CIEDE2000 over the pixels of two rgb pictures; 0 if equal."""
    return float(ciede2000(lab_of(shown), lab_of(truth)).mean())


def auc_terms(
    *, shown: np.ndarray, truth: np.ndarray, weight: np.ndarray | None = None
) -> tuple[float, float]:
    """(sum of weight * score, sum of weight) over pixels, for ab (H,W,2) pictures.

    The score of a pixel is max(0, 1 - d / 150), d its ab distance: the area under the share of
    pixels within t, t from 0 to 150, in closed form. weight (H,W): 1 for the raw AuC, `rarity` for
    the rebalanced one. Divide the sums after adding them over the whole set. Source: Zhang et al.
    2016, section 3.1.
    """
    distance = np.linalg.norm(shown.astype(np.float64) - truth.astype(np.float64), axis=-1)
    score = np.maximum(0.0, 1 - distance / _REACH)
    weight = np.ones_like(score) if weight is None else weight
    return float((weight * score).sum()), float(weight.sum())


def rarity(truth: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """1 / prior (Q,) of the bin nearest to each true ab (H,W,2): (H,W), the rebalanced weights."""
    return np.asarray(1 / prior[nearest_bin(truth)])


def red_terms(*, shown: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """(red pixels found, red pixels) for ab (H,W,2) pictures; divide the sums over the whole set.

    Red: true chroma 30 or more, true hue 0 to 45 degrees. Found: shown with at least half of that
    chroma and a hue of -15 to 60 degrees.
    """
    red = _hue_within(truth, 0, 45) & (_chroma(truth) >= 30)
    found = red & _hue_within(shown, -15, 60) & (_chroma(shown) >= _chroma(truth) / 2)
    return float(found.sum()), float(red.sum())


def brown_share(ab: np.ndarray) -> float:
    """Share of the pixels of an ab picture (H,W,2) with hue 45 to 85 degrees and chroma 8 to 40."""
    chroma = _chroma(ab)
    return float((_hue_within(ab, 45, 85) & (chroma >= 8) & (chroma < 40)).mean())


def _chroma(ab: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(ab.astype(np.float64), axis=-1))


def _hue_within(ab: np.ndarray, low: float, high: float) -> np.ndarray:
    """Whether the hue angle in degrees lies in [low, high); low may be below 0."""
    hue = np.degrees(np.arctan2(ab[..., 1].astype(np.float64), ab[..., 0]))
    return np.asarray((hue - low) % 360 < high - low)


def colourfulness_ratio(*, shown: np.ndarray, truth: np.ndarray) -> float:
    """Colourfulness (Hasler and Suesstrunk, signed) of a picture as a share of the truth's."""
    return float(colourfulness(shown) / max(colourfulness(truth), 1e-9))


def lab_of(rgb: np.ndarray) -> np.ndarray:
    """Lab (H,W,3) float64 of rgb (H,W,3) uint8."""
    return np.asarray(rgb_to_lab(rgb / 255.0))
