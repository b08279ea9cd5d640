"""picture/rgb.py: plain RGB bytes into a file and back."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from kolorit.errors import InputUnreadable, LimitExceeded
from kolorit.picture.rgb import cut_turned, decode_rgb, encode_rgb, through_jpeg

RNG = np.random.default_rng(1)
NOISE = RNG.integers(0, 256, (13, 22, 3), dtype=np.uint8)
SMOOTH = np.asarray(Image.fromarray(NOISE[:3, :4]).resize((64, 48), Image.Resampling.BICUBIC))


def test_png_is_exact() -> None:
    content = encode_rgb(NOISE, "PNG", quality=1)
    assert content.startswith(b"\x89PNG")
    np.testing.assert_array_equal(decode_rgb(content), NOISE)


def test_jpeg_is_near_and_keeps_the_resolution_of_colours() -> None:
    content = encode_rgb(SMOOTH)
    assert np.abs(decode_rgb(content).astype(int) - SMOOTH).mean() < 2
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "JPEG"
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # 4:4:4
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = (255, 0, 0), (0, 0, 255)
    back = decode_rgb(encode_rgb(stripes))
    assert back[:, ::2, 0].min() > 200 and back[:, 1::2, 0].max() < 55  # 4:2:0 makes them purple


def test_quality_is_heeded_and_bytes_repeat() -> None:
    low, middle, high = (encode_rgb(SMOOTH, quality=q) for q in (20, 90, 98))
    assert len(low) < len(middle) < len(high)
    assert encode_rgb(SMOOTH) == middle  # 90 unless told
    assert encode_rgb(np.asfortranarray(SMOOTH)) == middle


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8"):
        encode_rgb(array)


def test_other_formats_and_too_long_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="GIF"):
        encode_rgb(NOISE, "GIF")  # type: ignore[arg-type]
    long = np.zeros((1, 65_501, 3), np.uint8)
    with pytest.raises(ValueError, match="65501 x 1"):
        encode_rgb(long)
    assert decode_rgb(encode_rgb(long, "PNG")).shape == long.shape
    assert decode_rgb(encode_rgb(long[:, :65_500])).shape == (1, 65_500, 3)


def test_least_decodes_large_jpegs_smaller_and_leaves_others_alone() -> None:
    large = np.asarray(Image.fromarray(SMOOTH).resize((1000, 700), Image.Resampling.BICUBIC))
    file = encode_rgb(large)
    assert decode_rgb(file).shape == (700, 1000, 3)
    for least, scale in ((40, 8), (64, 4), (175, 2), (200, 1), (1000, 1)):
        assert decode_rgb(file, least).shape == (-(-700 // scale), -(-1000 // scale), 3)
    small = decode_rgb(file, 80)
    expected = large[: 175 * 4, : 250 * 4].reshape(175, 4, 250, 4, 3).mean((1, 3))
    assert np.abs(small - expected).mean() < 1.5
    assert decode_rgb(encode_rgb(large, "PNG"), 40).shape == (700, 1000, 3)


@pytest.mark.filterwarnings("ignore")  # Pillow's, of what is odd in a file
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_damaged_files_raise_nothing_else(format: str) -> None:
    out = io.BytesIO()
    Image.fromarray(NOISE).save(out, format)
    whole, rng = out.getvalue(), np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for at in rng.integers(0, len(broken), 3):
            broken[at] = rng.integers(256)
        try:
            assert decode_rgb(bytes(broken), 8).shape[2] == 3
        except (InputUnreadable, LimitExceeded) as error:
            assert "object at" not in str(error)


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    """The square turns clockwise, so what it shows turns the other way, as rot90 does."""
    square = np.ascontiguousarray(NOISE[:, :13])
    for quarters in range(-1, 4):
        turned = cut_turned(square, (6.5, 6.5), 13, 90 * quarters, 13).astype(int)
        np.testing.assert_allclose(turned, np.rot90(square, quarters), atol=1)  # it rounds down
    np.testing.assert_array_equal(cut_turned(NOISE, (5, 9), 6, 0, 6), NOISE[2:8, 6:12])


@pytest.mark.parametrize("px", [40, 64, 25])
@pytest.mark.parametrize("degrees", [-30, -7, 0, 12, 45])
def test_a_dot_lands_where_it_should(degrees: float, px: int) -> None:
    y, x = np.mgrid[:120, :150] + 0.5
    dot, centre, side = np.array([63.2, 82.7]), np.array([58.5, 79.1]), 50
    bump = 250 * np.exp(-((y - dot[0]) ** 2 + (x - dot[1]) ** 2) / 18)
    rgb = np.repeat(np.rint(bump).astype(np.uint8)[..., None], 3, -1)
    seen = cut_turned(rgb, tuple(centre), side, degrees, px)[..., 0].astype(float)
    rows, columns = np.mgrid[:px, :px] + 0.5
    found = np.array([(rows * seen).sum(), (columns * seen).sum()]) / seen.sum()
    away = complex(*(dot - centre)[::-1]) * np.exp(-1j * np.radians(degrees)) * px / side
    np.testing.assert_allclose(found, [px / 2 + away.imag, px / 2 + away.real], atol=0.15)


def test_turning_takes_nothing_from_outside_and_averages_when_it_shrinks() -> None:
    flat = np.full((60, 90, 3), (7, 180, 250), np.uint8)
    side = 60 / (np.cos(np.pi / 6) + np.sin(np.pi / 6))
    for px in (20, 43, 60):
        assert (cut_turned(flat, (30, 45), side, 30, px) == flat[0, 0]).all()
        assert (cut_turned(flat, (30, 30), side, -30, px) == flat[0, 0]).all()
    for centre in ((29.9, 45), (30, 29.9), (30, 60.1), (30.1, 45)):
        with pytest.raises(ValueError, match="does not fit"):
            cut_turned(flat, centre, side, 30, 20)
    fine = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    assert cut_turned(fine, (100, 100), 140, 30, 20).std() < 20  # of single pixels it is 74


def test_through_jpeg_loses_more_at_less_quality() -> None:
    grey = np.ascontiguousarray(np.tile(NOISE[..., 0], (4, 3)))
    errors = [np.abs(through_jpeg(grey, q).astype(int) - grey).mean() for q in (10, 50, 90, 100)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1.5 < 15 < errors[0]
    assert through_jpeg(grey, 50).shape == grey.shape


# Profiles: Adobe RGB (1998) and sRGB, primaries adapted to D50, as published (B. Lindbloom)

ADOBE = np.array(
    [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
)
SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)
GAMMA = 563 / 256


def profile(primaries: np.ndarray, gamma: float, space: bytes = b"RGB ") -> bytes:
    """The least of an ICC profile, version 2 (ICC.1:2001-04): matrix and gamma."""

    def fixed(values: np.ndarray) -> bytes:
        return b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    xyz = [b"XYZ \0\0\0\0" + fixed(column) for column in (*primaries.T, [0.9642, 1, 0.8249])]
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    names = (b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt", b"rTRC", b"gTRC", b"bTRC")
    tags, at = [*xyz, curve, curve, curve], 132 + 12 * len(names)
    table = struct.pack(">I", len(names))
    for name, tag in zip(names, tags, strict=True):
        table += name + struct.pack(">II", at, len(tag))
        at += len(tag)
    head = struct.pack(">I4xI4s4s4s12x4s", at, 0x02400000, b"mntr", space, b"XYZ ", b"acsp")
    head += bytes(28) + fixed(np.array([0.9642, 1, 0.8249]))
    return head.ljust(128, b"\0") + table + b"".join(tags)


def file_of(rgb: np.ndarray, format: str, icc: bytes, mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).convert(mode).save(out, format, quality=100, icc_profile=icc)
    return out.getvalue()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_adobe_rgb_becomes_srgb(format: str) -> None:
    """By the formula; what sRGB has not is cut off."""
    shown = decode_rgb(file_of(NOISE, format, profile(ADOBE, GAMMA)))
    linear = (NOISE / 255) ** GAMMA @ (np.linalg.inv(SRGB) @ ADOBE).T  # (H,W,3)
    linear = linear.clip(0, 1)
    want = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    assert np.abs(want * 255 - NOISE).max() > 25
    np.testing.assert_allclose(shown, want * 255, atol=2.5)
    plain = file_of(NOISE, format, b"")
    np.testing.assert_array_equal(decode_rgb(plain), NOISE)


def test_a_profile_goes_with_every_way_to_store_rgb() -> None:
    icc = profile(ADOBE, GAMMA)
    want = decode_rgb(file_of(SMOOTH, "PNG", icc)).astype(int)
    for format, mode in (("PNG", "RGBA"), ("WEBP", "RGB"), ("JPEG", "RGB")):
        shown = decode_rgb(file_of(SMOOTH, format, icc, mode))
        assert np.abs(shown - want).mean() < 2, format
    out = io.BytesIO()
    Image.fromarray(SMOOTH).resize((640, 480)).save(out, "JPEG", quality=95, icc_profile=icc)
    small = Image.fromarray(decode_rgb(out.getvalue(), 40)).resize((64, 48))
    assert np.abs(np.asarray(small) - want).mean() < 4
    turned = Image.fromarray(SMOOTH).getexif()
    turned[0x0112] = 3
    out = io.BytesIO()
    Image.fromarray(SMOOTH).save(out, "PNG", exif=turned, icc_profile=icc)
    np.testing.assert_array_equal(decode_rgb(out.getvalue())[::-1, ::-1], want)


def test_an_srgb_profile_changes_nothing() -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(decode_rgb(file_of(NOISE, "PNG", icc)), NOISE)


@pytest.mark.parametrize("kind", ["none", "cut", "of ink", "without curves", "of another colour"])
def test_a_profile_that_cannot_be_used_is_none(kind: str) -> None:
    whole = profile(ADOBE, GAMMA)
    icc = {
        "none": b"no profile",
        "cut": whole[:200],
        "of ink": profile(ADOBE, GAMMA, b"CMYK"),
        "without curves": whole.replace(b"TRC", b"XXX"),
        "of another colour": profile(ADOBE, GAMMA, b"GRAY"),
    }[kind]
    np.testing.assert_array_equal(decode_rgb(file_of(NOISE, "PNG", icc)), NOISE)


def test_inks_without_a_profile_go_by_the_plain_formula() -> None:
    inks = np.zeros((4, 4, 4), np.uint8)
    inks[..., 1] = 255  # magenta alone
    out = io.BytesIO()
    Image.fromarray(inks, "CMYK").save(out, "TIFF")
    assert (decode_rgb(out.getvalue()) == (255, 0, 255)).all()


def test_damaged_profiles_raise_nothing() -> None:
    whole, rng = profile(ADOBE, GAMMA), np.random.default_rng(0)
    for _ in range(200):
        broken = bytearray(whole[: rng.integers(40, len(whole) + 1)])
        for at in rng.integers(0, len(broken), 3):
            broken[at] = rng.integers(256)
        assert decode_rgb(file_of(NOISE, "PNG", bytes(broken))).shape == NOISE.shape
