"""Metadata without place and people: what may go with a picture that is shown to others.

Only what is on the list stays; so a tag that nobody here has heard of is left out. Of EXIF that is
how and when the picture was taken, and its rights; GPS, serial numbers, names, makers' notes and
the thumbnail, which may show what was cropped, are gone. XMP, IPTC and comments hold names and
places in too many ways, and go whole. Tag numbers: EXIF 2.32, CIPA DC-008.
"""

from __future__ import annotations

from PIL import Image

from kolorit.picture.metadata import EXIF_START
from kolorit.picture.picture import Metadata

# make, model, orientation, resolution (3), software, date, copyright
KEPT = (271, 272, 274, 282, 283, 296, 305, 306, 33432)
# exposure, aperture, programme, ISO, version, dates (2), bias, metering, light, flash, focal
# length, colour space, white balance, focal length as of 35 mm film
KEPT_OF_EXIF = (
    *(33434, 33437, 34850, 34855, 36864, 36867, 36868, 37380, 37383, 37384, 37385, 37386),
    *(40961, 41987, 41989),
)
_EXIF = 34665  # the directory of its own


def strip_personal(metadata: Metadata) -> Metadata:
    """The metadata without what tells of places and people; profile and resolution stay."""
    return Metadata(exif=_stripped(metadata.exif), icc=metadata.icc, dpi=metadata.dpi)


def _stripped(exif: bytes | None) -> bytes | None:
    """EXIF that begins with b"Exif\\0\\0", written anew; None where nothing of it may stay."""
    if not exif:
        return None
    try:
        given, new = Image.Exif(), Image.Exif()
        given.load(exif)
        for tag in KEPT:
            if tag in given:
                new[tag] = given[tag]
        inside = given.get_ifd(_EXIF)
        if kept := {tag: inside[tag] for tag in KEPT_OF_EXIF if tag in inside}:
            new[_EXIF] = kept
        content = bytes(new.tobytes()) if len(new) else None
    except Exception:  # noqa: BLE001  # a broken one is left out; Pillow raises a dozen kinds
        return None
    return content if content is None or content.startswith(EXIF_START) else EXIF_START + content
