"""JPEG, the hot path: libjpeg hands out its luma plane and never makes RGB.

That costs half of decoding to RGB. Whether the file has colours is looked up at an eighth of the
size; entropy decoding is most of that, so the first eighth of the file is tried first.
"""

from __future__ import annotations

import io
import os
from typing import BinaryIO

import numpy as np
from PIL import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from kolorit.errors import LimitExceeded
from kolorit.picture.modes import Planes, planes_of
from kolorit.picture.tone import NEUTRAL, Tone, tone_of

SMALL = 300_000  # bytes of a file that is looked at as a whole at once
DENSE = 100_000  # samples of which every second each way is enough
ENOUGH = 2_500  # samples between black and white, that settle a grey picture
SCANS = 300  # more than any encoder writes; each costs a pass over the picture


def read_jpeg(image: JpegImageFile, stream: BinaryIO) -> Planes:
    """Planes of an opened, not yet loaded JPEG; stream is its file, which may move."""
    if image.mode != "RGB":
        return planes_of(image)
    tone = _tone(stream, bool(image.info.get("progressive")))
    image.draft("L", None)
    image.load()
    return Planes(np.asarray(image), tone=tone)  # an array of its own would be a second copy


def quantisation(image: JpegImageFile) -> dict[int, list[int]] | None:
    """The tables of luma (0) and chroma (1), or None where luma is not stored as such."""
    tables = image.quantization
    if image.mode == "CMYK" or (image.layers == 3 and image.info.get("adobe_transform") == 0):
        return None
    found = [tables.get(layer[3]) for layer in image.layer[:2]]
    if not found or found[0] is None:
        return None
    return {at: list(table) for at, table in enumerate(found) if table is not None}


def check_scans(stream: BinaryIO, name: str | None) -> None:
    """Raises LimitExceeded for a progressive JPEG of so many scans that decoding takes minutes."""
    stream.seek(0)
    scans, tail = 0, b""
    while part := stream.read(1 << 20):
        scans += (tail + part).count(b"\xff\xda")
        tail = part[-1:]
    stream.seek(0)
    if scans > SCANS:
        raise LimitExceeded(
            f"the JPEG is cut into {scans} scans, more than the {SCANS} allowed", file=name
        )


def _tone(stream: BinaryIO, progressive: bool) -> Tone:
    """Of a file with three components, by draft decoding. Damage is for the real decoding to name.

    An eighth with colours settles it; so does one that is grey to the last step and not empty sky.
    An eighth of one tint may still be a blue sky over a field: then all of the file is looked at.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size > SMALL and not progressive:
        seen = _eighth(stream.read(size // 8))
        tone = tone_of(seen)
        between = seen[(seen[:, 0] > 30) & (seen[:, 0] < 225), 1:].astype(np.int16) - 128
        exact = len(between) > ENOUGH and int(np.abs(between).max()) < NEUTRAL / 2
        stream.seek(0)
        if tone.coloured or exact:
            return tone
    tone = tone_of(_eighth(stream.read()))
    stream.seek(0)
    return tone


def _eighth(content: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Samples (N,3) of Y, Cb, Cr, at an eighth of the size, of as much as the bytes hold."""
    image = JpegImageFile(io.BytesIO(content))
    image.draft("YCbCr", (max(1, image.width // 8), max(1, image.height // 8)))
    try:
        ImageFile.ImageFile.load(image)
    except OSError:
        image.tile = []  # what was decoded before the data ended is there; take it
    if image.mode != "YCbCr":
        return np.empty((0, 3), np.uint8)
    step = 1 + (image.width * image.height > DENSE)
    samples = np.asarray(image)[::step, ::step].reshape(-1, 3)
    return samples[(samples[:, 1] > 0) | (samples[:, 2] > 0)]  # rows not reached are all zero
