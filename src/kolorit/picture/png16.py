"""PNG with 16 bits a channel: colour and alpha at full depth, which Pillow halves.

Rows are unpacked, unfiltered and packed in strips, so memory is that of the planes.
Source: PNG, third edition (W3C, 2025): chunks 5 and 11, filters 9.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL.PngImagePlugin import PngImageFile

from kolorit.errors import InputUnreadable
from kolorit.picture.arrays import tone_of_rgb
from kolorit.picture.metadata import EXIF_START, XMP_START
from kolorit.picture.modes import Planes, planes_of
from kolorit.picture.png_filters import choose, undo
from kolorit.picture.signature import AGAIN, TRUNCATED
from kolorit.picture.ycbcr import STRIP, luma_of

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type
LEVEL = 3  # of zlib: a third smaller than nothing, a third of the time of the best
ROWS = 4 * STRIP  # read at once: undoing Paeth takes as many steps for 256 rows as for 64
PIECE = 1 << 20  # bytes read at once

Rows = npt.NDArray[np.uint16]


def read_png(image: PngImageFile, stream: BinaryIO) -> Planes:
    """Planes of an opened, not yet loaded PNG of any kind; stream is its file."""
    stream.seek(24)
    depth, colour_type, _, _, interlaced = stream.read(5)
    stream.seek(8)
    if depth != 16 or colour_type == 0:
        stream.seek(image.tile[0].offset if image.tile else 8)
        return planes_of(image)
    if interlaced:
        planes = planes_of(image)
        note = "an interlaced PNG of 16 bits was read at 8"
        return Planes(planes.luma, planes.alpha, planes.tone, (*planes.notes, note))
    return _planes16(image, stream, CHANNELS[colour_type])


def _planes16(image: PngImageFile, stream: BinaryIO, channels: int) -> Planes:
    width, height = image.size
    clear = image.info.get("transparency") if channels == 3 else None
    luma = np.empty((height, width), np.uint16)
    alpha = np.empty_like(luma) if channels in (2, 4) or isinstance(clear, tuple) else None
    step = max(1, max(width, height) // 512)
    sample: list[npt.NDArray[Any]] = []
    first = 0
    for rows in read_rows(stream, width, height, channels, image.info):
        last = first + len(rows)  # rows (n,W,C)
        luma[first:last] = luma_of(rows) if channels > 2 else rows[:, :, 0]
        if alpha is not None and isinstance(clear, tuple):
            alpha[first:last] = np.where((rows == clear).all(axis=2), 0, 65_535)
        elif alpha is not None:
            alpha[first:last] = rows[:, :, -1]
        if channels > 2:
            sample.append(rows[(-first) % step :: step, ::step, :3].copy())
        first = last
    if not sample:
        return Planes(luma, alpha)
    return Planes(luma, alpha, tone_of_rgb(np.concatenate(sample)))


def read_rows(
    stream: BinaryIO, width: int, height: int, channels: int, info: dict[Any, Any]
) -> Iterator[Rows]:
    """Strips (n,W,C) of the pixels; stream at the first chunk.

    EXIF and XMP that follow the pixels are put into info, as Pillow does. Raises InputUnreadable
    for data that end early or fail their checksum.
    """
    length = 1 + 2 * channels * width  # bytes of a row with its filter's number
    above = np.zeros(length - 1, np.uint8)
    row = 0
    for packed in _inflated(_pixel_data(stream, info), height, length):
        raw = np.frombuffer(packed, np.uint8).reshape(-1, length)
        rows = undo(raw[:, 0], raw[:, 1:], above, 2 * channels)
        above = rows[-1]
        row += len(rows)
        yield rows.view(">u2").astype(np.uint16).reshape(len(rows), width, channels)
    if row < height:
        raise InputUnreadable(TRUNCATED, remedy=AGAIN)


def _inflated(pieces: Iterator[bytes], height: int, length: int) -> Iterator[bytes]:
    """Unpacked strips of rows of `length` bytes, never more than one of them at a time."""
    inflate = zlib.decompressobj()
    held, row = bytearray(), 0
    for piece in pieces:
        while row < height and not inflate.eof:
            wanted = min(ROWS, height - row) * length
            got = inflate.decompress(piece, wanted - len(held))
            piece = inflate.unconsumed_tail
            held += got
            if len(held) == wanted:
                yield bytes(held)
                row += wanted // length
                held.clear()
            elif not got and not piece:
                break


def _pixel_data(stream: BinaryIO, info: dict[Any, Any]) -> Iterator[bytes]:
    """Contents of the IDAT chunks; what follows them and matters goes into info."""
    begun = False
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind == b"IDAT":
            begun = True
            checksum = zlib.crc32(kind)
            while length and (piece := stream.read(min(length, PIECE))):
                length -= len(piece)
                checksum = zlib.crc32(piece, checksum)
                yield piece
            end = stream.read(4)
            if len(end) == 4 and int.from_bytes(end, "big") != checksum:
                raise InputUnreadable(
                    "the picture is damaged: a part of it fails its checksum", remedy=AGAIN
                )
        elif begun and kind in (b"eXIf", b"iTXt"):
            content = stream.read(length)
            stream.seek(4, os.SEEK_CUR)
            if kind == b"eXIf":
                info.setdefault("exif", EXIF_START + content)
            elif content.startswith(XMP_START):
                info.setdefault("xmp", content.removeprefix(XMP_START))
        else:
            stream.seek(length + 4, os.SEEK_CUR)


def write_png(
    strips: Iterable[Rows],
    size: tuple[int, int],
    channels: int,
    chunks: Iterable[tuple[bytes, bytes]],
) -> bytes:
    """A PNG of 16 bits a channel. strips: (n,W,C) one below the other; size (H,W).

    chunks: (type, content) of what goes before the pixels. Each row takes the filter, left
    neighbour or row above, whose differences are smaller.
    """
    height, width = size
    colour_type = {count: kind for kind, count in CHANNELS.items()}[channels]
    out = bytearray(SIGNATURE)
    out += chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))
    for kind, content in chunks:
        out += chunk(kind, content)
    deflate = zlib.compressobj(LEVEL)
    above = np.zeros(2 * channels * width, np.uint8)
    for strip in strips:
        rows = strip.astype(">u2").reshape(len(strip), -1).view(np.uint8)  # (n, bytes)
        if packed := deflate.compress(choose(rows, above, 2 * channels).tobytes()):
            out += chunk(b"IDAT", packed)
        above = rows[-1]
    out += chunk(b"IDAT", deflate.flush())
    out += chunk(b"IEND", b"")
    return bytes(out)


def chunk(kind: bytes, content: bytes) -> bytes:
    """One PNG chunk: length, type, content, checksum."""
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", checksum)
