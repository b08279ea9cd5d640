"""What first bytes tell beyond the format."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from kolorit.errors import InputUnreadable
from kolorit.picture.signature import identify, lost_depth, webp_size


def file(format: str, mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (33, 21)).save(out, format, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "BMP", "GIF", "JPEG2000"]
)
def test_every_format_is_known_by_its_first_bytes(format):
    assert identify(file(format)[:4096]) == format


def test_a_bare_code_stream_and_an_mpo():
    assert identify(file("JPEG2000", no_jp2=True)) == "JPEG2000"
    assert identify(file("MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))])) == "JPEG"


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08"}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_size_of_a_webp(mode, options):
    assert webp_size(file("WEBP", mode, **options)) == (33, 21)


def test_a_damaged_webp_header_is_told():
    for content in (b"RIFF\0\0\0\0WEBPVP8L", b"RIFF\0\0\0\0WEBPVP8 " + bytes(20), b"RIFF"):
        with pytest.raises(InputUnreadable, match="damaged"):
            webp_size(content)


def test_depth_that_is_lost():
    colour = bytearray(file("JPEG2000"))
    assert lost_depth(bytes(colour), "JPEG2000") is None
    at = colour.index(b"\xff\x4f\xff\x51")
    assert colour[at + 40 : at + 43] == b"\x00\x03\x07"  # three channels of 8 bits
    colour[at + 42] = 15
    assert lost_depth(bytes(colour), "JPEG2000") == 16
    grey = bytearray(file("JPEG2000", "L"))
    grey[grey.index(b"\xff\x4f\xff\x51") + 42] = 15
    assert lost_depth(bytes(grey), "JPEG2000") is None  # grey keeps its depth
    avif = bytearray(file("AVIF"))
    assert lost_depth(bytes(avif), "AVIF") is None
    avif[avif.index(b"pixi") + 9] = 10
    assert lost_depth(bytes(avif), "AVIF") == 10
    assert lost_depth(b"", "PNG") is None
