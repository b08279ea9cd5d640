"""Colour photographs as plain RGB bytes: what the workshop trains on and judges against."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from kolorit.errors import InputUnreadable, LimitExceeded
from kolorit.picture.icc import colour_space, to_srgb


def decode_rgb(source: bytes | str | os.PathLike[str], least: int | None = None) -> np.ndarray:
    """Upright sRGB bytes (H,W,3) uint8 of a colour photograph; alpha is dropped.

    Numbers of another space (Adobe RGB, Display P3, inks) go by the profile in the file; without
    one they are taken for sRGB.
    least: pixels that are enough for the shorter side; a JPEG of more than four times as many is
    then decoded at a half, a quarter or an eighth of its size, several times as fast.
    Raises InputUnreadable for what is no picture, LimitExceeded for a bomb.
    """
    name = None if isinstance(source, bytes) else os.fspath(source)
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "BMP", "TIFF")) as image:
            if least is not None:
                image.draft(None, (2 * least, 2 * least))
            return np.asarray(_to_srgb(ImageOps.exif_transpose(image)))
    except Image.DecompressionBombError as error:
        raise LimitExceeded(str(error), file=name) from error
    except UnidentifiedImageError as error:
        raise InputUnreadable("this is no photograph that is read here", file=name) from error
    except MemoryError as error:
        raise LimitExceeded("decoding takes more memory than there is", file=name) from error
    except Exception as error:  # decoders raise what they like on damaged bytes
        raise InputUnreadable(f"this is no readable photograph: {error}", file=name) from error


def _to_srgb(image: Image.Image) -> Image.Image:
    """image in mode RGB, by its profile; a profile that is broken is none."""
    if image.mode in ("CMYK", "LAB"):
        return to_srgb(image)[0]
    rgb, icc = image.convert("RGB"), image.info.get("icc_profile")
    if not isinstance(icc, bytes) or colour_space(icc) != "RGB":
        return rgb
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        ImageCms.profileToProfile(rgb, profile, srgb, inPlace=True)
    except (ImageCms.PyCMSError, OSError):
        pass
    return rgb


def resize_rgb(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """rgb (H,W,3) uint8 at another (height, width), antialiased (Pillow's bicubic)."""
    height, width = size
    image = Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def encode_rgb(
    rgb: np.ndarray, format: Literal["JPEG", "PNG"] = "JPEG", quality: int = 90
) -> bytes:
    """A file of rgb (H,W,3) uint8, the same bytes each time.

    quality: of JPEG, 1..100; its colours keep their full resolution, since they are what a person
    wants to look at. PNG is exact. Raises ValueError for another array or format, and for a
    picture that JPEG cannot hold (a side over 65,500 pixels).
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise ValueError(f"expected (H, W, 3) uint8, got {rgb.shape} {rgb.dtype}")
    out = io.BytesIO()
    if format == "JPEG":
        if max(rgb.shape) > 65_500:
            raise ValueError(f"{rgb.shape[1]} x {rgb.shape[0]} pixels are too many for a JPEG")
        Image.fromarray(rgb).save(out, "JPEG", quality=quality, subsampling=0)
    elif format == "PNG":
        Image.fromarray(rgb).save(out, "PNG")
    else:
        raise ValueError(f"'{format}' is neither JPEG nor PNG")
    return out.getvalue()


def cut_turned(
    rgb: np.ndarray, centre: tuple[float, float], side: float, degrees: float, px: int
) -> np.ndarray:
    """A square out of rgb (H,W,3) uint8, turned about its own centre, at (px,px,3); bicubic.

    centre: (y, x) in pixels, counted from the upper left corner of the first one, as side is.
    degrees: how far the square is turned clockwise, so that what it shows turns the other way.
    Raises ValueError when a corner lies outside rgb, since there is nothing to see there.
    """
    (height, width), turn = rgb.shape[:2], math.radians(degrees)
    reach = side * (abs(math.cos(turn)) + abs(math.sin(turn))) / 2 - 1e-6
    if not (reach <= centre[0] <= height - reach and reach <= centre[1] <= width - reach):
        raise ValueError(f"a square of {side} turned by {degrees} does not fit at {centre}")
    image, (y, x) = Image.fromarray(rgb), centre
    down, across = side / px, side / px  # pixels of rgb in one of the square's
    if down > 1.25:  # the turning samples and does not average, so the picture is shrunk before
        image = image.resize(
            (round(width / across), round(height / down)), Image.Resampling.BICUBIC
        )
        y, x = y * image.height / height, x * image.width / width
        down, across = down * image.height / height, across * image.width / width
    c, s = math.cos(turn), math.sin(turn)
    # (column, row) of the square's pixel -> place in the picture
    matrix = (
        *(across * c, -across * s, x - px / 2 * across * (c - s)),
        *(down * s, down * c, y - px / 2 * down * (s + c)),
    )
    return np.asarray(
        image.transform((px, px), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    )


def through_jpeg(grey: np.ndarray, quality: int) -> np.ndarray:
    """What is left of grey (H,W) uint8 after it was a JPEG of this quality, 1..100."""
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JPEG", quality=quality)
    with Image.open(file, formats=("JPEG",)) as image:
        return np.asarray(image)
