"""What a file says beside its pixels: read from Pillow, and written for each format."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from kolorit.picture.icc import colour_space
from kolorit.picture.orientation import cleared_exif, cleared_xmp
from kolorit.picture.picture import Metadata

EXIF_START = b"Exif\0\0"
XMP_START = b"XML:com.adobe.xmp" + bytes(5)  # of an iTXt chunk that is not compressed
SEGMENT = 65_533  # bytes that one JPEG marker segment holds
XMP_SEGMENT = SEGMENT - 29

# TIFF tags that travel: what the picture shows and who made it, not how its bytes lie.
TIFF_TAGS = (
    *(269, 270, 271, 272, 274, 285, 305, 306, 315, 316),
    *(33432, 34665, 34853, 37510, 40091, 40092, 40093, 40094, 40095),
)
TIFF_GROUPS = (34665, 34853)  # directories of their own: EXIF and GPS


def read(image: Image.Image) -> tuple[Metadata, tuple[str, ...]]:
    """(metadata of an opened image with orientation said to be 1, notes).

    A profile stays only if it is for RGB, since the result is RGB.
    """
    info, notes = image.info, []
    icc = _bytes(info.get("icc_profile"))
    if icc and (space := colour_space(icc)) != "RGB":
        if space == "GRAY":
            notes.append("the profile for grey was left out: a colour file cannot hold it")
        icc = None
    gamma = info.get("gamma")  # of a PNG; a profile or sRGB beside it stands above it
    if isinstance(gamma, float) and not icc and "srgb" not in info and abs(gamma * 2.2 - 1) > 0.05:
        notes.append(f"the PNG's gamma of {gamma:g} was left out: the result is sRGB")
    exif = _tiff_exif(image) if isinstance(image, TiffImageFile) else _bytes(info.get("exif"))
    if exif and not exif.startswith(EXIF_START):
        exif = EXIF_START + exif
    xmp = _bytes(info.get("xmp"))
    comment = info.get("comment", info.get("Comment"))
    metadata = Metadata(
        exif=cleared_exif(exif) if exif else None,
        icc=icc,
        xmp=cleared_xmp(xmp) if xmp else None,
        dpi=_dpi(info.get("dpi")),
        comment=_bytes(comment),
        iptc=next((s for at, s in getattr(image, "applist", ()) if at == "APP13"), None),
    )
    return metadata, tuple(notes)


def _bytes(value: object) -> bytes | None:
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, tuple) and len(value) == 1:  # how TIFF tags come
        value = value[0]
    return value if isinstance(value, bytes) and value else None


def _dpi(value: object) -> tuple[float, float] | None:
    if not isinstance(value, tuple) or len(value) != 2:
        return None
    try:
        across, down = (float(part) for part in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    usable = all(math.isfinite(part) and 1 <= part <= 100_000 for part in (across, down))
    return (across, down) if usable else None


def _tiff_exif(image: TiffImageFile) -> bytes | None:
    """EXIF of a TIFF, whose tags lie among those that describe its bytes."""
    tags = image.getexif()
    exif = Image.Exif()
    for tag in TIFF_TAGS:
        if tag in tags:
            exif[tag] = tags.get_ifd(tag) if tag in TIFF_GROUPS else tags[tag]
    return exif.tobytes() if len(exif) else None


def png_chunks(metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    """(type, content) of the chunks to put before the pixels of a PNG."""
    if metadata.icc:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)
    if metadata.dpi:
        across, down = (round(part / 0.0254) for part in metadata.dpi)
        yield b"pHYs", struct.pack(">IIB", across, down, 1)
    if metadata.exif:
        yield b"eXIf", metadata.exif.removeprefix(EXIF_START)
    if metadata.xmp:
        yield b"iTXt", XMP_START + metadata.xmp
    if metadata.comment:
        text = metadata.comment.decode("utf-8", "replace").replace("\0", " ")
        yield b"iTXt", b"Comment" + bytes(5) + text.encode()


def fits_jpeg(metadata: Metadata) -> Metadata:
    """Without the parts that are too long for a JPEG's segments."""
    return Metadata(
        exif=metadata.exif if len(metadata.exif or b"") <= SEGMENT else None,
        icc=metadata.icc if len(metadata.icc or b"") <= 255 * (SEGMENT - 14) else None,
        xmp=metadata.xmp if len(metadata.xmp or b"") <= XMP_SEGMENT else None,
        dpi=metadata.dpi,
        comment=(metadata.comment or b"")[:SEGMENT] or None,
        iptc=metadata.iptc if len(metadata.iptc or b"") <= SEGMENT else None,
    )
