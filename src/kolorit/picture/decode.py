"""Anything that holds a photograph -> Picture.

    signature -> limits -> open the header -> limits -> planes -> upright

Formats are opened by their own class of Pillow, so what is not in OPENERS cannot be opened, and
only `Limits` decide on size. `_guarded` is the one place that turns whatever a damaged file makes a
decoder raise into an error that says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from kolorit.errors import InputUnreadable, KoloritError, LimitExceeded
from kolorit.picture import jpeg, metadata, orientation
from kolorit.picture import limits as bounds
from kolorit.picture.arrays import read_array
from kolorit.picture.frames import count_frames
from kolorit.picture.limits import DEFAULT, Limits
from kolorit.picture.modes import Planes, planes_of
from kolorit.picture.opening import Opened, open_source
from kolorit.picture.picture import Metadata, Picture, Source
from kolorit.picture.png16 import read_png
from kolorit.picture.signature import AGAIN, HEAD, TRUNCATED, identify, lost_depth, webp_size
from kolorit.picture.tiff16 import mended, read_tiff
from kolorit.picture.tone import NOTES

OPENERS: dict[str, type[ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "TIFF": TiffImageFile,
    "WEBP": WebPImageFile,
    "AVIF": AvifImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
    "JPEG2000": Jpeg2KImageFile,
}
ENDED = ("truncated", "not enough", "unexpected end", "broken data stream", "short read")
TEXTS = ("decompressed data too large", "too much memory used in text chunks")  # of PNGs


def decode(
    source: str | os.PathLike[str] | bytes | BinaryIO | Image.Image | npt.NDArray[np.generic],
    limits: Limits = DEFAULT,
) -> Picture:
    """Read one photograph: its luma at the file's own depth, upright, and all that goes with it.

    source: a path, the bytes of a file, a binary file, a Pillow image, or an array (H,W),
    (H,W,1..4) of uint8, uint16 or floats in 0..1. Of several frames the first is taken.
    Raises InputUnreadable and LimitExceeded, and nothing else.
    """
    if isinstance(source, np.ndarray):
        return _picture(read_array(source, limits), Source(mode="", kind="array"))
    if isinstance(source, Image.Image):
        with _guarded(None):
            return _read_pil(source, limits)
    with open_source(source, limits) as opened, _guarded(opened.name):
        return _read_file(opened, limits)


def _read_file(opened: Opened, limits: Limits) -> Picture:
    stream, name = opened.stream, opened.name
    head = stream.read(HEAD)
    stream.seek(0)
    format = identify(head, name)
    if format == "WEBP":  # its decoder takes memory for all pixels when it is made
        width, height = webp_size(head)
        _check(width, height, format, "RGB", limits, name)
    image = OPENERS[format](stream)
    progressive = bool(image.info.get("progressive")) and format == "JPEG"
    more = bounds.PROGRESSIVE if progressive else 0.0
    _check(*image.size, format, image.mode, limits, name, more)
    frames = count_frames(image, stream, limits.frames)
    bounds.check_frames(frames, limits, name)
    if progressive:
        jpeg.check_scans(stream, name)
    turn, tables = 1, None
    if isinstance(image, JpegImageFile):
        planes = jpeg.read_jpeg(image, stream)
    elif isinstance(image, PngImageFile):
        planes = read_png(image, stream)
    elif isinstance(image, TiffImageFile):
        planes = read_tiff(image, stream)
    else:
        planes = planes_of(image)
    if format != "TIFF":  # which comes upright
        turn = orientation.orientation_of(image)
    if isinstance(image, JpegImageFile) and (tables := jpeg.quantisation(image)):
        tables = orientation.upright_tables(tables, turn, *image.size)
    kept, notes = metadata.read(image)
    if frames > 1:
        notes = (*notes, "the file holds several pictures: the first was taken")
    if lost := lost_depth(head, format):
        notes = (*notes, f"the file has {lost} bits a channel: 8 of them were read")
    mode = "RGB" if isinstance(image, JpegImageFile) and image.layers == 3 else image.mode
    source = Source(format, mode, 8, tables, name, opened.kind)
    return _picture(planes, source, turn, kept, notes)


def _read_pil(image: Image.Image, limits: Limits) -> Picture:
    """The image is loaded if it is not yet; nothing else of it changes."""
    _check(*image.size, image.format or "PIL", image.mode, limits, None)
    planes = planes_of(image)
    turn = 1
    if isinstance(image, TiffImageFile):
        planes = mended(image, planes)
    else:
        turn = orientation.orientation_of(image)
    kept, notes = metadata.read(image)
    return _picture(planes, Source("PIL", image.mode, 8, kind="pil"), turn, kept, notes)


def _picture(
    planes: Planes,
    source: Source,
    turn: int = 1,
    kept: Metadata | None = None,
    notes: tuple[str, ...] = (),
) -> Picture:
    luma, alpha, tone = planes.luma, planes.alpha, planes.tone
    source = replace(
        source, depth=8 * luma.dtype.itemsize, coloured=tone.coloured, toned=tone.toned
    )
    said = (*planes.notes, *((NOTES[tone],) if tone in NOTES else ()), *notes)
    return Picture(
        luma=orientation.upright(luma, turn),
        alpha=None if alpha is None else orientation.upright(alpha, turn),
        metadata=kept or Metadata(),
        source=source,
        notes=said,
    )


def _check(
    width: int,
    height: int,
    format: str,
    mode: str,
    limits: Limits,
    name: str | None,
    more: float = 0.0,
) -> None:
    if min(width, height) < 1:
        raise InputUnreadable("the picture has no pixels", file=name)
    bounds.check_size(width, height, limits, name)
    bounds.check_memory(width * height, format, mode, limits, name, more)


@contextmanager
def _guarded(name: str | None) -> Iterator[None]:
    """Around everything that a decoder does: only KoloritError comes out."""
    try:
        yield
    except KoloritError as error:
        if error.file is None:
            error.file = name
        raise
    except MemoryError as error:
        raise LimitExceeded("decoding takes more memory than there is", file=name) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise LimitExceeded("the picture has more pixels than Pillow takes", file=name) from error
    except Exception as error:
        if any(words in str(error).lower() for words in TEXTS):
            cause = "the texts in the file unpack to more memory than allowed"
            raise LimitExceeded(
                cause, file=name, remedy="Save the picture without them."
            ) from error
        cause, remedy = _why(error)
        raise InputUnreadable(cause, file=name, remedy=remedy) from error


def _why(error: Exception) -> tuple[str, str]:
    """(cause, remedy) for whatever a decoder raised."""
    words = str(error)
    if isinstance(error, EOFError) or any(word in words.lower() for word in ENDED):
        return TRUNCATED, AGAIN
    if words in ("unknown pixel mode", "unknown data organization"):
        return (
            "the TIFF stores its pixels in a way that is not read",
            "Save it as 8- or 16-bit TIFF or PNG.",
        )
    if words.startswith("cannot handle"):
        return f"the JPEG is of a kind that is not read: {words}", "Save it as a usual JPEG."
    return f"the picture is damaged: {words or type(error).__name__}", AGAIN
