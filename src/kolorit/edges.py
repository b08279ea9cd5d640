"""Colours that keep to the photograph's own edges, before they go up to full size.

The network looks at some 160 pixels and its colours are soft; the photograph's own lightness says
where things end.
"""

from __future__ import annotations

import numpy as np

from kolorit.picture.resize import resize_plane

RADIUS = 8  # pixels of L: how far a colour may be moved
STEADY = 10.0  # L units squared: variance of L below which a place counts as flat


def follow_edges(L: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """ab (2,h,w) in ab units, brought to the size of L (H,W), 0..100, and laid along its edges.

    In each window a and b are the linear functions of L that come nearest to what is given: they
    change where L does, and stay where it is flat. Source: He, Sun and Tang 2013, "Guided Image
    Filtering", eqs. 5, 6 and 8.
    """
    L = L - L.mean()  # small numbers: sums of squares keep their digits in float32
    soft = np.stack([resize_plane(plane, L.shape, "bicubic") for plane in ab])  # (2,H,W)
    means = _window_means(np.stack([L, L * L, *soft, *(L * soft)]))  # (6,H,W)
    mean_L, mean_ab = means[0], means[2:4]
    slope = (means[4:] - mean_L * mean_ab) / (means[1] - mean_L**2 + np.float32(STEADY))
    slope, offset = np.split(_window_means(np.concatenate([slope, mean_ab - slope * mean_L])), 2)
    return np.asarray(slope * L + offset, np.float32)


def _window_means(planes: np.ndarray) -> np.ndarray:
    """Means over the 17 x 17 window around each pixel of planes (C,h,w); edges mirrored."""
    width = 2 * RADIUS + 1
    share = np.float32(1 / width)
    margin = (RADIUS + 1, RADIUS)
    sums = np.pad(planes, ((0, 0), margin, (0, 0)), mode="symmetric").cumsum(1, planes.dtype)
    planes = (sums[:, width:] - sums[:, :-width]) * share
    sums = np.pad(planes, ((0, 0), (0, 0), margin), mode="symmetric").cumsum(2, planes.dtype)
    return np.asarray((sums[..., width:] - sums[..., :-width]) * share)
