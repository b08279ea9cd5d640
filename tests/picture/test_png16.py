"""PNG with 16 bits a channel, against Pillow's high bytes and files made by other rules."""

from __future__ import annotations

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kolorit.errors import InputUnreadable
from kolorit.picture.decode import decode
from kolorit.picture.png16 import chunk, read_rows, write_png
from kolorit.picture.png_filters import choose, undo

RNG = np.random.default_rng(2)


def slow_filter(rows: np.ndarray, kinds: np.ndarray, bpp: int) -> bytes:
    """Rows (n, bytes) filtered byte by byte as the standard's tables 9.1 and 9.2 say."""
    out = bytearray()
    for y, kind in enumerate(kinds):
        out.append(int(kind))
        for x in range(rows.shape[1]):
            a = int(rows[y, x - bpp]) if x >= bpp else 0
            b = int(rows[y - 1, x]) if y else 0
            c = int(rows[y - 1, x - bpp]) if y and x >= bpp else 0
            p = a + b - c
            paeth = min((a, b, c), key=lambda v: abs(p - v))  # the first of equals: a, b, c
            guess = [0, a, b, (a + b) // 2, paeth][kind]
            out.append((int(rows[y, x]) - guess) % 256)
    return bytes(out)


def png(pixels: np.ndarray, kinds: np.ndarray, pieces: int = 1, interlace: int = 0) -> bytes:
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    packed = zlib.compress(slow_filter(rows, kinds, 2 * channels))
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, interlace)
    cuts = np.linspace(0, len(packed), pieces + 1).astype(int)
    data = b"".join(chunk(b"IDAT", packed[a:b]) for a, b in itertools.pairwise(cuts))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + data + chunk(b"IEND", b"")


def read(content: bytes) -> np.ndarray:
    stream = io.BytesIO(content)
    width, height = struct.unpack(">II", content[16:24])
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[content[25]]
    stream.seek(8)
    return np.concatenate(list(read_rows(stream, width, height, channels, {})))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, None])
def test_all_five_filters(channels, kind):
    pixels = RNG.integers(0, 65_536, (271, 5, channels), dtype=np.uint16)  # more than one strip
    kinds = RNG.integers(0, 5, 271) if kind is None else np.full(271, kind)
    np.testing.assert_array_equal(read(png(pixels, kinds)), pixels)
    np.testing.assert_array_equal(read(png(pixels, kinds, pieces=7)), pixels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (64, 3), (65, 3), (128, 2)])
def test_narrow_and_low_pictures(shape):
    pixels = RNG.integers(0, 65_536, (*shape, 3), dtype=np.uint16)
    np.testing.assert_array_equal(read(png(pixels, np.full(shape[0], 4))), pixels)
    written = write_png([pixels[:64], *([pixels[64:]] if shape[0] > 64 else [])], shape, 3, [])
    np.testing.assert_array_equal(read(written), pixels)


def test_pillow_sees_the_same_file():
    pixels = RNG.integers(0, 65_536, (70, 33, 3), dtype=np.uint16)
    written = write_png([pixels[:64], pixels[64:]], (70, 33), 3, [])
    high = np.asarray(Image.open(io.BytesIO(written)))
    np.testing.assert_array_equal(high, pixels >> 8)
    grey = write_png([pixels[:64, :, :1], pixels[64:, :, :1]], (70, 33), 1, [])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(grey))), pixels[:, :, 0])


def test_the_writer_takes_the_better_of_two_filters():
    ramp = np.tile(np.arange(60, dtype=np.uint8) * 4, (3, 1))  # equal rows: above is perfect
    chosen = choose(ramp, ramp[0], 2)
    assert (chosen[:, 0] == 2).all() and not chosen[:, 1:].any()
    steps = np.repeat(np.array([[10], [90], [170]], np.uint8), 60, axis=1)
    assert (choose(steps, np.full(60, 255, np.uint8), 2)[:, 0] == 1).all()
    np.testing.assert_array_equal(undo(chosen[:, 0], chosen[:, 1:], ramp[0], 2), ramp)


def test_16_bit_colour_is_decoded_at_full_depth():
    pixels = RNG.integers(0, 65_536, (40, 30, 4), dtype=np.uint16)
    picture = decode(png(pixels, RNG.integers(0, 5, 40)))
    expected = pixels[:, :, :3].astype(float) @ [0.299, 0.587, 0.114]
    assert picture.depth == 16
    assert np.abs(picture.luma - expected).max() <= 0.51
    np.testing.assert_array_equal(picture.alpha, pixels[:, :, 3])


def test_grey_in_16_bit_colour_keeps_its_numbers():
    grey = RNG.integers(0, 65_536, (40, 30, 1), dtype=np.uint16)
    picture = decode(png(grey.repeat(3, axis=2), np.full(40, 1)))
    np.testing.assert_array_equal(picture.luma, grey[:, :, 0])
    assert not picture.source.coloured


def test_a_transparent_colour_of_16_bits():
    pixels = RNG.integers(0, 65_536, (10, 10, 3), dtype=np.uint16)
    clear = chunk(b"tRNS", pixels[4, 4].astype(">u2").tobytes())
    whole = png(pixels, np.zeros(10, int))
    at = whole.index(b"IDAT") - 4
    picture = decode(whole[:at] + clear + whole[at:])
    assert picture.alpha is not None and picture.alpha[4, 4] == 0
    assert (picture.alpha == 65_535).sum() == 99


def test_interlaced_16_bits_are_left_to_pillow_with_a_note():
    pixels = np.full((1, 1, 3), 40_000, np.uint16)  # one pixel: interlacing changes nothing in it
    picture = decode(png(pixels, np.zeros(1, int), interlace=1))
    assert picture.depth == 8 and picture.luma[0, 0] == 40_000 >> 8
    assert any("interlaced" in note for note in picture.notes)


def test_damage_is_told():
    pixels = RNG.integers(0, 65_536, (70, 33, 3), dtype=np.uint16)
    whole = png(pixels, np.full(70, 2), pieces=3)
    with pytest.raises(InputUnreadable, match="truncated"):
        decode(whole[: len(whole) * 2 // 3])
    at = whole.index(b"IDAT") + 40
    with pytest.raises(InputUnreadable):
        decode(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(InputUnreadable, match="filter"):
        undo(np.array([5], np.uint8), np.zeros((1, 6), np.uint8), np.zeros(6, np.uint8), 6)
    short = png(pixels[:60], np.full(60, 2))
    taller = short[:20] + struct.pack(">I", 70) + short[24:29]
    taller += struct.pack(">I", zlib.crc32(taller[12:29])) + short[33:]
    with pytest.raises(InputUnreadable, match="truncated"):
        decode(taller)
