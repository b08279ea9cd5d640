"""Less chroma until a colour fits into sRGB: the grey value and the hue stay.

Clipping each of R, G, B would repaint the grey values and turn the hue; here both chroma
components are scaled by one factor in [0, 1] per pixel. The grey axis lies inside the gamut, so a
factor always exists.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kolorit.colour.arrays import Floats, check_within, floats
from kolorit.colour.lab import lab_to_linear
from kolorit.colour.luma import BLUE_OF_CB, GREEN_OF_CB, GREEN_OF_CR, RED_OF_CR

_BLOCK = 1 << 15  # pixels whose intermediates stay in the processor's cache
_HALVINGS = 22  # of the Lab search: leaves 130 / 2**22 = 3e-5 units of chroma
# Linear light: what float32 may be off. Without it the yellow corner, which is inside, would count
# as outside and lose most of its chroma (see shrink_lab).
_ROUNDING = 4e-6


def chroma_room(
    Y: npt.ArrayLike, Cb: npt.ArrayLike, Cr: npt.ArrayLike, brightest: npt.ArrayLike | None = None
) -> Floats:
    """The largest factor in [0, 1] by which (Cb, Cr) can be scaled and still be inside sRGB.

    Y (...), 0..1; Cb, Cr (...), -0.5..0.5, of equal shape; returns (...), in their precision.
    Where one chroma serves several pixels, Y is their darkest luma and `brightest` the other end.
    RGB = Y + factor * direction is linear, and the direction sums to zero luma: the channel that
    rises most may rise by 1 - Y, the one that falls most may fall by Y. A Y outside [0, 1]
    leaves no room: 0. Raises ValueError for integers and for unequal shapes.
    """
    Y, Cb, Cr = floats(Y), floats(Cb), floats(Cr)
    high = Y if brightest is None else floats(brightest)
    if not Y.shape == Cb.shape == Cr.shape == high.shape:
        raise ValueError(f"Y, Cb, Cr differ in shape: {Y.shape}, {Cb.shape}, {Cr.shape}")
    room = np.empty(Y.shape, np.result_type(Y, Cb, Cr))
    flat, planes = room.reshape(-1), [plane.reshape(-1) for plane in (Y, high, Cb, Cr)]
    for start in range(0, flat.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        flat[block] = _room_of_block(*(plane[block] for plane in planes))
    return room


def shrink_ycbcr(Y: npt.ArrayLike, Cb: npt.ArrayLike, Cr: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Chroma scaled so that RGB lies in [0, 1] at the same luma and hue; inside, nothing changes.

    Y (...), 0..1; Cb, Cr (...), -0.5..0.5, of equal shape; returns new (Cb, Cr), each (...).
    RGB keeps to [0, 1] but for rounding (a few 1e-7 in float32). Raises as `chroma_room`.
    """
    Cb, Cr = floats(Cb), floats(Cr)
    room = chroma_room(Y, Cb, Cr)
    return Cb * room, Cr * room


def shrink_lab(lab: npt.ArrayLike) -> Floats:
    """a and b scaled so that RGB lies in [0, 1] at the same L and hue angle.

    lab (..., 3), L in 0..100; returns a new (..., 3). Colours inside stay bit for bit; the others
    land on the border, found by halving the interval; RGB keeps to [0, 1] within 6e-5.
    Close to yellow (L above 97) sRGB is not star-shaped about grey: red passes 1 by up to 1.4 %
    between the corner and the greys. There a colour just outside may lose more chroma than a
    search along the corner would cost it.
    Raises ValueError for L outside [0, 100] by more than rounding.
    """
    lab = floats(lab, channels=3)
    check_within(lab[..., 0], -1e-3, 100 + 1e-3, "L")
    shrunk = lab.copy()
    outside = ~_inside(lab)  # (...)
    pixels = lab[outside]  # (N,3)
    low = np.zeros(len(pixels), lab.dtype)  # always inside: grey
    high = np.ones(len(pixels), lab.dtype)  # always outside
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = _inside(_scaled(pixels, middle))
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    shrunk[outside] = _scaled(pixels, low)
    return shrunk


def _room_of_block(Y: Floats, high: Floats, Cb: Floats, Cr: Floats) -> Floats:
    """`chroma_room` of flat arrays (N,)."""
    red = RED_OF_CR * Cr
    blue = BLUE_OF_CB * Cb
    green = GREEN_OF_CB * Cb + GREEN_OF_CR * Cr
    rise = np.maximum(np.maximum(red, blue), green)
    fall = -np.minimum(np.minimum(red, blue), green)
    # No chroma: neither rises nor falls. The smallest number in place of 0 keeps 0/0 away, and a
    # factor below 1 does no harm to a chroma of 0.
    least = np.finfo(rise.dtype).tiny
    up = (1 - high) / np.maximum(rise, least)
    down = Y / np.maximum(fall, least)
    room: Floats = np.clip(np.minimum(up, down), 0, 1)
    return room


def _scaled(lab: Floats, factor: Floats) -> Floats:
    """lab (N, 3) with a and b times factor (N,)."""
    return np.column_stack([lab[:, 0], lab[:, 1] * factor, lab[:, 2] * factor])


def _inside(lab: Floats) -> npt.NDArray[np.bool_]:
    """Whether the colours lab (..., 3) exist in sRGB; returns (...)."""
    linear = lab_to_linear(lab)
    inside = (linear >= -_ROUNDING) & (linear <= 1 + _ROUNDING)  # (...,3)
    return np.asarray(inside.all(axis=-1))
