"""How many pictures a file declares, without decoding any and without counting past a limit."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from PIL import Image


def count_frames(image: Image.Image, stream: BinaryIO, most: int) -> int:
    """Frames or pages, or some number above `most` where there are more; stream may move.

    GIF and TIFF are walked here, since Pillow's own count has no end for a hostile file.
    """
    if image.format == "TIFF":
        return _tiff_pages(stream, most)
    if image.format == "GIF":
        return _gif_frames(stream, most)
    if "mp" in image.info:  # a JPEG with others behind it
        return 2
    return int(getattr(image, "n_frames", 1))


def _tiff_pages(stream: BinaryIO, most: int) -> int:
    """Source: TIFF 6.0, section 2, and the BigTIFF layout."""
    stream.seek(0)
    head = stream.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = 43 in head[2:4]
    at = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)[0]
    count_size, entry, link = (8, 20, 8) if big else (2, 12, 4)
    seen: set[int] = set()
    while at and at not in seen and len(seen) <= most:
        seen.add(at)
        if at >= 2**63:
            break
        stream.seek(at)
        raw = stream.read(count_size)
        if len(raw) < count_size:
            break
        entries = int.from_bytes(raw, "little" if order == "<" else "big")
        if entries > 65_535:
            break
        stream.seek(entries * entry, os.SEEK_CUR)
        raw = stream.read(link)
        at = int.from_bytes(raw, "little" if order == "<" else "big") if len(raw) == link else 0
    return max(1, len(seen))


def _gif_frames(stream: BinaryIO, most: int) -> int:
    """Source: GIF89a, sections 18 to 26."""
    stream.seek(0)
    head = stream.read(13)
    if len(head) == 13 and head[10] & 0x80:
        stream.seek(3 << ((head[10] & 7) + 1), os.SEEK_CUR)
    frames = 0
    while frames <= most:
        kind = stream.read(1)
        if kind == b"\x2c":
            frames += 1
            descriptor = stream.read(9)
            if len(descriptor) < 9:
                break
            if descriptor[8] & 0x80:
                stream.seek(3 << ((descriptor[8] & 7) + 1), os.SEEK_CUR)
            stream.seek(1, os.SEEK_CUR)
        elif kind == b"\x21":
            stream.seek(1, os.SEEK_CUR)
        else:
            break
        while length := stream.read(1):
            if length == b"\0":
                break
            stream.seek(length[0], os.SEEK_CUR)
    return max(1, frames)
