"""Bombs: small files that would take gigabytes are refused from their headers, fast."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, _webp

from kolorit.errors import InputUnreadable, LimitExceeded
from kolorit.picture.decode import decode
from kolorit.picture.limits import Limits, megabytes
from kolorit.picture.png16 import chunk


def png_header(width: int, height: int, depth: int = 8, kind: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b""))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def jpeg_header(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (16, 16)).save(out, "JPEG")
    content = bytearray(out.getvalue())
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def gif_header(width: int, height: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0"
    frame = b"\x2c" + struct.pack("<HHHH", 0, 0, width, height) + b"\0\x02\x02\x4c\x01\0"
    return head + frame + b";"


def tiff_header(width: int, height: int) -> bytes:
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1)]
    entries += [(262, 3, 1, 1), (273, 4, 1, 200), (277, 3, 1, 1), (278, 4, 1, height)]
    entries += [(279, 4, 1, 10)]
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries)
    return (b"II*\0" + struct.pack("<I", 8) + body + bytes(4)).ljust(300, b"\0")


def bmp_header(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54 + 1024) + info + bytes(1024)


def jpeg2000_header(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (16, 16)).save(out, "JPEG2000", no_jp2=True)
    content = bytearray(out.getvalue())
    content[8:16] = struct.pack(">II", width, height)
    return bytes(content)


def webp_lossless_header(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    data = b"\x2f" + struct.pack("<I", bits) + bytes(5)
    return (
        b"RIFF"
        + struct.pack("<I", 4 + 8 + len(data))
        + b"WEBPVP8L"
        + struct.pack("<I", len(data))
        + data
    )


def webp_extended_header(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (16, 16)).save(out, "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
    content = bytearray(out.getvalue())
    assert content[12:16] == b"VP8X"
    content[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(content)


def avif_header(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (64, 64)).save(out, "AVIF")
    content = bytearray(out.getvalue())
    at = content.index(b"ispe")
    content[at + 8 : at + 16] = struct.pack(">II", width, height)
    return bytes(content)


BOMBS = {
    "PNG": png_header(60_000, 60_000),
    "PNG of 16 bits": png_header(60_000, 60_000, 16, 2),
    "JPEG": jpeg_header(65_500, 65_500),
    "GIF": gif_header(65_535, 65_535),
    "TIFF": tiff_header(100_000, 100_000),
    "BMP": bmp_header(100_000, 100_000),
    "JPEG 2000": jpeg2000_header(100_000, 100_000),
    "WebP": webp_lossless_header(16_384, 16_384),
    "WebP, extended": webp_extended_header(1 << 24, 1 << 24),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_header_bombs_are_refused_before_loading(kind):
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(LimitExceeded, match="megapixels") as caught:
        decode(BOMBS[kind])
    assert time.process_time() - start < 1
    assert tracemalloc.get_traced_memory()[1] < 16_000_000
    tracemalloc.stop()
    assert "--max-pixels" in caught.value.remedy


def test_texts_that_unpack_to_too_much_are_refused():
    texts = chunk(b"zTXt", b"c\0\0" + zlib.compress(b"a" * 80_000_000))
    whole = io.BytesIO()
    Image.new("L", (8, 8)).save(whole, "PNG")
    content = whole.getvalue()
    with pytest.raises(LimitExceeded, match="texts"):
        decode(content[:33] + texts + content[33:])


def test_a_small_number_of_pixels_is_told_as_it_is():
    with pytest.raises(LimitExceeded, match=r"more than the 0\.001 megapixels"):
        decode(np.zeros((40, 40), np.uint8), Limits(pixels=1_000))


def test_an_avif_bomb_is_refused():
    with pytest.raises((LimitExceeded, InputUnreadable)):
        decode(avif_header(60_000, 60_000))


def test_34_bytes_of_webp_below_the_number_of_pixels_are_refused_for_their_memory(monkeypatch):
    small = webp_lossless_header(9_400, 9_400)
    assert len(small) <= 34 and 9_400 * 9_400 < Limits().pixels

    def fail(*_: Any) -> None:
        raise AssertionError("the decoder was made")

    monkeypatch.setattr(_webp, "WebPAnimDecoder", fail)
    with pytest.raises(LimitExceeded, match="memory"):
        decode(small)


def test_jpeg2000_and_others_just_under_the_pixels():
    with pytest.raises(LimitExceeded, match="memory"):
        decode(jpeg2000_header(9_400, 9_400), Limits(memory=400_000_000))
    with pytest.raises(InputUnreadable):  # enough memory: then it is its missing data
        decode(png_header(9_400, 9_400))


def test_limits_for_pillow_images_and_arrays():
    few = Limits(pixels=99)
    for source in (Image.new("L", (10, 10)), np.zeros((10, 10), np.uint8)):
        with pytest.raises(LimitExceeded):
            decode(source, few)
        assert decode(source, Limits(pixels=100)).width == 10


def test_more_pixels_than_pillow_allows_are_read_if_our_limit_allows_them(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    out = io.BytesIO()
    Image.new("L", (64, 64)).save(out, "PNG")
    assert decode(out.getvalue()).width == 64  # and no warning of Pillow's


def many_frames(format: str, count: int) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("L", (2, 2), at * 20 % 256) for at in range(count)]
    frames[0].save(out, format, save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest.mark.parametrize("format", ["GIF", "TIFF", "WEBP", "PNG"])
def test_frames_are_counted_only_up_to_the_limit(format):
    content = many_frames(format, 12)
    assert decode(content, Limits(frames=12)).width == 2
    with pytest.raises(LimitExceeded, match="11 pictures"):
        decode(content, Limits(frames=11))


def test_a_tiff_whose_pages_lead_in_a_circle_ends():
    content = bytearray(tiff_header(4, 4))
    at = 8 + 2 + 9 * 12
    content[at : at + 4] = struct.pack("<I", 8)
    assert decode(bytes(content)).width == 4


def test_a_progressive_jpeg_of_a_thousand_scans_is_refused():
    out = io.BytesIO()
    Image.linear_gradient("L").save(out, "JPEG", progressive=True)
    content = out.getvalue()
    scan = content[content.rindex(b"\xff\xda") : -2]
    with pytest.raises(LimitExceeded, match="scans"):
        decode(content[:-2] + scan * 1000 + content[-2:])
    assert decode(content).width == 256


def test_inflating_texts_are_refused_or_dropped_quickly():
    blown = zlib.compress(bytes(100_000_000), 1)
    out = io.BytesIO()
    Image.new("L", (4, 4)).save(out, "PNG")
    content = out.getvalue()
    for kind, head in ((b"zTXt", b"Comment\0\0"), (b"iCCP", b"x\0\0")):
        start = time.process_time()
        with pytest.raises((InputUnreadable, LimitExceeded)):
            decode(content[:33] + chunk(kind, head + blown) + content[33:])
        assert time.process_time() - start < 2


def test_words():
    assert megabytes(1_500_000) == "1.5 MB" and megabytes(1_200_000_000) == "1200 MB"
