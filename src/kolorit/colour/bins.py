"""The 313 ab bins: the classes of colour classification, and what is read from a distribution.

Bins lie on a grid of step 10 over the ab plane. Order: by a, then by b.
Source: Zhang, Isola, Efros, Colorful Image Colorization, ECCV 2016, sections 2.1 to 2.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kolorit.colour.arrays import Floats, floats
from kolorit.colour.lab import rgb_to_lab
from kolorit.errors import ConfigInvalid

STEP = 10
_REACH = 130  # the grid is searched from -130 to 130, well beyond sRGB
_ROWS = 2048  # colours in flight in soft_encode: 2048 x 313 float32 is 2.5 MB


def derive_bins() -> npt.NDArray[np.float32]:
    """The corners of all grid cells that the convex hull of sRGB in the ab plane touches.

    Returns (Q, 2) float32, Q = 313: a, b in Lab units, multiples of 10. "Touches" means that a
    cell and the hull share more than a border. Without the hull there would be 306, with only
    the bins that hold a colour 261.
    """
    hull = _convex_hull(_saturated_edges())  # (P,2), counter-clockwise
    low = np.arange(-_REACH, _REACH, STEP)
    a, b = np.meshgrid(low, low, indexing="ij")  # lower corners of the cells, (n,n)

    # Two convex shapes overlap unless a line along a side of one of them parts them.
    kept = (a + STEP > hull[:, 0].min()) & (a < hull[:, 0].max())
    kept &= (b + STEP > hull[:, 1].min()) & (b < hull[:, 1].max())
    for (a0, b0), (da, db) in zip(hull, np.roll(hull, -1, axis=0) - hull, strict=True):
        # The corner that lies farthest to the inner (left) side of this side of the hull.
        far_a = a + (STEP if db < 0 else 0)
        far_b = b + (STEP if da > 0 else 0)
        kept &= da * (far_b - b0) - db * (far_a - a0) > 0

    corners = np.zeros((len(low) + 1, len(low) + 1), bool)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        corners[i : i + len(low), j : j + len(low)] |= kept
    return (np.argwhere(corners) * STEP - _REACH).astype(np.float32)  # (Q,2), by a, then b


def soft_encode(
    ab: npt.ArrayLike, neighbours: int = 5, sigma: float = 5.0
) -> tuple[npt.NDArray[np.int64], Floats]:
    """The nearest bins of each colour, weighted by a Gaussian of their distance.

    ab (..., 2), Lab units; sigma in the same units. Returns indices (..., neighbours) into BINS,
    nearest first, and weights of the same shape that sum to 1. Bins at equal distance come in
    the order of BINS: smaller a first, then smaller b. A colour far outside of all bins still has
    weights. Raises ConfigInvalid for neighbours outside 1..313 or sigma not above 0.
    """
    ab = floats(ab, channels=2)
    if not 1 <= neighbours <= len(BINS):
        raise ConfigInvalid(f"neighbours must be in 1..{len(BINS)}, not {neighbours}")
    if not sigma > 0:
        raise ConfigInvalid(f"sigma must be above 0, not {sigma}")
    flat = ab.reshape(-1, 2)  # (N,2)
    indices = np.empty((len(flat), neighbours), np.int64)
    squares = np.empty((len(flat), neighbours), ab.dtype)
    for top in range(0, len(flat), _ROWS):
        rows = slice(top, top + _ROWS)
        indices[rows], squares[rows] = _nearest(flat[rows], neighbours)
    # Relative to the nearest one: far outside, all plain Gaussians would round to 0.
    weights = np.exp((squares[:, :1] - squares) / (2 * sigma**2))
    weights /= weights.sum(axis=1, keepdims=True)
    shape = (*ab.shape[:-1], neighbours)
    return indices.reshape(shape), weights.reshape(shape)


def nearest_bin(ab: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Index into BINS of the bin nearest to ab (..., 2); returns (...). Ties as `soft_encode`."""
    indices, _ = soft_encode(ab, neighbours=1)
    return indices[..., 0]


def softmax(logits: npt.ArrayLike) -> Floats:
    """Probabilities of logits (..., Q), any real; returns (..., Q), each row summing to 1."""
    logits = floats(logits)
    powers: Floats = np.exp(logits - logits.max(axis=-1, keepdims=True))
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers


def annealed_mean(
    logits: npt.ArrayLike, T: float, bins: npt.NDArray[np.floating[Any]] | None = None
) -> Floats:
    """Point estimate of a distribution over bins, between its mode (T near 0) and its mean (T = 1).

    logits (..., Q), any real; T in (0, 1]; bins (Q, 2), BINS if None. Returns (..., 2) in the
    units of the bins. Raises ConfigInvalid for T outside, ValueError where Q differs.
    Source: eq. 5 of the paper, p^(1/T) renormalised. It is computed as the softmax of log p / T,
    to which the unnormalised logits do as well as log p; a power of small p would round to 0.
    """
    logits = floats(logits)
    centres = (BINS if bins is None else bins).astype(logits.dtype)  # (Q,2)
    if not 0 < T <= 1:
        raise ConfigInvalid(f"the temperature must be in (0, 1], not {T}")
    if logits.ndim == 0 or logits.shape[-1] != len(centres):
        raise ValueError(f"logits {logits.shape} do not fit {len(centres)} bins")
    shifted = logits - logits.max(axis=-1, keepdims=True)  # first, lest a small T overflows
    weight = np.exp(shifted / T)  # (...,Q)
    # Sums, no matrix product: BLAS would wake threads that then spin for nothing.
    sums = [np.einsum("...q,q->...", weight, centre) for centre in centres.T]
    mean: Floats = np.stack(sums, axis=-1) / weight.sum(axis=-1, keepdims=True)  # (...,2)
    return mean


def _saturated_edges(samples: int = 32) -> Floats:
    """ab of the colours on the way red, yellow, green, cyan, blue, magenta, red: (6 samples, 2).

    These edges of the sRGB cube have the largest chroma of their hue, so the ab plane needs no
    other colours for its hull.
    """
    hue = np.arange(6 * samples) / samples
    red = np.abs(hue - 3) - 1
    green = 2 - np.abs(hue - 2)
    blue = 2 - np.abs(hue - 4)
    rgb = np.clip(np.stack([red, green, blue], axis=-1), 0, 1)  # (6 samples,3)
    return rgb_to_lab(rgb)[:, 1:]


def _convex_hull(points: Floats) -> npt.NDArray[np.float64]:
    """Corners of the convex hull of points (N, 2), counter-clockwise: (P, 2).

    Source: A. M. Andrew 1979, the two monotone chains.
    """
    ordered = sorted(map(tuple, points.tolist()))

    def chain(points: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
        corners: list[tuple[float, ...]] = []
        for x, y in points:
            while len(corners) > 1 and not _turns_left(corners[-2], corners[-1], (x, y)):
                corners.pop()
            corners.append((x, y))
        return corners[:-1]  # the last is the first of the other chain

    return np.array(chain(ordered) + chain(ordered[::-1]))


def _turns_left(o: tuple[float, ...], p: tuple[float, ...], q: tuple[float, ...]) -> bool:
    return (p[0] - o[0]) * (q[1] - o[1]) > (p[1] - o[1]) * (q[0] - o[0])


def _nearest(ab: Floats, count: int) -> tuple[npt.NDArray[np.int64], Floats]:
    """Indices of the nearest bins of ab (N, 2), and squares of their distances: each (N, count)."""
    a, b = BINS.T.astype(ab.dtype)
    squares = (ab[:, :1] - a) ** 2 + (ab[:, 1:] - b) ** 2  # (N,Q)
    row = np.arange(len(ab))
    indices, least = np.empty((len(ab), count), np.int64), np.empty((len(ab), count), ab.dtype)
    for k in range(count):
        indices[:, k] = squares.argmin(axis=1)  # the first of equals, which is the order promised
        least[:, k] = squares[row, indices[:, k]]
        squares[row, indices[:, k]] = np.inf
    return indices, least


BINS = derive_bins()
BINS.setflags(write=False)
