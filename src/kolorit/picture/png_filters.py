"""The five filters of PNG rows, on whole strips.

None, left and above are undone a row at a time. Average and Paeth need the left, upper and
upper-left neighbour of each pixel, so they are undone along diagonals, where all rows of a strip
take a step at once.
Source: PNG, third edition (W3C, 2025), 9.2 to 9.4.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kolorit.errors import InputUnreadable
from kolorit.picture.signature import AGAIN

NONE, LEFT, ABOVE, AVERAGE, PAETH = range(5)

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.int16]


def undo(kinds: Bytes, raw: Bytes, above: Bytes, bpp: int) -> Bytes:
    """Unfiltered rows (n, bytes) of raw ones.

    kinds (n,) the filters; above (bytes,) the row before, unfiltered; bpp bytes a pixel.
    Raises InputUnreadable for a filter that does not exist.
    """
    if kinds.max() > PAETH:
        raise InputUnreadable(
            "the picture is damaged: a row has a filter that does not exist", remedy=AGAIN
        )
    if kinds.max() > ABOVE:
        return _undo_along_diagonals(kinds, raw, above, bpp)
    rows = np.empty_like(raw)
    for at, kind in enumerate(kinds):
        if kind == LEFT:
            pixels = raw[at].reshape(-1, bpp)
            rows[at] = np.cumsum(pixels, axis=0, dtype=np.uint8).reshape(-1)
        elif kind == ABOVE:
            rows[at] = raw[at] + above
        else:
            rows[at] = raw[at]
        above = rows[at]
    return rows


def _undo_along_diagonals(kinds: Bytes, raw: Bytes, above: Bytes, bpp: int) -> Bytes:
    """As `undo`, for all filters. Step d takes pixel d - r of each row r.

    `grid` holds the diagonals: grid[d + 2, r + 1] is pixel d - r of row r, and row 0 of it is the
    row above the strip, shifted likewise. Places left of the picture stay zero.
    """
    count, width = len(raw), raw.shape[1] // bpp
    steps = width + count - 1
    grid = np.zeros((steps + 2, count + 1, bpp), np.int16)
    grid[1 : width + 1, 0] = above.reshape(width, bpp)
    for row in range(count):
        grid[row + 2 : row + 2 + width, row + 1] = raw[row].reshape(width, bpp)
    others = [
        (kind, (kinds == kind)[:, None])
        for kind in (NONE, LEFT, ABOVE, AVERAGE)
        if (kinds == kind).any()
    ]
    for step in range(steps):
        low, high = max(0, step - width + 1), min(count, step + 1)
        left = grid[step + 1, low + 1 : high + 1]
        upper = grid[step + 1, low:high]
        corner = grid[step, low:high]
        guess = _paeth(left, upper, corner)
        for kind, rows_of_kind in others:
            neighbours = {LEFT: left, ABOVE: upper, NONE: np.zeros_like(left)}
            other = neighbours[kind] if kind in neighbours else (left + upper) >> 1
            np.copyto(guess, other, where=rows_of_kind[low:high])
        pixels = grid[step + 2, low + 1 : high + 1]
        pixels += guess
        pixels &= 255
    rows = np.empty_like(raw)
    for row in range(count):
        rows[row] = grid[row + 2 : row + 2 + width, row + 1].reshape(-1)
    return rows


def _paeth(left: Words, upper: Words, corner: Words) -> Words:
    """Of the three neighbours (n, bpp) the one nearest to left + upper - corner."""
    across, down = upper - corner, left - corner  # how far that is from left, and from upper
    to_left, to_upper, to_corner = np.abs(across), np.abs(down), np.abs(across + down)
    guess = np.where(to_upper <= to_corner, upper, corner)
    np.copyto(guess, left, where=to_left <= np.minimum(to_upper, to_corner))
    return guess


def choose(rows: Bytes, above: Bytes, bpp: int) -> Bytes:
    """Filtered rows (n, 1 + bytes), each by left or above, whichever leaves smaller differences."""
    upper = np.vstack([above[None], rows[:-1]])
    by_above = rows - upper
    by_left = rows.copy()
    by_left[:, bpp:] -= rows[:, :-bpp]
    use_left = _size(by_left) < _size(by_above)
    out = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    out[:, 0] = np.where(use_left, LEFT, ABOVE)
    out[:, 1:] = np.where(use_left[:, None], by_left, by_above)
    return out


def _size(differences: Bytes) -> npt.NDArray[np.int64]:
    """Sum over a row of differences taken as -128..127."""
    sizes = np.abs(differences.view(np.int8).astype(np.int16))
    return np.asarray(sizes.sum(axis=1, dtype=np.int64))
