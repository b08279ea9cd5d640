"""A photograph as planes: luma as the file stores it, and chroma once it has colours.

Luma Y' is the BT.601 full-range weighted sum of the sRGB-encoded values, 0..255 or 0..65535.
Chroma Cb, Cr has its zero at 128 or 32768. A chroma plane of half or quarter size stands for blocks
of places; it is never smoothed here, so what was fitted into the gamut stays there.
Source: ITU-T T.871 (JFIF), section 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from kolorit.picture import ycbcr

Plane = npt.NDArray[Any]  # (H,W) uint8 or uint16; training planes may be float32
Kind = Literal["path", "bytes", "file", "pil", "array"]


@dataclass(frozen=True)
class Metadata:
    """What travels beside the pixels, each as the file had it.

    exif starts with b"Exif\\0\\0" and says orientation 1; icc is an RGB profile or absent; dpi is
    (horizontal, vertical); iptc is the Photoshop segment of a JPEG (only JPEG gives it back).
    """

    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes | None = None
    iptc: bytes | None = None


@dataclass(frozen=True)
class Source:
    """Where a picture came from. depth in bits per channel; mode in Pillow's words.

    quantisation: tables to write the luma (0) and, if the file had one, the chroma (1) with so that
    the grey values survive; 64 numbers in natural order, already turned upright. None: no
    JPEG, or one that does not store luma (inks, RGB).
    coloured: it already had colours. toned: it has one tone, as sepia. Near-neutral is neither.
    """

    format: str = "ARRAY"
    mode: str = "L"
    depth: int = 8
    quantisation: Mapping[int, list[int]] | None = None
    name: str | None = None
    kind: Kind = "array"
    coloured: bool = False
    toned: bool = False


@dataclass(frozen=True, eq=False)
class Picture:
    """One upright photograph. Treat the arrays as read-only; make another with `replace`.

    luma (H,W) uint8 or uint16. chroma (2,h,w) or None: (h,w) is (H,W), its half or its quarter,
    rounded up.
    alpha (H,W) or None. All have one dtype. notes: what the reader of the result should be told.
    Raises ValueError for planes that do not fit together.
    """

    luma: Plane
    chroma: Plane | None = None
    alpha: Plane | None = None
    metadata: Metadata = field(default_factory=Metadata)
    source: Source = field(default_factory=Source)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        luma, chroma, alpha = self.luma, self.chroma, self.alpha
        if luma.ndim != 2 or luma.dtype not in (np.uint8, np.uint16) or not luma.size:
            raise ValueError(f"luma must be (H,W) uint8 or uint16, not {luma.shape} {luma.dtype}")
        fits = chroma is None or (
            chroma.shape[0] == 2 and ycbcr.step_of(luma.shape, chroma.shape[1:])
        )
        if chroma is not None and not (fits and chroma.dtype == luma.dtype):
            raise ValueError(f"chroma {chroma.shape} {chroma.dtype} does not fit luma {luma.shape}")
        if alpha is not None and (alpha.shape != luma.shape or alpha.dtype != luma.dtype):
            raise ValueError(f"alpha {alpha.shape} {alpha.dtype} does not fit luma {luma.shape}")

    @property
    def height(self) -> int:
        return int(self.luma.shape[0])

    @property
    def width(self) -> int:
        return int(self.luma.shape[1])

    @property
    def depth(self) -> int:
        """Bits per channel of the planes: 8 or 16."""
        return 8 * self.luma.dtype.itemsize


def from_luma(
    luma: Plane,
    chroma: Plane | None = None,
    *,
    alpha: Plane | None = None,
    metadata: Metadata | None = None,
    source: Source | None = None,
) -> Picture:
    """A picture from planes at hand: luma (H,W), chroma (2,h,w); contiguous copies if need be."""
    source = source or Source(depth=8 * luma.dtype.itemsize)
    return Picture(
        np.ascontiguousarray(luma),
        None if chroma is None else np.ascontiguousarray(chroma),
        None if alpha is None else np.ascontiguousarray(alpha),
        metadata or Metadata(),
        source,
    )


def to_rgb(picture: Picture) -> Plane:
    """sRGB-encoded colours (H,W,3) in the picture's own depth; grey where it has no chroma."""
    return ycbcr.to_rgb(picture.luma, picture.chroma)


def to_array(picture: Picture) -> Plane:
    """(H,W,3), or (H,W,4) with the alpha plane, in the picture's own depth."""
    rgb = to_rgb(picture)
    return rgb if picture.alpha is None else np.dstack([rgb, picture.alpha])


def to_pil(picture: Picture) -> Image.Image:
    """A Pillow image in mode RGB or RGBA, 8 bits a channel, with profile and EXIF in `info`."""
    image = Image.fromarray(to_array(to_depth(picture, 8)))
    if picture.metadata.icc:
        image.info["icc_profile"] = picture.metadata.icc
    if picture.metadata.exif:
        image.info["exif"] = picture.metadata.exif
    if picture.metadata.dpi:
        image.info["dpi"] = picture.metadata.dpi
    return image


def to_depth(picture: Picture, depth: int) -> Picture:
    """The same picture with 8 or 16 bits a channel; rounded, not cut."""
    if depth == picture.depth:
        return picture
    luma, chroma, alpha = picture.luma, picture.chroma, picture.alpha
    return Picture(
        ycbcr.to_depth(luma, depth),
        None if chroma is None else ycbcr.to_depth(chroma, depth, chroma=True),
        None if alpha is None else ycbcr.to_depth(alpha, depth),
        picture.metadata,
        picture.source,
        picture.notes,
    )
