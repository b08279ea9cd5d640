"""CIEDE2000, the colour difference that follows the eye best: about 1 is just noticeable.

Source: Luo, Cui, Rigg 2001 (CIE 142-2001); its steps and the cases of the hue as spelled out by
Sharma, Wu, Dalal, Color Research and Application 30 (2005), eq. 2 to 22, with kL = kC = kH = 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kolorit.colour.arrays import Floats, floats


def ciede2000(lab1: npt.ArrayLike, lab2: npt.ArrayLike) -> Floats:
    """Colour difference of each pair of Lab colours; symmetric, 0 for equal ones.

    lab1, lab2 (..., 3) of shapes that broadcast; returns (...), at least 0. The arithmetic is
    float64, since tiny hue steps decide between branches; the result has the inputs' precision.
    Raises ValueError for integers or another last axis.
    """
    first, second = floats(lab1, channels=3), floats(lab2, channels=3)
    L1, a1, b1 = np.moveaxis(first.astype(np.float64), -1, 0)
    L2, a2, b2 = np.moveaxis(second.astype(np.float64), -1, 0)

    # Chroma and hue with a stretched for colours near grey: eq. 2 to 7.
    stretch = 1 + 0.5 * (1 - _fade((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2))
    C1, C2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1 = np.arctan2(b1, stretch * a1) % (2 * np.pi)
    h2 = np.arctan2(b2, stretch * a2) % (2 * np.pi)

    # Differences: eq. 8 to 11. The hue goes the shorter way round. A grey has no hue, which needs
    # no case of its own: dH is 0 then, and no other term looks at the hue.
    dL, dC = L2 - L1, C2 - C1
    dh = h2 - h1
    dh = np.where(dh > np.pi, dh - 2 * np.pi, np.where(dh < -np.pi, dh + 2 * np.pi, dh))
    dH = 2 * np.sqrt(C1 * C2) * np.sin(dh / 2)

    # Means: eq. 12 to 14.
    L, C = (L1 + L2) / 2, (C1 + C2) / 2
    h = (h1 + h2) / 2
    h = np.where(np.abs(h1 - h2) > np.pi, np.where(h < np.pi, h + np.pi, h - np.pi), h)

    # Weights of the three, and the rotation in the blue: eq. 15 to 21.
    T = (
        1
        - 0.17 * np.cos(h - np.radians(30))
        + 0.24 * np.cos(2 * h)
        + 0.32 * np.cos(3 * h + np.radians(6))
        - 0.20 * np.cos(4 * h - np.radians(63))
    )
    SL = 1 + 0.015 * (L - 50) ** 2 / np.sqrt(20 + (L - 50) ** 2)
    SC = 1 + 0.045 * C
    SH = 1 + 0.015 * C * T
    turn = np.radians(30) * np.exp(-(((np.degrees(h) - 275) / 25) ** 2))
    RT = -2 * _fade(C) * np.sin(2 * turn)

    chroma, hue = dC / SC, dH / SH
    square = (dL / SL) ** 2 + chroma**2 + hue**2 + RT * chroma * hue
    difference = np.sqrt(np.maximum(square, 0))  # rounding may leave -1e-33 in place of 0
    return np.asarray(difference, dtype=np.result_type(first, second))


def _fade(C: Floats) -> Floats:
    """From 0 at grey to 1 at strong chroma, half way near 25."""
    seventh = C**7
    return np.sqrt(seventh / (seventh + 25.0**7))
