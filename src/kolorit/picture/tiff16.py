"""TIFF with 16 bits a channel, and the greys that Pillow leaves inverted or too small.

Pillow reads the directory; rows of uncompressed colour are read here, compressed ones by the
optional tifffile. The writer takes 8 bits too: the directory is Pillow's, the pixels numpy's.
Source: TIFF 6.0 (Adobe, 1992), sections 3, 4, 6, 8.
"""

from __future__ import annotations

import io
import itertools
import zlib
from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from kolorit.errors import InputUnreadable
from kolorit.picture import depth
from kolorit.picture.arrays import tone_of_rgb
from kolorit.picture.modes import Planes, planes_of, scaled
from kolorit.picture.orientation import TAG as ORIENTATION
from kolorit.picture.orientation import upright
from kolorit.picture.signature import AGAIN, TRUNCATED
from kolorit.picture.ycbcr import STRIP, luma_of, strips

(WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP) = (
    *(256, 257, 258, 259, 262, 273, 277, 278),
)
(STRIP_COUNTS, PLANAR, EXTRA, SUBFILE, DNG_VERSION, TILE_WIDTH) = (279, 284, 338, 254, 50706, 322)
PREDICTOR, SAMPLE_FORMAT = 317, 339
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
DEFLATE = 8
UNSIGNED = 1  # sample format

Rows = npt.NDArray[np.uint16]


def read_tiff(image: TiffImageFile, stream: BinaryIO) -> Planes:
    """Upright planes of an opened, not yet loaded TIFF; stream is its file."""
    tags = image.tag_v2
    if DNG_VERSION in tags or (_number(tags, SUBFILE, 0) & 1):
        raise InputUnreadable(
            "this is a camera's raw file: what it shows first is a small preview",
            remedy="Develop it to a 16-bit TIFF or PNG first.",
        )
    bits = tags.get(BITS, (1,))
    if not (set(bits) == {16} and len(bits) in (3, 4) and tags.get(PHOTOMETRIC) == RGB):
        return mended(image, planes_of(image))
    turn = _number(tags, ORIENTATION, 1)
    notes: tuple[str, ...] = ()
    rgb: Rows | None = None
    if tags.get(COMPRESSION, 1) == 1 and tags.get(PLANAR, 1) == 1 and TILE_WIDTH not in tags:
        rgb = _uncompressed(image, stream, len(bits))
    else:
        rgb, missing = depth.read_tiff(stream, (tags[HEIGHT], tags[WIDTH]))
        notes = (missing,) if missing else ()
    if rgb is None:
        planes = planes_of(image)
        return Planes(planes.luma, planes.alpha, planes.tone, (*planes.notes, *notes))
    alpha = upright(np.ascontiguousarray(rgb[:, :, 3]), turn) if rgb.shape[2] == 4 else None
    return Planes(upright(luma_of(rgb), turn), alpha, tone_of_rgb(rgb), notes)


def mended(image: TiffImageFile, planes: Planes) -> Planes:
    """planes of a grey TIFF of more than 8 bits as its tags mean them.

    White may be zero, 12 bits may be all, and 32 bits may have no sign; Pillow heeds none of these.
    """
    tags = image.tag_v2
    deep = image.mode.startswith("I;16")
    if not deep and image.mode not in ("I", "F"):
        return planes
    bits = _number(tags, BITS, 16)
    if image.mode == "I" and bits == 32 and _number(tags, SAMPLE_FORMAT, UNSIGNED) == UNSIGNED:
        planes = scaled(np.asarray(image).view(np.uint32), integer=True)
    luma = planes.luma
    if deep and 8 < bits < 16:
        top = (1 << bits) - 1
        luma = (np.minimum(luma, top).astype(np.uint32) * 65_535 // top).astype(np.uint16)
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        luma = np.iinfo(luma.dtype).max - luma
    return Planes(luma, planes.alpha, planes.tone, planes.notes)


def _number(tags: ImageFileDirectory_v2, tag: int, otherwise: int) -> int:
    value: Any = tags.get(tag, otherwise)
    if isinstance(value, tuple):
        value = value[0] if value else otherwise
    return value if isinstance(value, int) else otherwise


def _uncompressed(image: TiffImageFile, stream: BinaryIO, channels: int) -> Rows:
    """Pixels (H,W,C) of rows that lie as they are, one strip after the other."""
    tags = image.tag_v2
    width, height = int(tags[WIDTH]), int(tags[HEIGHT])
    dtype = np.dtype("<u2" if tags.prefix == b"II" else ">u2")
    per_strip = min(_number(tags, ROWS_PER_STRIP, height), height)
    out = np.empty((height, width, channels), np.uint16)
    offsets = tags[STRIP_OFFSETS]
    if per_strip < 1 or len(offsets) < -(-height // per_strip):
        raise InputUnreadable("the TIFF's directory is damaged: strips are missing", remedy=AGAIN)
    for at, first in enumerate(range(0, height, per_strip)):
        stream.seek(offsets[at])
        for top, bottom in strips(min(per_strip, height - first)):
            rows = stream.read((bottom - top) * width * channels * 2)
            if len(rows) < (bottom - top) * width * channels * 2:
                raise InputUnreadable(TRUNCATED, remedy=AGAIN)
            block = np.frombuffer(rows, dtype).reshape(-1, width, channels)
            out[first + top : first + bottom] = block
    return out


def write_tiff(
    parts: Iterable[npt.NDArray[Any]],
    size: tuple[int, int],
    channels: int,
    tags: ImageFileDirectory_v2,
) -> bytes:
    """A little-endian TIFF. parts: (n,W,C) uint8 or uint16, n = STRIP but for the last; size (H,W).

    8 bits are deflated with differences from the left; 16 bits are not, so that any reader, this
    one too, has them at full depth. tags: what else the directory holds; the layout is added.
    Raises ValueError past 4 GB.
    """
    height, width = size
    parts = iter(parts)
    first = next(parts)
    bits = 8 * first.dtype.itemsize
    parts = itertools.chain([first], parts)
    tags[WIDTH], tags[HEIGHT], tags[SAMPLES], tags[ROWS_PER_STRIP] = width, height, channels, STRIP
    tags[BITS], tags[PLANAR] = (bits,) * channels, 1
    tags[PHOTOMETRIC] = RGB if channels > 2 else BLACK_IS_ZERO
    tags[COMPRESSION], tags[PREDICTOR] = (1, 1) if bits == 16 else (DEFLATE, 2)
    if channels in (2, 4):
        tags[EXTRA] = 2  # alpha that the colours are not multiplied with
    packed: Iterable[bytes]
    if bits == 16:  # its sizes are known, so it need not be held twice
        counts = [2 * channels * width * (last - first) for first, last in strips(height)]
        packed = (part.astype("<u2").tobytes() for part in parts)
    else:
        packed = [_deflated(part) for part in parts]
        counts = [len(part) for part in packed]
    if sum(counts) >= 2**32 - 2**24:
        raise ValueError("a TIFF holds at most 4 GB")
    # Pillow adds where the directory ends to the offsets, so they count from there.
    offsets = tuple(itertools.accumulate((n + n % 2 for n in counts[:-1]), initial=0))
    for tag, values in ((STRIP_OFFSETS, offsets), (STRIP_COUNTS, tuple(counts))):
        tags.tagtype[tag] = TiffTags.LONG
        tags[tag] = values
    out = io.BytesIO()
    out.write(b"II*\0" + (8).to_bytes(4, "little") + tags.tobytes(8))
    for part in packed:
        out.write(part + bytes(len(part) % 2))
    return out.getvalue()


def _deflated(part: npt.NDArray[np.uint8]) -> bytes:
    """Rows (n,W,C) as differences from the pixel to the left, packed (TIFF 6.0, section 14)."""
    differences = part.copy()
    differences[:, 1:] -= part[:, :-1]
    return zlib.compress(differences.tobytes(), 6)
