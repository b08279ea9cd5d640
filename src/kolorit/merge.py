"""Putting small colours on a full-size photograph without touching its grey values."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np

from kolorit.colour.gamut import chroma_room, shrink_lab
from kolorit.colour.lab import grey_to_lightness, lab_to_rgb
from kolorit.colour.luma import rgb_to_ycbcr
from kolorit.picture.picture import Picture
from kolorit.picture.resize import resize_plane, resize_rows

_STRIP = 64  # rows at a time of whatever is full-size and float
_SMOOTH = 8.0  # pixels to one of ab from which 4 x 4 of them have nearly one colour
_LOSS = 0.04  # share of the chroma that may go because 4 x 4 pixels share it; else 2 x 2 do


def merge(picture: Picture, L: np.ndarray, ab: np.ndarray, *, fine: bool | None = None) -> Picture:
    """The photograph with colour: its luma plane as it was, chroma planes beside it.

    L (h,w) 0..100 and ab (2,h,w) in ab units, both small. Chroma has half the size of
    the luma (as in JPEG files; a quarter where little is lost by that), or all of it where
    ``fine``; None decides by the source: whole for 16 bit and for lossless files. Colours outside
    of sRGB lose chroma at their luma and hue.
    """
    cb, cr = chroma_of(L, ab)
    if fine is None:
        fine = picture.depth == 16 or picture.source.format not in ("JPEG", "WEBP", "AVIF")
    chroma = _whole(picture, cb, cr) if fine else _coarse(picture, cb, cr)
    return replace(picture, chroma=chroma)


def merge_lab(picture: Picture, ab: np.ndarray) -> Picture:
    """The photograph with colour at its own L* instead of its own luma; slower, full-size chroma.

    The stored luma then moves a little wherever a colour of that L* has another luma.
    """
    height, width = picture.luma.shape
    top = _top(picture)
    planes = np.empty((3, height, width), picture.luma.dtype)
    for y in range(0, height, _STRIP):
        rows = slice(y, y + _STRIP)
        L = grey_to_lightness(picture.luma[rows] / np.float32(top))
        a, b = (resize_rows(plane, (height, width), y, y + len(L)) for plane in ab)
        lab = shrink_lab(np.stack([L, a, b], -1).astype(np.float32))
        ycc = rgb_to_ycbcr(np.clip(lab_to_rgb(lab), 0, 1)).transpose(2, 0, 1)  # (3,rows,W)
        planes[0, rows] = np.round(ycc[0] * top)
        planes[1:, rows] = np.clip(np.round(ycc[1:] * top + (top + 1) // 2), 0, top)
    return replace(picture, luma=planes[0], chroma=planes[1:])


def chroma_of(L: np.ndarray, ab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cb, Cr (h,w) in -0.5..0.5 of Lab colours; outside of sRGB they may be larger."""
    ycc = rgb_to_ycbcr(lab_to_rgb(np.stack([L, *ab], -1).astype(np.float32)))
    return ycc[..., 1], ycc[..., 2]


def _whole(picture: Picture, cb: np.ndarray, cr: np.ndarray) -> np.ndarray:
    """(2,H,W) at every pixel's own gamut limit."""
    height, width = picture.luma.shape
    top = _top(picture)
    chroma = np.empty((2, height, width), picture.luma.dtype)
    for y in range(0, height, _STRIP):
        rows = slice(y, y + _STRIP)
        Y = picture.luma[rows] / np.float32(top)
        planes = [resize_rows(plane, (height, width), y, y + len(Y)) for plane in (cb, cr)]
        room = chroma_room(Y, planes[0], planes[1])
        for k, plane in enumerate(planes):
            chroma[k, rows] = np.clip(np.round(plane * room * top + (top + 1) // 2), 0, top)
    return chroma


def _coarse(picture: Picture, cb: np.ndarray, cr: np.ndarray) -> np.ndarray:
    """(2,h,w) uint8 with one sample for 2 x 2 pixels, or for 4 x 4 where the picture is so large
    that the colours are smooth over many pixels: a quarter of the time.

    One speck of dust or grain takes the chroma of all that share its sample. Where that adds up,
    the larger cells would show as pale squares.
    """
    size = picture.luma.shape
    large = min(n / small for n, small in zip(size, cb.shape, strict=True)) >= _SMOOTH
    for cell in (4, 2) if large else (2,):
        grid = (-(-size[0] // cell), -(-size[1] // cell))
        darkest, brightest = (e / np.float32(255) for e in _extremes(picture.luma, cell))
        planes = [resize_plane(plane, grid, "bicubic") for plane in (cb, cr)]
        room = chroma_room(darkest, planes[0], planes[1], brightest)
        if cell == 2 or _shared_loss(picture.luma, cell, room, *planes) < _LOSS:
            break
    room *= 255
    chroma = np.empty((2, *grid), np.uint8)
    for k, plane in enumerate(planes):
        chroma[k] = np.clip(plane * room + 128.5, 0, 255)  # rounds to the nearest
    return chroma


def _shared_loss(
    luma: np.ndarray, cell: int, room: np.ndarray, cb: np.ndarray, cr: np.ndarray
) -> float:
    """Share of the chroma that is lost since each cell has one room, and not each pixel its own.

    By the first pixel of every cell in every fourth row of cells.
    """
    shared, cb, cr = room[::4], cb[::4], cr[::4]
    own = chroma_room(luma[:: 4 * cell, ::cell] / np.float32(255), cb, cr)
    strength = np.abs(cb) + np.abs(cr)
    return float((strength * (own - shared)).sum() / max(float(strength.sum()), 1e-6))


def _extremes(luma: np.ndarray, cell: int) -> list[np.ndarray]:
    """The darkest and the brightest luma of each cell x cell pixels: two of (ceil(H/c),ceil(W/c)).

    Every pixel that shares a chroma sample must stay inside sRGB, else its grey value would move.
    """
    height, width = luma.shape
    pad = ((0, -height % cell), (0, 0))
    whole = np.pad(luma, pad, mode="edge") if pad[0][1] else luma
    found = []
    for extreme in (np.minimum, np.maximum):
        rows = reduce(extreme, [whole[k::cell] for k in range(cell)])  # (H/c,W)
        rows = np.pad(rows, ((0, 0), (0, -width % cell)), mode="edge")
        found.append(reduce(extreme, [rows[:, k::cell] for k in range(cell)]))
    return found


def _top(picture: Picture) -> int:
    return 65535 if picture.depth == 16 else 255
