"""Colour profiles: which numbers they speak of, and inks to sRGB by them."""

from __future__ import annotations

import io
from typing import cast

from PIL import Image, ImageCms

SPACES = {b"RGB ": "RGB", b"GRAY": "GRAY", b"CMYK": "CMYK", b"Lab ": "LAB"}


def colour_space(icc: bytes) -> str | None:
    """RGB, GRAY, CMYK, LAB, or None for a profile of something else or of nothing.

    Source: ICC.1:2022, 7.2: bytes 16 to 19 name the data's colour space, 36 to 39 are "acsp".
    """
    return SPACES.get(icc[16:20]) if icc[36:40] == b"acsp" else None


def to_srgb(image: Image.Image) -> tuple[Image.Image, str]:
    """(image in mode RGB, a note) of an image in mode CMYK or LAB.

    CMYK goes by the profile in the file; without a usable one by Pillow's plain formula, and the
    note says so.
    """
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return _through(image, lab), "Lab was read as its sRGB colours"
    icc = image.info.get("icc_profile")
    if isinstance(icc, bytes) and colour_space(icc) == "CMYK":
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            return _through(image, profile), "inks (CMYK) were read by the file's own profile"
        except (ImageCms.PyCMSError, OSError):
            pass
    return image.convert("RGB"), "inks (CMYK) without a usable profile were read by a plain formula"


def _through(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    turned = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    return cast(Image.Image, turned)
