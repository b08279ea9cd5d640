"""A picture under judgement, with what is computed from it once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kolorit.colour.colourfulness import colourfulness
from kolorit.colour.lab import rgb_to_lab


@dataclass(frozen=True, eq=False)
class View:
    """rgb (H,W,3) uint8, sRGB-encoded; nobody writes to it, since what was computed stays.

    Raises ValueError for another type or shape, or no pixels.
    """

    rgb: np.ndarray

    def __post_init__(self) -> None:
        check_pair(shown=self.rgb, truth=self.rgb, channels=3, kind=np.uint8)

    @cached_property
    def lab(self) -> np.ndarray:
        """(H,W,3) float64: L 0..100, a, b."""
        return lab_of(self.rgb)

    @cached_property
    def ab(self) -> np.ndarray:
        """(H,W,2) float64: a, b."""
        return self.lab[..., 1:]

    @cached_property
    def chroma(self) -> np.ndarray:
        """(H,W) float64, ab units."""
        return np.asarray(np.hypot(self.ab[..., 0], self.ab[..., 1]))

    @cached_property
    def colourfulness(self) -> float:
        """Of Hasler and Suesstrunk, signed: see colour/colourfulness.py."""
        return colourfulness(self.rgb)


def lab_of(rgb: np.ndarray) -> np.ndarray:
    """Lab (H,W,3) float64 of rgb (H,W,3) uint8."""
    return np.asarray(rgb_to_lab(rgb / 255.0))


def check_pair(
    *, shown: np.ndarray, truth: np.ndarray, channels: int, kind: type[np.generic] = np.floating
) -> None:
    """Raises ValueError unless both are pictures (H,W,channels) of one size and of that kind.

    numpy would stretch one pixel over the other picture; bytes would wrap round, and a PSNR of
    floats in 0..1 come out 48 dB too high.
    """
    for picture in (shown, truth):
        if picture.ndim != 3 or picture.shape[2] != channels or not picture.size:
            raise ValueError(f"expected a picture (H, W, {channels}), got {picture.shape}")
        if not np.issubdtype(picture.dtype, kind):
            raise ValueError(f"expected {kind.__name__} values, got {picture.dtype}")
    if shown.shape != truth.shape:
        raise ValueError(f"{shown.shape} is judged against a truth of {truth.shape}")
