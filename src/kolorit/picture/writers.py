"""One function a format: a picture, whose metadata are settled, to bytes.

JPEG is the hot path: luma goes to the encoder as it is and with the tables it came with, so the
photograph's grey values survive; small chroma is enlarged by repetition, which the encoder's
averaging undoes exactly. Never progressive, never optimised: either costs more than all the rest.
The other formats' efforts are set where files 3 % smaller would take twice the time or more.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin, TiffImagePlugin

from kolorit.picture.metadata import EXIF_START, TIFF_GROUPS, fits_jpeg, png_chunks
from kolorit.picture.picture import Metadata, Picture, to_array, to_depth
from kolorit.picture.png16 import write_png
from kolorit.picture.quantisation import FINE, faithful, standard_tables, tables_for
from kolorit.picture.tiff16 import write_tiff
from kolorit.picture.ycbcr import step_of, strip_to_rgb, strips

QUALITY = {"JPEG": 92, "WEBP": 90, "AVIF": 85}  # where no source's tables say it
ICC, XMP, DESCRIPTION, UNIT, ACROSS, DOWN = 34675, 700, 270, 296, 282, 283  # TIFF tags
BYTE, UNDEFINED = 1, 7  # TIFF types
# Tags of EXIF that a TIFF's own layout and metadata decide.
LAYOUT = (*range(254, 260), 262, 273, 277, 278, 279, 284, 317, 320, *range(322, 326), 330, 338)

Plane = npt.NDArray[Any]


def jpeg(picture: Picture, quality: int | None) -> bytes:
    """4:2:0 where the chroma is small, 4:4:4 where it is full, grey where there is none."""
    picture = to_depth(picture, 8)
    kept = fits_jpeg(picture.metadata)
    options: dict[str, Any] = _present(
        exif=kept.exif, icc_profile=kept.icc, xmp=kept.xmp, comment=kept.comment, dpi=kept.dpi
    )
    if kept.iptc:
        options["extra"] = b"\xff\xed" + (len(kept.iptc) + 2).to_bytes(2, "big") + kept.iptc
    chroma = picture.chroma
    if picture.source.quantisation and quality is None:
        luma, colours = tables_for(picture.source.quantisation)
        luma = faithful(picture.luma, luma)
        options["qtables"] = [luma] if chroma is None else [luma, colours]
    elif picture.source.format == "JPEG" and quality is None:  # of inks or RGB: no table for luma
        luma, colours = standard_tables(QUALITY["JPEG"])
        luma = [min(step, FINE) for step in luma]
        options["qtables"] = [luma] if chroma is None else [luma, colours]
    else:
        options["quality"] = quality or QUALITY["JPEG"]
    if chroma is not None:
        options["subsampling"] = 0 if chroma.shape[1:] == picture.luma.shape else 2
    out = io.BytesIO()
    _image(picture).save(out, "JPEG", **options)
    return out.getvalue()


def png(picture: Picture, quality: int | None) -> bytes:
    """8 or 16 bits a channel as the picture has; grey where there is no chroma."""
    chunks = list(png_chunks(picture.metadata))
    if picture.depth == 16:
        return write_png(_rows(picture), picture.luma.shape, _channels(picture), chunks)
    texts = PngImagePlugin.PngInfo()  # Pillow takes no other kind from here
    for kind, content in chunks:
        if kind == b"iTXt":
            texts.add(kind, content)
    kept = picture.metadata
    options = _present(exif=kept.exif, icc_profile=kept.icc, dpi=kept.dpi)
    out = io.BytesIO()
    _interleaved(picture).save(out, "PNG", pnginfo=texts, compress_level=3, **options)
    return out.getvalue()


def tiff(picture: Picture, quality: int | None) -> bytes:
    """8 or 16 bits a channel as the picture has; grey where there is no chroma.

    Grey of 16 bits with alpha is written as colours: hardly any reader takes it otherwise.
    """
    tags = _tags(picture.metadata)
    if picture.chroma is None and picture.alpha is not None and picture.depth == 16:
        picture = replace(picture, chroma=np.full((2, *picture.luma.shape), 32_768, np.uint16))
    return write_tiff(_rows(picture), picture.luma.shape, _channels(picture), tags)


def webp(picture: Picture, quality: int | None) -> bytes:
    """8 bits, 4:2:0."""
    return _by_pillow(picture, "WEBP", quality=quality or QUALITY["WEBP"], method=2)


def avif(picture: Picture, quality: int | None) -> bytes:
    """8 bits, 4:2:0."""
    return _by_pillow(picture, "AVIF", quality=quality or QUALITY["AVIF"], speed=9)


WRITERS: Mapping[str, Callable[[Picture, int | None], bytes]] = {
    "JPEG": jpeg,
    "PNG": png,
    "WEBP": webp,
    "TIFF": tiff,
    "AVIF": avif,
}


def _by_pillow(picture: Picture, format: str, **options: Any) -> bytes:
    kept = picture.metadata
    options |= _present(exif=kept.exif, icc_profile=kept.icc, xmp=kept.xmp)
    out = io.BytesIO()
    Image.fromarray(to_array(to_depth(picture, 8))).save(out, format, **options)
    return out.getvalue()


def _present(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value}


def _image(picture: Picture) -> Image.Image:
    """Mode YCbCr, or L without chroma, of 8-bit planes; alpha is left out.

    Luma is put into the enlarged chroma's image, as Pillow's putalpha does with its band: merging
    three planes of full size touches twice the memory, which is what this costs.
    """
    luma = Image.fromarray(picture.luma)
    if picture.chroma is None:
        return luma
    Cb, Cr = (Image.fromarray(plane) for plane in picture.chroma)
    if Cb.size == luma.size:
        return Image.merge("YCbCr", [luma, Cb, Cr])
    step = step_of(picture.luma.shape, picture.chroma.shape[1:])
    box = (0.0, 0.0, luma.width / step, luma.height / step)  # the last sample may stand for fewer
    chroma = Image.merge("YCbCr", [Cb, Cb, Cr])
    image = chroma.resize(luma.size, Image.Resampling.NEAREST, box)
    image.im.putband(luma.im, 0)
    return image


def _channels(picture: Picture) -> int:
    return (1 if picture.chroma is None else 3) + (picture.alpha is not None)


def _rows(picture: Picture) -> Iterator[Plane]:
    """Strips (n,W,C): grey or RGB, then alpha if there is one."""
    for first, last in strips(picture.height):
        if picture.chroma is None:
            colours = picture.luma[first:last, :, None]
        else:
            colours = strip_to_rgb(picture.luma, picture.chroma, first, last)
        if picture.alpha is None:
            yield colours
        else:
            yield np.dstack([colours, picture.alpha[first:last]])


def _interleaved(picture: Picture) -> Image.Image:
    """Mode L, LA, RGB or RGBA of an 8-bit picture."""
    if picture.chroma is not None:
        return Image.fromarray(to_array(picture))
    luma = Image.fromarray(picture.luma)
    if picture.alpha is None:
        return luma
    return Image.merge("LA", [luma, Image.fromarray(picture.alpha)])


def _tags(kept: Metadata) -> TiffImagePlugin.ImageFileDirectory_v2:
    """A TIFF's directory of all metadata but the layout of its pixels."""
    tags = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0" + bytes(4))
    if kept.exif:
        exif = Image.Exif()
        exif.load(EXIF_START + kept.exif.removeprefix(EXIF_START))
        for tag in exif:
            if tag not in LAYOUT:
                tags[tag] = exif.get_ifd(tag) if tag in TIFF_GROUPS else exif[tag]
    for tag, content, kind in ((ICC, kept.icc, UNDEFINED), (XMP, kept.xmp, BYTE)):
        if content:
            tags.tagtype[tag] = kind
            tags[tag] = content
    if kept.dpi:
        tags[UNIT], tags[ACROSS], tags[DOWN] = 2, *kept.dpi
    if kept.comment and DESCRIPTION not in tags:
        tags[DESCRIPTION] = kept.comment.decode("ascii", "replace")
    return tags
