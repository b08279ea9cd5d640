"""Pictures for looking at a result: before and after side by side, small copies, grey maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kolorit.picture.picture import Metadata, Picture, Plane, from_luma, to_depth
from kolorit.picture.resize import resize_plane
from kolorit.picture.ycbcr import repeated, step_of

_LONGEST = 65_000  # of a JPEG's side, with some room


def shrink_picture(picture: Picture, longest: int) -> Picture:
    """An 8-bit copy whose long side has at most ``longest`` pixels; only the profile comes along.

    Averaged over what each pixel covers; never larger than the picture. Alpha is left out.
    """
    small = to_depth(picture, 8)
    height, width = picture.luma.shape
    scale = min(1.0, longest / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    chroma = small.chroma
    if chroma is not None and scale < 1:
        chroma = np.stack([resize_plane(plane, size, "area") for plane in chroma])
    return Picture(
        resize_plane(small.luma, size, "area"),
        chroma,
        metadata=Metadata(icc=picture.metadata.icc),
        source=replace(small.source, quantisation=None, depth=8),
    )


def side_by_side(before: Picture, after: Picture, gap: float = 0.01) -> Picture:
    """Both pictures in one of 8 bits: before on the left, after on the right, white between.

    gap: white, as a share of the width. The pictures have one size. Shrunk only where a JPEG could
    not hold them.
    """
    room = int(_LONGEST / (2 + gap))
    longest = _LONGEST if before.width <= room else room * max(before.luma.shape) // before.width
    left, right = (shrink_picture(picture, longest) for picture in (before, after))
    white = np.full((left.height, max(1, round(gap * left.width))), 255, np.uint8)
    chroma = [
        np.hstack([_full(left, k), np.full_like(white, 128), _full(right, k)]) for k in range(2)
    ]
    return replace(
        right,
        luma=np.hstack([left.luma, white, right.luma]),
        chroma=np.stack(chroma),
    )


def grey_map(values: Plane, like: Picture) -> Picture:
    """values (h,w) in 0..1 as an 8-bit grey picture of the size of another picture."""
    small: Plane = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return from_luma(resize_plane(small, like.luma.shape, "bilinear"))


def _full(picture: Picture, k: int) -> Plane:
    """Chroma plane k (H,W) of a picture of 8 bits; neutral where it has no colours."""
    if picture.chroma is None:
        return np.full(picture.luma.shape, 128, np.uint8)
    plane: Plane = picture.chroma[k]
    step = step_of(picture.luma.shape, plane.shape)
    return repeated(plane, step, picture.height, picture.width)
