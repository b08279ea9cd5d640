"""Colours that keep to the photograph's own edges, before they go up to full size.

The network looks at some 160 pixels and its colours are soft; the photograph's own lightness says
where things end.
"""

from __future__ import annotations

import numpy as np

from kolorit.picture.resize import resize_plane

RADIUS = 4  # pixels of the network: how far a colour may be moved
STEADY = 10.0  # L units squared: variance of L below which a place counts as flat


def follow_edges(L: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """ab (2,h,w) in ab units, brought to the size of L (H,W), 0..100, and laid along its edges.

    In each window a and b are the linear functions of L that come nearest to what is given: they
    change where L does, and stay where it is flat. The functions are found at the size of ab and
    applied at that of L. Source: He, Sun and Tang 2013, "Guided Image Filtering", eqs. 5, 6 and 8;
    He and Sun 2015, "Fast Guided Filter".
    """
    L = L - L.mean()  # small numbers: sums of squares keep their digits in float32
    ab = np.asarray(ab, np.float32)
    small = resize_plane(L, ab.shape[1:], "area")  # (h,w)
    means = _window_means(np.stack([small, small * small, *ab, *(small * ab)]))  # (6,h,w)
    mean_L, mean_ab = means[0], means[2:4]
    slope = (means[4:] - mean_L * mean_ab) / (means[1] - mean_L**2 + np.float32(STEADY))
    lines = _window_means(np.concatenate([slope, mean_ab - slope * mean_L]))  # (4,h,w)
    large = np.stack([resize_plane(plane, L.shape, "bilinear") for plane in lines])  # (4,H,W)
    return np.asarray(large[:2] * L + large[2:])


def _window_means(planes: np.ndarray) -> np.ndarray:
    """Means over the 9 x 9 window around each pixel of planes (C,h,w); edges mirrored."""
    width = 2 * RADIUS + 1
    share = np.float32(1 / width)
    margin = (RADIUS + 1, RADIUS)
    sums = np.pad(planes, ((0, 0), margin, (0, 0)), mode="symmetric").cumsum(1, planes.dtype)
    planes = (sums[:, width:] - sums[:, :-width]) * share
    sums = np.pad(planes, ((0, 0), (0, 0), margin), mode="symmetric").cumsum(2, planes.dtype)
    return np.asarray((sums[..., width:] - sums[..., :-width]) * share)
