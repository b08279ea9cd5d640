"""Every row of the table of what Pillow gives, and its traps."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from kolorit.picture.decode import decode

RNG = np.random.default_rng(0)
GREY16 = RNG.integers(0, 65_536, (21, 34), dtype=np.uint16)
GREY = RNG.integers(0, 256, (21, 34), dtype=np.uint8)
RGB = RNG.integers(0, 256, (21, 34, 3), dtype=np.uint8)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG2000"])
def test_grey_of_16_bits_keeps_its_depth(format):
    picture = decode(saved(Image.fromarray(GREY16), format))
    assert picture.depth == 16 and picture.source.depth == 16
    np.testing.assert_array_equal(picture.luma, GREY16)


def test_compressed_and_big_endian_grey_tiffs_keep_their_depth():
    packed = saved(Image.fromarray(GREY16), "TIFF", compression="tiff_lzw")
    np.testing.assert_array_equal(decode(packed).luma, GREY16)
    tifffile = pytest.importorskip("tifffile")
    out = io.BytesIO()
    tifffile.imwrite(out, GREY16, byteorder=">", photometric="minisblack")
    luma = decode(out.getvalue()).luma
    assert luma.dtype == np.uint16  # in this machine's order
    np.testing.assert_array_equal(luma, GREY16)


def test_white_is_zero_is_turned_round_in_8_and_in_16_bits():
    tifffile = pytest.importorskip("tifffile")
    for grey in (GREY, GREY16):
        out = io.BytesIO()
        tifffile.imwrite(out, np.iinfo(grey.dtype).max - grey, photometric="miniswhite")
        np.testing.assert_array_equal(decode(out.getvalue()).luma, grey)
        with Image.open(out) as image:  # and as a Pillow image
            np.testing.assert_array_equal(decode(image).luma, grey)


def test_white_is_zero_is_turned_round_in_floats_too():
    tifffile = pytest.importorskip("tifffile")
    grey = GREY16 / np.float32(65_535)
    out = io.BytesIO()
    tifffile.imwrite(out, 1 - grey, photometric="miniswhite")
    luma = decode(out.getvalue()).luma.astype(int)
    assert np.abs(luma - GREY16).max() <= 1


def test_32_bit_greys_without_a_sign_do_not_wrap_round():
    tifffile = pytest.importorskip("tifffile")
    out = io.BytesIO()
    wide = GREY16.astype(np.uint32) * 65_537
    wide[0, :2] = 0, 2**32 - 1  # the range is that of the picture
    tifffile.imwrite(out, wide, photometric="minisblack")
    luma = decode(out.getvalue()).luma.astype(int)
    assert np.abs(luma - wide // 65_537).max() <= 1


def test_16_bit_greys_are_not_cut_at_255():
    image = Image.fromarray(np.full((4, 4), 5_000, np.uint16))
    assert (decode(image).luma == 5_000).all()
    assert (decode(saved(image, "PNG")).luma == 5_000).all()


def test_12_bit_greys_fill_the_range():
    packed = bytes([0x00, 0x0F, 0xFF, 0x80, 0x00, 0x01])  # 0, 4095, 2048, 1
    tags = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0" + bytes(4))
    for tag, value in {256: 4, 257: 1, 258: 12, 259: 1, 262: 1, 273: 0, 277: 1, 278: 1}.items():
        tags[tag] = value
    tags[279] = len(packed)
    picture = decode(b"II*\0" + (8).to_bytes(4, "little") + tags.tobytes(8) + packed)
    assert picture.luma.tolist() == [[0, 65_535, 2048 * 65_535 // 4095, 65_535 // 4095]]


def test_grey_with_alpha():
    alpha = RNG.integers(0, 256, GREY.shape, dtype=np.uint8)
    image = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(alpha)])
    for format in ("PNG", "TIFF"):
        picture = decode(saved(image, format))
        np.testing.assert_array_equal(picture.luma, GREY)
        np.testing.assert_array_equal(picture.alpha, alpha)


def test_one_bit():
    bits = GREY > 127
    for format in ("PNG", "TIFF", "BMP"):
        picture = decode(saved(Image.fromarray(bits), format))
        np.testing.assert_array_equal(picture.luma, bits * 255)


def test_palette_with_a_transparent_index():
    image = Image.new("P", (4, 1))
    image.putpalette([0, 0, 0, 80, 80, 80, 160, 160, 160, 255, 255, 255])
    image.putdata([0, 1, 2, 3])
    picture = decode(saved(image, "PNG", transparency=2))
    np.testing.assert_array_equal(picture.luma, [[0, 80, 160, 255]])
    np.testing.assert_array_equal(picture.alpha, [[255, 255, 0, 255]])
    assert decode(saved(image, "GIF")).luma.tolist() == [[0, 80, 160, 255]]
    assert decode(saved(image, "TIFF")).luma.tolist() == [[0, 80, 160, 255]]


def test_a_transparent_grey_in_8_and_16_bits():
    picture = decode(saved(Image.fromarray(GREY), "PNG", transparency=int(GREY[3, 3])))
    assert picture.alpha is not None and picture.alpha[3, 3] == 0
    assert (picture.alpha == np.where(GREY == GREY[3, 3], 0, 255)).all()
    image = Image.fromarray(GREY16)
    picture = decode(saved(image, "PNG", transparency=int(GREY16[5, 5])))
    assert picture.alpha is not None and picture.alpha[5, 5] == 0 and picture.alpha.max() == 65_535


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "JPEG2000"])
def test_rgb_becomes_its_luma(format):
    options = {"irreversible": False} if format == "JPEG2000" else {}
    picture = decode(saved(Image.fromarray(RGB), format, **options))
    expected = RGB @ np.array([0.299, 0.587, 0.114])
    assert np.abs(picture.luma - expected).max() <= 0.51
    assert picture.source.coloured and not picture.source.toned
    assert any("colours" in note for note in picture.notes)


def test_rgba_keeps_alpha():
    rgba = RNG.integers(0, 256, (9, 7, 4), dtype=np.uint8)
    for format in ("PNG", "TIFF"):
        picture = decode(saved(Image.fromarray(rgba), format))
        np.testing.assert_array_equal(picture.alpha, rgba[:, :, 3])
    picture = decode(saved(Image.fromarray(rgba), "WEBP", lossless=True, exact=True))
    np.testing.assert_array_equal(picture.alpha, rgba[:, :, 3])


def test_cmyk_by_its_profile_and_naively_without():
    inks = Image.fromarray(RNG.integers(0, 256, (16, 16, 4), dtype=np.uint8), "CMYK")
    picture = decode(saved(inks, "TIFF"))
    assert any("plain formula" in note for note in picture.notes)
    np.testing.assert_array_equal(picture.luma, np.asarray(inks.convert("RGB").convert("L")))
    picture = decode(saved(inks, "TIFF", icc_profile=b"no profile at all"))
    assert any("plain formula" in note for note in picture.notes)
    assert picture.metadata.icc is None


def test_cmyk_by_a_profile_goes_through_littlecms(monkeypatch):
    """No CMYK profile comes with any library here: what is passed to ImageCms is looked at."""
    fake = bytes(16) + b"CMYK" + bytes(16) + b"acsp" + bytes(100)
    seen: list[Any] = []

    def through(image: Image.Image, source: Any, target: Any, **options: Any) -> Image.Image:
        seen.append((image.mode, options["outputMode"]))
        return Image.new("RGB", image.size, (10, 10, 10))

    monkeypatch.setattr(ImageCms, "ImageCmsProfile", lambda given: given)
    monkeypatch.setattr(ImageCms, "profileToProfile", through)
    picture = decode(saved(Image.new("CMYK", (8, 8), (1, 2, 3, 4)), "JPEG", icc_profile=fake))
    assert seen == [("CMYK", "RGB")]
    assert (picture.luma == 10).all() and any("own profile" in note for note in picture.notes)


def test_floats_are_scaled_and_said_so():
    ramp = np.linspace(-2, 6, 48, dtype=np.float32).reshape(6, 8)
    picture = decode(saved(Image.fromarray(ramp), "TIFF"))
    np.testing.assert_allclose(picture.luma / 65_535, (ramp + 2) / 8, atol=1e-5)
    assert any("scaled" in note for note in picture.notes)
    unit = (ramp + 2) / 16  # within 0..1: taken at its word
    picture = decode(saved(Image.fromarray(unit), "TIFF"))
    np.testing.assert_allclose(picture.luma / 65_535, unit, atol=1e-5)
    ramp[0, 0], ramp[0, 1] = np.nan, np.inf
    assert decode(Image.fromarray(ramp)).luma.tolist()[0][:2] == [0, 65_535]


def test_32_bit_greys():
    wide = (GREY16.astype(np.int32) * 1_000).astype(np.int32)
    picture = decode(saved(Image.fromarray(wide), "TIFF"))
    low, high = wide.min(), wide.max()
    np.testing.assert_allclose(picture.luma / 65_535, (wide - low) / (high - low), atol=1e-5)
    assert any("scaled" in note for note in picture.notes)
    narrow = decode(saved(Image.fromarray(GREY16.astype(np.int32)), "TIFF"))
    np.testing.assert_array_equal(narrow.luma, GREY16)
    small = decode(Image.fromarray(GREY.astype(np.int32)))
    np.testing.assert_array_equal(small.luma, GREY)


def test_only_the_first_of_several_is_read_and_said_so():
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY), Image.fromarray(GREY // 2)]
    for format in ("GIF", "TIFF", "WEBP", "PNG", "AVIF"):
        options = {"lossless": True} if format == "WEBP" else {}
        content = saved(frames[0], format, save_all=True, append_images=frames[1:], **options)
        picture = decode(content)
        assert any("first was taken" in note for note in picture.notes), format
        assert np.abs(picture.luma.astype(int) - GREY).mean() < 4, format
    content = saved(frames[0].convert("RGB"), "MPO", save_all=True, append_images=frames[1:])
    picture = decode(content)
    assert picture.source.format == "JPEG" and any("first" in note for note in picture.notes)


@pytest.mark.parametrize(
    ("array", "depth"),
    [
        (GREY, 8),
        (GREY[:, :, None], 8),
        (np.dstack([GREY, GREY]), 8),
        (RGB, 8),
        (np.dstack([RGB, GREY]), 8),
        (GREY16, 16),
        (np.dstack([GREY16] * 4), 16),
        (GREY16.astype(">u2"), 16),
        (GREY16 / 65_535, 16),
        ((GREY16 / 65_535).astype(np.float32), 16),
        (GREY > 127, 8),
    ],
)
def test_arrays(array, depth):
    picture = decode(array)
    assert picture.depth == depth and picture.source.kind == "array"
    assert picture.luma.shape == array.shape[:2] and picture.luma.dtype.isnative
    assert (picture.alpha is not None) == (array.ndim == 3 and array.shape[2] in (2, 4))
    if depth == 16:
        np.testing.assert_array_equal(picture.luma, GREY16)
    elif array.ndim == 2 and array.dtype == np.uint8:
        np.testing.assert_array_equal(picture.luma, GREY)
        assert picture.luma is not array  # a copy: later changes do not reach the picture


def test_pil_images_are_not_changed():
    image = Image.open(io.BytesIO(saved(Image.fromarray(RGB), "PNG")))
    before = Image.fromarray(RGB)
    assert decode(image).source.kind == "pil"
    assert image.mode == "RGB" and image.tobytes() == before.tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX"])
def test_every_mode_of_pillow(mode):
    if mode in ("La", "RGBa", "PA"):
        image = Image.new(mode, (34, 21), 0)
    else:
        image = Image.fromarray(GREY).convert("RGB" if mode == "RGBX" else "L").convert(mode)
    picture = decode(image)
    assert picture.luma.shape == (21, 34) and picture.luma.dtype == np.uint8


@pytest.mark.parametrize("mode", ["YCbCr", "CMYK", "HSV", "LAB", "I;16", "I", "F"])
def test_rarer_modes_of_pillow(mode):
    if mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        grey = Image.fromarray(np.dstack([GREY] * 3))
        image = ImageCms.profileToProfile(grey, srgb, lab, outputMode="LAB")
    elif mode == "I;16":
        image = Image.fromarray(GREY16)
    else:
        image = Image.fromarray(GREY).convert("RGB" if mode in ("HSV", "YCbCr", "CMYK") else "L")
        image = image.convert(mode)
    picture = decode(image)
    assert picture.luma.shape == (21, 34)
    if mode in ("YCbCr", "CMYK", "HSV", "LAB"):
        assert np.abs(picture.luma.astype(int) - GREY).max() <= 4
