"""Whether a confidence means something: of the places said to be 80 % sure, are 80 % right?"""

from __future__ import annotations

import numpy as np

from kolorit.picture.resize import resize_plane

BINS = 10
RIGHT = 20.0  # ab units: what the confidence of a model speaks of, see runtime/model.py


def calibration_terms(ab: np.ndarray, confidence: np.ndarray, *, truth: np.ndarray) -> np.ndarray:
    """(10,3) by tenths of the confidence: sum of confidences, places that were right, places.

    ab (2,h,w) and confidence (h,w) 0..1 as the system gave them at its own size; truth (H,W,2) is
    averaged down to it. Right: within 20 ab units of the truth.
    """
    size = confidence.shape
    a, b = (resize_plane(truth[..., k].astype(np.float32), size, "area") for k in (0, 1))
    right = np.hypot(ab[0] - a, ab[1] - b) <= RIGHT  # (h,w)
    tenth = np.minimum((confidence * BINS).astype(int), BINS - 1).ravel()  # (h*w,)
    values = (confidence.ravel(), right.ravel(), np.ones(tenth.size))
    return np.stack([np.bincount(tenth, weights=v, minlength=BINS) for v in values], -1)


def calibration_error(terms: np.ndarray) -> np.ndarray:
    """Expected calibration error (...), 0..1, of summed terms (...,10,3): mean over places of
    |confidence - share right| by tenths. Source: Guo et al. 2017, eq. 3."""
    said, right, places = np.moveaxis(terms, -1, 0)
    return np.asarray(np.abs(said - right).sum(-1) / np.maximum(places.sum(-1), 1))
