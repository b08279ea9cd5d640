"""TIFF at 16 bits, with tifffile as the other opinion."""

from __future__ import annotations

import builtins
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from kolorit.errors import InputUnreadable
from kolorit.picture.decode import decode
from kolorit.picture.encode import encode
from kolorit.picture.picture import from_luma
from kolorit.picture.ycbcr import luma_of

tifffile = pytest.importorskip("tifffile")
RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 65_536, (70, 33, 3), dtype=np.uint16)


def tiff(pixels: np.ndarray[Any, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **({"photometric": "rgb"} | options))
    return out.getvalue()


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("rows", [1, 7, 70, None])
def test_uncompressed_colour_is_read_at_full_depth(byteorder, rows):
    picture = decode(tiff(RGB, byteorder=byteorder, rowsperstrip=rows))
    np.testing.assert_array_equal(picture.luma, luma_of(RGB))
    assert picture.depth == 16 and picture.source.coloured


def test_alpha_and_bigtiff():
    rgba = np.dstack([RGB, RGB[:, :, :1]])
    picture = decode(tiff(rgba, extrasamples=["unassalpha"], bigtiff=True))
    np.testing.assert_array_equal(picture.alpha, RGB[:, :, 0])


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zlib", "predictor": True},
        {"compression": "zlib"},
        {"tile": (32, 32)},
        {"planarconfig": "separate"},
    ],
)
def test_compressed_tiled_and_planar_colour_through_tifffile(options, tmp_path):
    pixels = np.moveaxis(RGB, -1, 0) if "planarconfig" in options else RGB
    content = tiff(np.ascontiguousarray(pixels), **options)
    (tmp_path / "scan.tif").write_bytes(content)
    for source in (content, tmp_path / "scan.tif"):
        picture = decode(source)
        np.testing.assert_array_equal(picture.luma, luma_of(RGB))
        assert picture.depth == 16


def test_without_tifffile_the_extra_is_named(monkeypatch):
    content = tiff(RGB, compression="zlib")
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "tifffile":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    picture = decode(content)
    assert picture.depth == 8
    assert any("kolorit[depth]" in note for note in picture.notes)
    expected = luma_of((RGB >> 8).astype(np.uint8)).astype(int)
    assert np.abs(picture.luma - expected).max() <= 1


def test_a_codec_that_is_missing_is_told(monkeypatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", refuse)
    picture = decode(tiff(RGB, compression="zlib"))
    assert picture.depth == 8 and any("uncompressed" in note for note in picture.notes)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", [False, True])
def test_tifffile_and_pillow_read_what_is_written(dtype, alpha):
    top = np.iinfo(dtype).max
    luma = np.tile(np.linspace(top // 4, top * 3 // 4, 131).astype(dtype), (67, 1))
    chroma = np.full((2, 34, 66), (top + 1) // 2 + top // 9, dtype)
    picture = from_luma(luma, chroma, alpha=luma if alpha else None)
    content = encode(picture, "TIFF")
    pixels = tifffile.imread(io.BytesIO(content))
    assert pixels.dtype == dtype and pixels.shape == (67, 131, 4 if alpha else 3)
    np.testing.assert_array_equal(luma_of(pixels), luma)
    shown = np.asarray(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(shown, pixels if dtype == np.uint8 else pixels >> 8)


def test_a_truncated_one_is_told():
    whole = encode(from_luma(RGB[:, :, 0], np.full((2, 70, 33), 33_000, np.uint16)), "TIFF")
    with pytest.raises(InputUnreadable, match="truncated"):
        decode(whole[: len(whole) // 2])


@pytest.mark.parametrize("tag", [254, 50706])
def test_a_cameras_raw_file_is_not_taken_for_its_preview(tag):
    tags = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0" + bytes(4))
    tags[tag] = 1 if tag == 254 else b"\x01\x04\0\0"
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "TIFF", tiffinfo=tags)
    with pytest.raises(InputUnreadable, match="raw file"):
        decode(out.getvalue())


def test_float_colour_is_refused_with_a_remedy():
    with pytest.raises(InputUnreadable, match="not read") as caught:
        decode(tiff(RGB.astype(np.float32)))
    assert "16-bit" in caught.value.remedy
