"""picture/strip.py: nothing of places and people is left, and the rest is as it was."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from kolorit.picture.decode import decode
from kolorit.picture.encode import Mark, encode
from kolorit.picture.picture import Metadata
from kolorit.picture.strip import strip_personal

SECRETS = (b"Ada Muster", b"SERIAL-4711", b"makernote", b"Heimweg 3", b"thumb-nail")


def personal_exif() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Leitz", "Leica III", 1
    exif[0x013B], exif[0x010E], exif[0x8298] = "Ada Muster", "Heimweg 3", "(c) 1936"
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)}
    exif[0x8769] = {
        0x9003: "1936:05:01 12:00:00",
        0x829D: 3.5,
        0x927C: b"\x01makernote\x00",
        0xA431: "SERIAL-4711",
        0xA430: "Ada Muster",
        0x9286: "Heimweg 3",
    }
    return exif.tobytes()


def tags(exif: bytes | None) -> Image.Exif:
    found = Image.Exif()
    found.load(exif or b"")
    return found


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_file_that_goes_out_tells_nothing(format: str) -> None:
    """Planted: the same picture not stripped holds every secret."""
    image = Image.new("L", (32, 32), 90)
    file = io.BytesIO()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">thumb-nail</x:xmpmeta>'
    image.save(file, "JPEG", exif=personal_exif(), xmp=xmp, comment="Heimweg 3", dpi=(300, 300))
    picture = decode(file.getvalue())
    whole = encode(picture, format)
    assert sum(secret in whole for secret in SECRETS) >= 3
    picture = replace(picture, metadata=strip_personal(picture.metadata))
    bare = encode(picture, format, mark=Mark("Kolorit", "1"))
    assert not [secret for secret in SECRETS if secret in bare]
    again = decode(bare).metadata
    assert not tags(again.exif).get_ifd(0x8825)
    assert again.xmp is not None and b"AISystemUsed" in again.xmp
    if format in ("JPEG", "PNG", "TIFF"):
        assert again.dpi == pytest.approx((300, 300), abs=0.1)


def test_how_and_when_and_whose_stays() -> None:
    found = tags(strip_personal(Metadata(exif=personal_exif())).exif)
    assert (found[0x010F], found[0x0110], found[0x8298]) == ("Leitz", "Leica III", "(c) 1936")
    inside = found.get_ifd(0x8769)
    assert inside[0x9003] == "1936:05:01 12:00:00" and inside[0x829D] == 3.5
    assert set(inside) == {0x9003, 0x829D}


@pytest.mark.parametrize(
    "exif", [None, b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"junk"]
)
def test_no_exif_and_broken_exif_become_none(exif: bytes | None) -> None:
    assert strip_personal(Metadata(exif=exif)) == Metadata()


def test_profile_and_resolution_stay() -> None:
    kept = Metadata(icc=b"profile", dpi=(300.0, 300.0))
    whole = Metadata(icc=b"profile", dpi=(300.0, 300.0), xmp=b"x", comment=b"c", iptc=b"i")
    assert strip_personal(whole) == kept
