"""What travels beside the pixels, through every format that holds it."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from kolorit.picture.decode import decode
from kolorit.picture.encode import Mark, encode, left_out
from kolorit.picture.picture import Metadata, Picture, from_luma
from kolorit.picture.quantisation import tables_for

MARK = Mark("Kolorit test & <net>", "1.2")
TYPE = b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREY_PROFILE = SRGB[:16] + b"GRAY" + SRGB[20:]
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="uuid:1" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>image/jpeg</dc:format>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def exif_of(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x9286] = "Leitz", orientation, "1936"
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 30.0)}
    exif[0x8769] = {0x9003: "1936:05:01 12:00:00", 0x927C: b"\x01\x02maker\x00note"}
    return exif.tobytes()


def full(dtype: Any = np.uint8) -> Picture:
    top = np.iinfo(dtype).max
    luma = np.tile(np.linspace(0.1 * top, 0.9 * top, 48).astype(dtype), (32, 1))
    kept = Metadata(exif_of(), SRGB, XMP, (300.0, 300.0), "Straße".encode())
    return replace(
        from_luma(luma, np.full((2, 16, 24), (top + 1) // 2 + top // 16, dtype)), metadata=kept
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", FORMATS)
def test_everything_that_a_format_holds_is_kept(format, dtype):
    picture = full(dtype)
    kept = decode(encode(picture, format)).metadata
    assert kept.icc == SRGB
    assert kept.xmp is not None and b"<dc:format>image/jpeg</dc:format>" in kept.xmp
    exif = Image.Exif()
    exif.load(kept.exif)
    assert exif[0x010F] == "Leitz"
    assert exif.get_ifd(0x8769)[0x9003] == "1936:05:01 12:00:00"
    assert exif.get_ifd(0x8769)[0x927C] == b"\x01\x02maker\x00note"
    assert exif.get_ifd(0x8825)[1] == "N"
    if format in ("JPEG", "PNG", "TIFF"):
        assert kept.dpi == pytest.approx((300, 300), abs=0.02)
    if format in ("JPEG", "PNG"):
        assert kept.comment == "Straße".encode()
    elif format != "TIFF":
        assert any("comment" in note for note in left_out(picture, format))


def test_a_comment_becomes_a_tiffs_description():
    picture = replace(full(), metadata=Metadata(comment=b"on the bridge"))
    image = Image.open(io.BytesIO(encode(picture, "TIFF")))
    assert image.tag_v2[270] == "on the bridge"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", FORMATS)
def test_the_mark_is_in_the_file_and_the_old_packet_too(format, dtype):
    content = encode(full(dtype), format, mark=MARK)
    assert content.count(TYPE) == 1
    xmp = decode(content).metadata.xmp
    assert xmp is not None and b"<dc:format>image/jpeg</dc:format>" in xmp
    assert b"AISystemUsed>Kolorit test &amp; &lt;net&gt;</" in xmp
    assert b"AISystemVersionUsed>1.2</" in xmp
    assert b'rdf:about="uuid:1"' in xmp and b'rdf:about=""' not in xmp
    if format == "PNG":
        assert b"iTXtXML:com.adobe.xmp\0\0\0\0\0" in content
    if format == "TIFF":
        assert Image.open(io.BytesIO(content)).tag_v2[700].count(TYPE) == 1


@pytest.mark.parametrize("format", FORMATS)
def test_without_a_mark_there_is_none(format):
    picture = replace(full(), metadata=Metadata())
    content = encode(picture, format, mark=None)
    assert b"digitalsourcetype" not in content and b"Kolorit" not in content
    assert decode(content).metadata.xmp is None


def turned(plane: np.ndarray[Any, Any], orientation: int) -> np.ndarray[Any, Any]:
    """How the plane must be stored so that `orientation` shows it upright (EXIF 2.32, tag 274)."""
    return {
        1: plane,
        2: plane[:, ::-1],
        3: plane[::-1, ::-1],
        4: plane[::-1],
        5: plane.T,
        6: np.rot90(plane, 1),
        7: np.rot90(plane, 2).T,
        8: np.rot90(plane, -1),
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "AVIF", "JPEG", "PNG16", "TIFF16"])
def test_orientation_is_applied_once(format, orientation):
    ramp = (np.add.outer(np.arange(24) * 2, np.arange(40) * 3) + 20).astype(np.uint8)
    stored = np.ascontiguousarray(turned(ramp, orientation))
    if format.endswith("16"):
        picture = from_luma(stored.astype(np.uint16) * np.uint16(257))
        chroma = np.full((2, *stored.shape), 33_000, np.uint16)
        exif = exif_of(orientation)
        content = encode(replace(picture, chroma=chroma, metadata=Metadata(exif=exif)), format[:-2])
    else:
        out = io.BytesIO()
        options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {}
        if format == "JPEG":
            options["quality"] = 98
        if format == "TIFF":
            options["tiffinfo"] = {0x0112: orientation}
        else:
            options["exif"] = exif_of(orientation)
        Image.fromarray(stored).save(out, format, **options)
        content = out.getvalue()
    picture = decode(content)
    assert picture.luma.shape == ramp.shape
    assert (
        np.abs(picture.luma.astype(float) / (257 if picture.depth == 16 else 1) - ramp).mean() < 2
    )
    again = decode(encode(picture, "JPEG" if format == "JPEG" else "PNG"))
    assert again.luma.shape == ramp.shape  # the tag is gone, so it is not turned twice
    assert Image.open(io.BytesIO(content)).size  # and Pillow sees the same file
    with Image.open(io.BytesIO(content)) as image:
        np.testing.assert_array_equal(decode(image).luma.shape, ramp.shape)


def test_clearing_the_orientation_moves_nothing_else():
    exif = exif_of(6)
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "JPEG", exif=exif)
    kept = decode(out.getvalue()).metadata.exif
    assert kept is not None and len(kept) == len(exif)
    assert sum(a != b for a, b in zip(kept, exif, strict=True)) == 1


def test_a_profile_for_grey_is_left_out_and_said_so():
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "JPEG", icc_profile=GREY_PROFILE)
    picture = decode(out.getvalue())
    assert picture.metadata.icc is None
    assert any("profile for grey" in note for note in picture.notes)


def test_an_rgb_profile_is_kept_with_the_files_own_numbers():
    rgb = np.full((8, 8, 3), (10, 200, 90), np.uint8)
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG", icc_profile=SRGB)
    picture = decode(out.getvalue())
    assert picture.metadata.icc == SRGB
    assert picture.luma[0, 0] == round(0.299 * 10 + 0.587 * 200 + 0.114 * 90)
    assert picture.metadata.icc in encode(replace(picture, chroma=full().chroma[:, :4, :4]), "JPEG")


def test_iptc_survives_from_jpeg_to_jpeg():
    block = (
        b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", 10) + b"\x1c\x02\x78\0\x05Paris"
    )
    out = io.BytesIO()
    extra = b"\xff\xed" + struct.pack(">H", len(block) + 2) + block
    Image.new("L", (8, 8)).save(out, "JPEG", extra=extra)
    picture = decode(out.getvalue())
    assert extra in encode(picture)
    assert any("IPTC" in note for note in left_out(picture, "PNG"))


def test_metadata_too_long_for_jpeg_do_not_stop_it():
    long = XMP.replace(b"image/jpeg", b"x" * 70_000)
    kept = Metadata(b"Exif\0\0" + bytes(70_000), None, long, None, b"c" * 70_000)
    picture = replace(full(), metadata=kept)
    content = encode(picture, "JPEG", mark=MARK)
    assert content.count(TYPE) == 1
    assert any("too long" in note for note in left_out(picture, "JPEG"))


def test_jpegs_dpi_and_pngs_late_chunks_are_read():
    out = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    info.add(b"eXIf", exif_of()[6:], after_idat=True)
    Image.new("L", (8, 8)).save(out, "PNG", pnginfo=info, dpi=(72, 72))
    kept = decode(out.getvalue()).metadata
    assert kept.dpi == pytest.approx((72, 72), abs=0.02)


def test_16_bit_pngs_late_chunks_are_read():
    content = encode(full(np.uint16), "PNG")
    start, end = content.index(b"eXIf") - 4, content.index(b"iTXt") - 4
    late = content[:start] + content[end:-12] + content[start:end] + content[-12:]
    assert decode(late).metadata.exif == full().metadata.exif


def test_the_chroma_table_is_the_sources_or_scaled_to_match():
    assert tables_for({0: [200] * 64, 1: [7] * 64}) == [[200] * 64, [7] * 64]
    luma, chroma = tables_for({0: [1] * 64})
    assert luma == [1] * 64 and max(chroma) <= 2


@pytest.mark.parametrize(("gamma", "noted"), [(100_000, True), (45_455, False)])
def test_a_png_of_another_gamma_is_told(gamma: int, noted: bool) -> None:
    plain = io.BytesIO()
    Image.new("L", (8, 8), 99).save(plain, "PNG")
    data = plain.getvalue()
    chunk = b"gAMA" + struct.pack(">I", gamma)
    whole = struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    end = 8 + 25  # the signature and IHDR
    picture = decode(data[:end] + whole + data[end:])
    assert any("gamma" in note for note in picture.notes) == noted
