"""JPEG quantisation tables to write with: the source's for luma, a match of them for chroma.

Steps equal to those the file was made with fall on the values it holds, so decoding and encoding
again changes almost none of them. Almost: values cut at black or white, and blocks that the edge
cuts, come out otherwise. Where these are many, finer steps are taken.
Source of the standard tables: ITU-T T.81, K.1 (they are recommendations; scale 1 is quality 50).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Plane = npt.NDArray[Any]

# fmt: off
LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)
CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    *(99,) * 32,
)
# fmt: on
KEPT = 0.9925  # share of a sample within 1 of its old value, so that of the whole 0.99 are
FINE = 2  # steps up to which 0.99 are kept of luma that was on no grid of steps
CAPS = (255, 4, 2, 1)  # coarsest steps tried one after the other
SMALL = 1 << 20  # pixels up to which a picture is its own sample
TILE, ACROSS = 64, 8  # of a larger one's sample: squares of whole blocks, so many each way
CUT = 0.003  # share of black and white that makes a look at a larger picture worth its time
COARSEST = 1.0  # chroma's scale; a file that was squeezed harder than quality 50 gets no worse


def tables_for(source: Mapping[int, list[int]]) -> list[list[int]]:
    """[luma, chroma] tables of 64 steps, 1..255, in natural order.

    source: {0: luma} or {0: luma, 1: chroma} of the file that was read. Without a chroma table the
    standard one is scaled by as much as the luma table differs from its standard.
    """
    luma = [min(max(step, 1), 255) for step in source[0]]
    if 1 in source:
        return [luma, [min(max(step, 1), 255) for step in source[1]]]
    scale = min(sum(luma) / sum(LUMA), COARSEST)
    return [luma, [min(max(round(step * scale), 1), 255) for step in CHROMA]]


def standard_tables(quality: int) -> list[list[int]]:
    """[luma, chroma] tables of quality 50 to 100 by the usual scale, in natural order."""
    scale = (200 - 2 * quality) / 100
    return [[max(round(step * scale), 1) for step in table] for table in (LUMA, CHROMA)]


def faithful(luma: Plane, table: list[int]) -> list[int]:
    """table, or finer steps where it would change over 1 % of luma (H,W) uint8 by more than 1."""
    if luma.size > SMALL:
        few = luma[::8, ::8]
        if np.mean((few == 0) | (few == 255)) < CUT:
            return table
        luma = _tiles(luma)
    for cap in CAPS:
        finer = [min(step, cap) for step in table]
        if _share_kept(luma, finer) >= KEPT:
            break
    return finer


def _tiles(luma: Plane) -> Plane:
    """Squares of whole blocks spread over a plane, side by side."""
    height, width = luma.shape
    tall, wide = min(TILE, height), min(TILE, width)
    tops = np.linspace(0, height - tall, ACROSS).astype(int) // 8 * 8
    lefts = np.linspace(0, width - wide, ACROSS).astype(int) // 8 * 8
    rows = [[luma[top : top + tall, left : left + wide] for left in lefts] for top in tops]
    return np.block(rows)


def _share_kept(luma: Plane, table: list[int]) -> float:
    out = io.BytesIO()
    Image.fromarray(luma).save(out, "JPEG", qtables=[table])
    with Image.open(out, formats=["JPEG"]) as image:
        again = np.asarray(image)
    return float(np.mean(np.abs(again.astype(np.int16) - luma) <= 1))
