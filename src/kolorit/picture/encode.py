"""Picture -> the bytes of a file: which format, what it cannot hold, who coloured it."""

from __future__ import annotations

import struct
from dataclasses import replace

from kolorit.errors import OutputUnwritable
from kolorit.picture import metadata as meta
from kolorit.picture.mark import Mark as Mark
from kolorit.picture.mark import marked
from kolorit.picture.picture import Picture
from kolorit.picture.writers import WRITERS

LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383, "AVIF": 65_535}


def left_out(picture: Picture, format: str) -> tuple[str, ...]:
    """What of a picture a format cannot hold, in words."""
    kept, notes = picture.metadata, []
    if picture.depth == 16 and format not in ("PNG", "TIFF"):
        notes.append(f"{format} holds 8 bits a channel: the 16 were rounded")
    if picture.alpha is not None and format == "JPEG":
        notes.append("JPEG holds no transparency: it was left out")
    if kept.comment and format in ("WEBP", "AVIF"):
        notes.append(f"{format} holds no comment: it was left out")
    if kept.iptc and format != "JPEG":
        notes.append(f"IPTC records are not written to {format}: they were left out")
    if format == "JPEG" and meta.fits_jpeg(kept) != kept:
        notes.append("metadata too long for a JPEG were left out")
    return tuple(notes)


def encode(
    picture: Picture,
    format: str | None = None,
    quality: int | None = None,
    mark: Mark | None = None,
) -> bytes:
    """The bytes of a file in `format`; None is the source's own, or PNG where that is not written.

    format: JPEG, PNG, WEBP, TIFF or AVIF, in any case. quality: 1 to 100 for JPEG, WebP and AVIF;
    None keeps a JPEG's own tables. mark: who coloured it, into XMP; None writes no mark. 16 bits
    stay in PNG and TIFF. Raises OutputUnwritable.
    """
    own = picture.source.format if picture.source.format in WRITERS else "PNG"
    format = (format or own).upper()
    if format not in WRITERS:
        raise OutputUnwritable(
            f"{format} is not written", remedy=f"Choose one of {', '.join(WRITERS)}."
        )
    if quality is not None and not 1 <= quality <= 100:
        raise OutputUnwritable("quality goes from 1 to 100", remedy="Give such a number, or none.")
    if max(picture.luma.shape) > LONGEST_SIDE.get(format, 2**31 - 1):
        raise OutputUnwritable(
            f"{format} holds at most {LONGEST_SIDE[format]} pixels a side",
            remedy="Choose PNG or TIFF.",
        )
    kept = picture.metadata
    if mark is not None:
        xmp = marked(kept.xmp, mark)
        if format == "JPEG" and len(xmp) > meta.XMP_SEGMENT:
            xmp = marked(None, mark)
        kept = replace(kept, xmp=xmp)
    if picture.chroma is None and format in ("JPEG", "PNG", "TIFF"):
        kept = replace(kept, icc=None)  # these are written grey, and the profile is for RGB
    try:
        return WRITERS[format](replace(picture, metadata=kept), quality)
    except (OSError, ValueError, RuntimeError, SystemError, struct.error) as error:
        raise OutputUnwritable(
            f"the picture cannot be written as {format}: {error}", remedy="Choose another format."
        ) from error
