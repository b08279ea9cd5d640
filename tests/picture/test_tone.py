"""Grey, toned, coloured: told apart, also by the cheap look into a JPEG."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kolorit.picture import jpeg
from kolorit.picture.decode import decode
from kolorit.picture.tone import GREY, Tone, tone_of, tone_of_image

RNG = np.random.default_rng(5)


def scene(height: int = 300, width: int = 400) -> np.ndarray[Any, Any]:
    """Grey (H,W) in 0..1 with slopes and grain."""
    coarse = Image.fromarray(RNG.random((9, 12)).astype(np.float32))
    plane = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    return np.clip(plane + RNG.normal(0, 0.02, plane.shape), 0, 1)


def sepia(grey: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    dark, light = np.array([0.2, 0.12, 0.05]), np.array([1, 0.93, 0.78])
    rgb = dark + (light - dark) * grey[..., None] + RNG.normal(0, 0.01, (*grey.shape, 3))
    return (np.clip(rgb, 0, 1) * 255).astype(np.uint8)


def near_neutral(grey: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    rgb = grey[..., None] * 255 + RNG.integers(-2, 3, (*grey.shape, 3))
    return np.clip(rgb, 0, 255).astype(np.uint8)


def sky_and_field(grey: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    rgb = np.empty((*grey.shape, 3))
    middle = len(grey) * 2 // 3
    rgb[:middle] = [0.55, 0.7, 0.95]
    rgb[middle:] = [0.35, 0.5, 0.15]
    return (np.clip(rgb * (0.7 + 0.3 * grey[..., None]), 0, 1) * 255).astype(np.uint8)


def one_red_rose(grey: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    rgb = (grey[..., None].repeat(3, -1) * 255).astype(np.uint8)
    height, width = grey.shape
    rgb[height // 8 : height // 3, width // 3 : width // 2] = [200, 30, 40]
    return rgb


CASES = [
    (sepia, Tone(toned=True)),
    (near_neutral, GREY),
    (sky_and_field, Tone(coloured=True)),
    (one_red_rose, Tone(coloured=True)),
]


@pytest.mark.parametrize(("paint", "tone"), CASES)
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_every_format_says_the_same(format, paint, tone):
    out = io.BytesIO()
    Image.fromarray(paint(scene())).save(out, format, quality=88)
    picture = decode(out.getvalue())
    assert (picture.source.coloured, picture.source.toned) == (tone.coloured, tone.toned)
    said = [note for note in picture.notes if "only its grey values" in note]
    assert len(said) == (tone != GREY)


@pytest.mark.parametrize(("paint", "tone"), CASES)
@pytest.mark.parametrize("progressive", [False, True])
def test_large_jpegs_are_judged_by_a_part_where_it_suffices(monkeypatch, paint, tone, progressive):
    out = io.BytesIO()
    Image.fromarray(paint(scene(1200, 1600))).save(out, "JPEG", quality=95, progressive=progressive)
    assert len(out.getvalue()) > jpeg.SMALL or paint is sky_and_field
    looked: list[int] = []
    real = jpeg._eighth
    monkeypatch.setattr(
        jpeg, "_eighth", lambda content: (looked.append(len(content)), real(content))[1]
    )
    source = decode(out.getvalue()).source
    if paint is one_red_rose and not progressive:
        assert not source.coloured  # the price: its first eighth is grey to the last step
    else:
        assert (source.coloured, source.toned) == (tone.coloured, tone.toned)
    assert sum(looked) <= len(out.getvalue()) * 9 / 8
    if progressive:
        assert looked == [len(out.getvalue())]


def test_a_neutral_large_jpeg_costs_an_eighth(monkeypatch):
    grey = (scene(1200, 1600)[..., None].repeat(3, -1) * 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(grey).save(out, "JPEG", quality=95)
    looked: list[int] = []
    real = jpeg._eighth
    monkeypatch.setattr(
        jpeg, "_eighth", lambda content: (looked.append(len(content)), real(content))[1]
    )
    assert not decode(out.getvalue()).source.coloured
    assert looked == [len(out.getvalue()) // 8]


def test_an_empty_white_sky_above_a_field_is_looked_into_further():
    rgb = sky_and_field(scene(1200, 1600))
    rgb[:800] = 255
    rgb[800:] = np.clip(rgb[800:].astype(int) + RNG.integers(-40, 40, (400, 1600, 1)), 0, 255)
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=98)
    assert len(out.getvalue()) > jpeg.SMALL
    source = decode(out.getvalue()).source
    assert source.coloured or source.toned  # a green field of one tint: not grey in any case


def test_the_luma_of_a_toned_picture_is_kept():
    rgb = sepia(scene())
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG")
    expected = rgb @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decode(out.getvalue()).luma - expected).max() <= 0.51


def test_no_samples_are_grey_and_two_hues_are_colours():
    assert tone_of(np.empty((0, 3), np.uint8)) == GREY
    split = np.zeros((1000, 3), np.uint8)
    split[:, 0] = np.arange(1000) % 256
    split[:, 1:] = np.where(split[:, :1] > 127, [100, 160], [160, 100])
    assert tone_of(split) == Tone(coloured=True)
    assert tone_of_image(Image.new("RGB", (1, 1), (10, 200, 10))) == Tone(toned=True)
