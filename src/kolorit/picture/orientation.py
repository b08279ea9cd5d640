"""The upright way: EXIF orientation applied once, then said to be applied.

The eight values and what undoes them: EXIF 2.32, tag 274 (0x0112).
"""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

TAG = 0x0112
Plane = npt.NDArray[Any]

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TURNED = (5, 6, 7, 8)  # width and height change places
# The stored sides along which the first column or row becomes the last.
MIRRORS_WIDTH, MIRRORS_HEIGHT = (2, 3, 7, 8), (3, 4, 6, 7)


def orientation_of(image: Image.Image) -> int:
    """1 to 8, as EXIF or XMP says; 1 where they say nothing or nonsense."""
    value = image.getexif().get(TAG, 1)
    return value if isinstance(value, int) and value in UPRIGHT else 1


def upright(plane: Plane, orientation: int) -> Plane:
    """plane (H,W) uint8 or uint16 turned upright; itself where it is so already."""
    if orientation not in UPRIGHT:
        return plane
    return np.array(Image.fromarray(plane).transpose(UPRIGHT[orientation]))


def upright_tables(
    tables: dict[int, list[int]], orientation: int, width: int, height: int
) -> dict[int, list[int]]:
    """JPEG quantisation tables for the upright picture; width, height as stored.

    Turning swaps a table's rows and columns. Mirroring along a side that is no multiple of 8 moves
    the 8 x 8 grid, and the old steps no longer fall on the old values: then steps of 2 at most keep
    99 % of the values within 1, for a larger file.
    """
    moved = (orientation in MIRRORS_WIDTH and width % 8) or (
        orientation in MIRRORS_HEIGHT and height % 8
    )
    if orientation in TURNED:
        tables = {at: _transposed(table) for at, table in tables.items()}
    if moved and 0 in tables:
        tables = {**tables, 0: [min(step, 2) for step in tables[0]]}
    return tables


def _transposed(table: list[int]) -> list[int]:
    return [table[8 * (at % 8) + at // 8] for at in range(64)]


def cleared_exif(exif: bytes) -> bytes:
    """EXIF with orientation 1, changed in place: offsets in makers' notes stay right.

    exif starts with b"Exif\\0\\0". Returned as it is where the tag is missing or not legible.
    """
    base = 6
    order = {b"II": "<", b"MM": ">"}.get(exif[base : base + 2])
    if order is None:
        return exif
    try:
        (first,) = struct.unpack_from(order + "I", exif, base + 4)
        (count,) = struct.unpack_from(order + "H", exif, base + first)
        for entry in range(base + first + 2, base + first + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, entry)
            if tag == TAG and kind == 3:
                changed = bytearray(exif)
                struct.pack_into(order + "H", changed, entry + 8, 1)
                return bytes(changed)
    except struct.error:
        pass
    return exif


def cleared_xmp(xmp: bytes) -> bytes:
    """XMP with tiff:Orientation 1, where it names one."""
    return re.sub(rb"(tiff:Orientation(?:=\"|='|>))[2-8]", rb"\g<1>1", xmp)
