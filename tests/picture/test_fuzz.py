"""Mutated files of every format: only our own errors come out."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from kolorit.errors import InputUnreadable, LimitExceeded
from kolorit.picture.decode import decode
from kolorit.picture.encode import encode
from kolorit.picture.limits import Limits
from kolorit.picture.picture import from_luma
from kolorit.picture.png16 import chunk

LIMITS = Limits(pixels=200_000, memory=8_000_000, frames=20, bytes=1_000_000)
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "BMP", "GIF", "JPEG2000")


def seeds(format: str) -> list[bytes]:
    """Small valid files of a format, of several modes and with metadata."""
    ramp = Image.linear_gradient("L").resize((40, 30))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Leitz"
    files = []
    for mode in ("L", "RGB"):
        out = io.BytesIO()
        options = {"exif": exif} if format not in ("BMP", "GIF", "JPEG2000") else {}
        ramp.convert(mode).save(out, format, **options)
        files.append(out.getvalue())
    if format in ("PNG", "TIFF"):
        luma = np.asarray(ramp).astype(np.uint16) * np.uint16(257)
        chroma = np.full((2, 30, 40), 40_000, np.uint16)
        files.append(encode(from_luma(luma, chroma), format))
        out = io.BytesIO()
        Image.fromarray(luma).save(out, format)
        files.append(out.getvalue())
    elif format == "JPEG":
        for options in ({"progressive": True}, {"quality": 30, "subsampling": 2}):
            out = io.BytesIO()
            ramp.convert("CMYK" if "quality" in options else "RGB").save(out, format, **options)
            files.append(out.getvalue())
    elif format in ("GIF", "WEBP"):
        out = io.BytesIO()
        ramp.save(out, format, save_all=True, append_images=[ramp.rotate(90)])
        files.append(out.getvalue())
    return files


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Bytes changed, cut out, doubled, or the end cut off; the first few stay."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        way = rng.integers(0, 5)
        at = int(rng.integers(4, max(5, min(len(changed), 400 if rng.random() < 0.6 else 10**6))))
        length = int(rng.integers(1, 9))
        if way == 0:
            changed[at : at + 1] = bytes([int(rng.integers(0, 256))])
        elif way == 1:
            changed[at : at + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
        elif way == 2:
            changed[at : at + length] = rng.choice([b"\xff", b"\0", b"\x7f", b"\x80"]) * length
        elif way == 3:
            del changed[at : at + length * int(rng.choice([1, 40]))]
        else:
            changed[at:at] = changed[at : at + length * 8]
    if rng.random() < 0.1:
        del changed[int(rng.integers(0, len(changed) + 1)) :]
    return bytes(changed)


def mended_checksums(content: bytes) -> bytes:
    """A PNG whose chunks' checksums are right again, so that the damage is read."""
    out, at = bytearray(content[:8]), 8
    while len(content) - at >= 12:
        length = int.from_bytes(content[at : at + 4], "big")
        if at + 12 + length > len(content):
            break
        out += chunk(content[at + 4 : at + 8], content[at + 8 : at + 8 + length])
        at += 12 + length
    return bytes(out) + content[at:]


def run(format: str, count: int, seed: int) -> dict[str, int]:
    rng = np.random.default_rng(seed)
    files = seeds(format)
    ends = {"read": 0, "InputUnreadable": 0, "LimitExceeded": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for at in range(count):
            try:
                content = mutated(files[at % len(files)], rng)
                if format == "PNG" and rng.random() < 0.7:
                    content = mended_checksums(content)
                picture = decode(content, LIMITS)
                ends["read"] += 1
                assert picture.luma.size <= LIMITS.pixels
            except (InputUnreadable, LimitExceeded) as error:  # anything else fails the test
                ends[type(error).__name__] += 1
                assert error.cause and error.remedy
    return ends


@pytest.mark.parametrize("format", FORMATS)
def test_five_thousand_mutations(format):
    ends = run(format, 625, seed=20_261_016)
    assert sum(ends.values()) == 625
    assert ends["InputUnreadable"] > 10 and ends["read"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("format", FORMATS)
def test_a_hundred_thousand_mutations(format, seed):
    assert sum(run(format, 3_125, seed).values()) == 3_125


@pytest.mark.parametrize("format", FORMATS)
def test_every_truncation_is_told_or_harmless(format):
    warnings.simplefilter("ignore")  # until this test ends
    for content in seeds(format):
        for end in range(0, len(content), max(1, len(content) // 40)):
            try:
                assert decode(content[:end], LIMITS).luma.size
            except (InputUnreadable, LimitExceeded) as error:
                assert error.cause
