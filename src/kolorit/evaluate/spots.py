"""True colours given as hints, to see how much a system makes of them."""

from __future__ import annotations

import hashlib

import numpy as np

from kolorit.evaluate.systems import Spot

_HALF = 4  # the colour is the mean over 9 x 9 pixels


def true_spots(ab: np.ndarray, count: int, stem: str) -> tuple[Spot, ...]:
    """Discs of 9 px with the true mean colour of ab (H,W,2), at random places of the picture.

    The same places for every system; a larger count begins with those of a smaller one. Source of
    the sweep: Zhang et al. 2017, figure 6, whose patches lie at random too.
    """
    seed = int.from_bytes(
        hashlib.sha256(stem.encode("utf-8", "surrogateescape")).digest()[:8], "big"
    )
    rng = np.random.default_rng(seed)
    height, width = ab.shape[:2]
    low_y, low_x = (min(_HALF, (n - 1) // 2) for n in (height, width))
    spots = []
    for down, across in rng.random((count, 2)):
        y = int(low_y + down * (height - 2 * low_y))
        x = int(low_x + across * (width - 2 * low_x))
        patch = ab[max(0, y - _HALF) : y + _HALF + 1, max(0, x - _HALF) : x + _HALF + 1]
        a, b = patch.mean((0, 1))
        centre = ((x + 0.5) / width, (y + 0.5) / height)
        radius = (_HALF + 0.5) / max(height, width)
        spots.append(Spot(*centre, radius, (float(a), float(b))))
    return tuple(spots)
