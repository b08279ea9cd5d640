"""What comes out of a file goes back into one: grey values, depth, alpha, colour."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from kolorit.errors import OutputUnwritable
from kolorit.picture.decode import decode
from kolorit.picture.encode import encode, left_out
from kolorit.picture.picture import Picture, Source, from_luma, to_array, to_pil, to_rgb

RNG = np.random.default_rng(1)


def scene(height: int, width: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """A luma plane (H,W) uint8 with slopes, edges and grain, as photographs have."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(20, 235, (max(2, height // 24), max(2, width // 24))).astype(np.float32)
    plane = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    return np.clip(plane + rng.normal(0, 4, plane.shape), 0, 255).astype(np.uint8)


def coloured(luma: np.ndarray[Any, Any], step: int = 2, reach: int = 25) -> np.ndarray[Any, Any]:
    """Smooth chroma (2,h,w) that stays within the gamut of mid greys."""
    h, w = (-(-n // step) for n in luma.shape)
    centre = 128 if luma.dtype == np.uint8 else 32768
    y, x = np.mgrid[0:h, 0:w]
    waves = np.stack([np.sin(x / 9), np.cos(y / 7)]) * reach * centre / 128
    return np.round(waves + centre).astype(luma.dtype)


def jpeg_of(luma: np.ndarray[Any, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(luma).save(out, "JPEG", **options)
    return out.getvalue()


def luma_again(content: bytes) -> np.ndarray[Any, Any]:
    """Luma of a file by Pillow alone: of a JPEG as stored, of others by its conversion to grey."""
    image = Image.open(io.BytesIO(content))
    image.draft("L", None)
    return np.asarray(image.convert("L")).astype(int)


@pytest.mark.parametrize("quality", [30, 75, 92, 98])
@pytest.mark.parametrize("size", [(96, 128), (97, 131), (301, 203)])
def test_jpeg_to_jpeg_keeps_99_percent_of_luma_within_1(quality, size):
    picture = decode(jpeg_of(scene(*size), quality=quality))
    again = luma_again(encode(replace(picture, chroma=coloured(picture.luma))))
    assert (np.abs(again - picture.luma) <= 1).mean() >= 0.99


@pytest.mark.parametrize("orientation", range(1, 9))
def test_so_does_a_turned_jpeg(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(jpeg_of(scene(101, 150), quality=80, exif=exif))
    assert picture.luma.shape == ((150, 101) if orientation > 4 else (101, 150))
    again = luma_again(encode(replace(picture, chroma=coloured(picture.luma))))
    assert (np.abs(again - picture.luma) <= 1).mean() >= 0.99


@pytest.mark.parametrize("kind", ["inks", "RGB"])
def test_so_does_a_jpeg_that_stores_no_luma(kind):
    image = Image.fromarray(scene(300, 400))
    out = io.BytesIO()
    if kind == "inks":
        inks = [Image.new("L", image.size)] * 3 + [ImageOps.invert(image)]
        Image.merge("CMYK", inks).save(out, "JPEG", quality=80)
    else:
        image.convert("RGB").save(out, "JPEG", quality=80, keep_rgb=True)
    picture = decode(out.getvalue())
    assert picture.source.quantisation is None
    again = luma_again(encode(replace(picture, chroma=coloured(picture.luma))))
    assert (np.abs(again - picture.luma) <= 1).mean() >= 0.99


def test_so_does_a_jpeg_with_much_black_and_white():
    luma = np.where(scene(160, 160) > 128, 255, 0).astype(np.uint8)
    picture = decode(jpeg_of(luma, quality=60))
    again = luma_again(encode(replace(picture, chroma=coloured(picture.luma, reach=0))))
    assert (np.abs(again - picture.luma) <= 1).mean() >= 0.99


@pytest.mark.slow
def test_so_does_a_large_jpeg_with_much_black_and_white():
    luma = np.clip(scene(1600, 1200).astype(int) * 3 - 250, 0, 255).astype(np.uint8)
    picture = decode(jpeg_of(luma, quality=60))
    again = luma_again(encode(replace(picture, chroma=coloured(picture.luma, reach=0))))
    assert (np.abs(again - picture.luma) <= 1).mean() >= 0.99


def test_jpeg_keeps_its_tables_and_matches_chroma_to_them():
    grey = decode(jpeg_of(scene(96, 96), quality=90))
    out = Image.open(io.BytesIO(encode(replace(grey, chroma=coloured(grey.luma)))))
    assert out.quantization[0] == grey.source.quantisation[0]
    standard = Image.open(io.BytesIO(jpeg_of(scene(16, 16)[:, :, None].repeat(3, 2), quality=90)))
    assert np.abs(np.subtract(out.quantization[1], standard.quantization[1])).max() <= 1
    rgb = decode(jpeg_of(scene(96, 96)[:, :, None].repeat(3, 2), quality=77))
    out = Image.open(io.BytesIO(encode(replace(rgb, chroma=coloured(rgb.luma)))))
    assert out.quantization[1] == rgb.source.quantisation[1]


@pytest.mark.parametrize("step", [1, 2, 4])
@pytest.mark.parametrize("size", [(64, 96), (65, 97), (67, 101), (1, 1), (2, 3)])
def test_jpeg_chroma_is_what_was_given(step, size):
    picture = from_luma(np.full(size, 128, np.uint8))
    chroma = coloured(picture.luma, step)
    content = encode(replace(picture, chroma=chroma), "JPEG", quality=98)
    image = Image.open(io.BytesIO(content))
    sampling = image.layer[0][1:3]
    assert sampling == ((2, 2) if step > 1 and size != (1, 1) else (1, 1))
    image.draft("YCbCr", None)
    shown = np.asarray(image).astype(int)[:, :, 1:]
    full = chroma.repeat(step, 1).repeat(step, 2)[:, : size[0], : size[1]]
    assert np.abs(shown - np.moveaxis(full, 0, -1)).mean() < 2.5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("step", [1, 2, 4])
@pytest.mark.parametrize("size", [(130, 70), (63, 41), (1, 5)])
def test_png_and_tiff_keep_depth_luma_alpha_and_colour(format, dtype, step, size):
    top = np.iinfo(dtype).max
    luma = (scene(*size).astype(np.float64) / 255 * 0.6 * top + 0.2 * top).astype(dtype)
    alpha = RNG.integers(0, top + 1, size, dtype=dtype)
    given_ = from_luma(luma, coloured(luma, step), alpha=alpha)
    content = encode(given_, format)
    again = decode(content)
    assert again.depth == given_.depth and again.source.format == format
    np.testing.assert_array_equal(again.luma, luma)  # to the last bit
    np.testing.assert_array_equal(again.alpha, alpha)
    if dtype == np.uint8:
        np.testing.assert_array_equal(
            np.asarray(Image.open(io.BytesIO(content)))[..., :3], to_rgb(given_)
        )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG"])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_a_picture_without_chroma_stays_grey(format, dtype, with_alpha):
    luma = scene(40, 50).astype(dtype) * (257 if dtype == np.uint16 else 1)
    luma = luma.astype(dtype)
    picture = from_luma(luma, alpha=luma if with_alpha else None)
    content = encode(picture, format, quality=95)
    again = decode(content)
    assert not again.source.coloured and not again.source.toned
    if format != "JPEG":
        np.testing.assert_array_equal(again.luma, luma)
    if not with_alpha or format == "JPEG":
        assert Image.open(io.BytesIO(content)).mode in ("L", "I;16")


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 65_535),
    st.integers(-32_768, 32_767),
    st.integers(-32_768, 32_767),
    st.sampled_from([np.uint8, np.uint16]),
)
def test_luma_comes_back_exactly_inside_the_gamut(Y, cb, cr, dtype):
    shift = 8 if dtype == np.uint8 else 0
    Y, cb, cr = Y >> shift, cb >> shift, cr >> shift
    top = np.iinfo(dtype).max
    centre = (top + 1) // 2
    red, blue = Y + 1.402 * cr, Y + 1.772 * cb
    green = (Y - 0.299 * red - 0.114 * blue) / 0.587
    room = min(red, green, blue) >= 1 and max(red, green, blue) <= top - 1
    picture = from_luma(
        np.full((1, 1), Y, dtype), np.array([[[cb + centre]], [[cr + centre]]], dtype)
    )
    rgb = to_rgb(picture)[0, 0].astype(np.float64)
    assert ((rgb >= 0) & (rgb <= top)).all()
    if room:
        assert np.rint(rgb @ [0.299, 0.587, 0.114]) == Y
        assert np.abs(rgb - [red, green, blue]).max() < 1.35


def test_png_luma_error_is_under_half_a_step_even_at_the_gamuts_edge():
    luma = scene(120, 120)
    chroma = coloured(luma, reach=60)
    Y = luma.astype(float)
    Cb, Cr = (plane.repeat(2, 0).repeat(2, 1).astype(float) - 128 for plane in chroma)
    rgb = np.stack([Y + 1.402 * Cr, Y - 0.344136 * Cb - 0.714136 * Cr, Y + 1.772 * Cb])
    inside = ((rgb >= 0) & (rgb <= 255)).all(axis=0)
    again = luma_again(encode(from_luma(luma, chroma), "PNG"))
    assert np.abs(again - luma)[inside].mean() < 0.5
    assert inside.mean() > 0.5


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
def test_16_bits_are_rounded_to_8_where_the_format_holds_no_more(format):
    luma = (scene(48, 64).astype(np.uint16) * 257 // 2 + 9_000).astype(np.uint16)
    picture = from_luma(luma, coloured(luma))
    content = encode(picture, format, quality=98)
    assert np.abs(luma_again(content) - luma / 257).mean() < 2.5
    assert any("8 bits" in note for note in left_out(picture, format))


@pytest.mark.parametrize("format", ["WEBP", "AVIF", "PNG", "TIFF"])
def test_alpha_is_kept_where_it_can_be(format):
    luma = scene(40, 40)
    picture = from_luma(luma, coloured(luma), alpha=np.where(luma > 120, 255, 0).astype(np.uint8))
    again = decode(encode(picture, format))
    assert again.alpha is not None
    assert np.abs(again.alpha.astype(int) - picture.alpha).mean() < 2
    assert not any("transparency" in note for note in left_out(picture, format))


def test_jpeg_tells_that_alpha_is_left_out():
    picture = from_luma(scene(8, 8), alpha=scene(8, 8))
    assert any("transparency" in note for note in left_out(picture, "JPEG"))


def test_never_progressive():
    grey = decode(jpeg_of(scene(64, 64), progressive=True))
    assert not Image.open(io.BytesIO(encode(grey))).info.get("progressive")


@pytest.mark.parametrize(
    ("source", "given_", "start"),
    [
        ("JPEG", None, b"\xff\xd8"),
        ("TIFF", None, b"II*"),
        ("ARRAY", None, b"\x89PNG"),
        ("GIF", None, b"\x89PNG"),
        ("GIF", "jpeg", b"\xff\xd8"),
    ],
)
def test_the_format_is_the_one_given_or_the_sources_own_or_png(source, given_, start):
    picture = from_luma(scene(8, 8), source=Source(source))
    assert encode(picture, given_).startswith(start)


@pytest.mark.parametrize(
    ("format", "quality"), [("GIF", None), ("BMP", None), ("JPEG", 0), ("JPEG", 101)]
)
def test_what_cannot_be_written_is_refused_in_words(format, quality):
    with pytest.raises(OutputUnwritable):
        encode(from_luma(scene(8, 8)), format, quality)


def test_too_long_a_side_is_refused():
    with pytest.raises(OutputUnwritable, match="16383"):
        encode(from_luma(np.zeros((2, 16_384), np.uint8)), "WEBP")


def test_encoders_failures_come_out_as_ours(monkeypatch):
    def fail(*_: Any, **__: Any) -> None:
        raise struct.error("argument out of range")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OutputUnwritable, match="WEBP"):
        encode(from_luma(scene(8, 8)), "WEBP")


def test_to_pil_and_to_array():
    luma = (scene(20, 30).astype(np.uint16) * 257).astype(np.uint16)
    picture = from_luma(luma, coloured(luma), alpha=luma)
    assert to_array(picture).shape == (20, 30, 4) and to_array(picture).dtype == np.uint16
    image = to_pil(picture)
    assert image.mode == "RGBA"
    assert np.abs(np.asarray(image)[..., 3].astype(int) - luma / 257).max() <= 0.5


@pytest.mark.parametrize(
    "broken",
    [
        {"luma": np.zeros((4, 4), np.float32)},
        {"luma": np.zeros((4, 4, 3), np.uint8)},
        {"luma": np.zeros((0, 4), np.uint8)},
        {"chroma": np.zeros((2, 3, 3), np.uint8)},
        {"chroma": np.zeros((2, 4, 4), np.uint16)},
        {"alpha": np.zeros((3, 4), np.uint8)},
    ],
)
def test_planes_that_do_not_fit_are_refused(broken):
    with pytest.raises(ValueError):
        Picture(**({"luma": np.zeros((4, 4), np.uint8)} | broken), source=Source())
