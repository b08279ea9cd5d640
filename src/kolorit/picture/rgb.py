"""Colour photographs as plain RGB bytes: what the workshop trains on and judges against."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from kolorit.errors import InputUnreadable, LimitExceeded


def decode_rgb(source: bytes | str | os.PathLike[str]) -> np.ndarray:
    """Upright sRGB bytes (H,W,3) uint8 of a colour photograph; alpha is dropped.

    Raises InputUnreadable for what is no picture, LimitExceeded for a bomb.
    """
    name = None if isinstance(source, bytes) else os.fspath(source)
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "BMP", "TIFF")) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except Image.DecompressionBombError as error:
        raise LimitExceeded(str(error), file=name) from error
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, RuntimeError) as error:
        raise InputUnreadable(f"this is no readable photograph: {error}", file=name) from error


def resize_rgb(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """rgb (H,W,3) uint8 at another (height, width), antialiased (Pillow's bicubic)."""
    height, width = size
    image = Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)
