"""The optional package tifffile (extra `depth`): compressed TIFF at its full 16 bits."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

MISSING = (
    "a compressed 16-bit colour TIFF was read at 8 bits: "
    "`pip install kolorit[depth]` keeps its depth"
)
UNPACKED = "this 16-bit colour TIFF was read at 8 bits: save it uncompressed to keep its depth"


def read_tiff(
    stream: BinaryIO, size: tuple[int, int]
) -> tuple[npt.NDArray[np.uint16] | None, str | None]:
    """(pixels (H,W,3 or 4) uint16 of the first page as stored, None), or (None, what to tell).

    size (H,W) is what the directory says. Nothing is read if tifffile or its codec is missing.
    """
    try:
        import tifffile
    except ImportError:
        return None, MISSING
    stream.seek(0)
    try:
        # Named, since a file opened by its descriptor has a number for a name.
        with tifffile.TiffFile(stream, name="stream.tif") as file:
            page: Any = file.pages[0]
            pixels = page.asarray()
    except ValueError:  # a codec that only another package has
        return None, UNPACKED
    if page.axes == "SYX":  # a plane for each colour
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.dtype != np.uint16 or pixels.ndim != 3 or pixels.shape[:2] != size:
        return None, UNPACKED
    return np.ascontiguousarray(pixels), None
