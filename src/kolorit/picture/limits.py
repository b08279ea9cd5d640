"""How much a picture may ask for, checked from its header before anything is decoded.

Pixels alone do not protect: a WebP file of 34 bytes makes its decoder take 16 bytes for each of
its pixels, 1.3 GB at the default number. So memory is estimated by format.
"""

from __future__ import annotations

from dataclasses import dataclass

from kolorit.errors import LimitExceeded


@dataclass(frozen=True)
class Limits:
    """bytes of the file; pixels of one frame; frames declared; memory in bytes while decoding."""

    bytes: int = 1_000_000_000
    pixels: int = 100_000_000
    frames: int = 1_000
    memory: int = 1_200_000_000


DEFAULT = Limits()

# Bytes a pixel that a decoder takes at its peak, our own planes included; measured on files of
# 10 to 90 megapixels. Formats that are not here cost what their mode costs.
BY_FORMAT = {"WEBP": 18.0, "JPEG2000": 6.0, "AVIF": 8.0}
BY_MODE = {"1": 3.0, "L": 3.0, "P": 10.0, "I;16": 6.0, "LA": 6.0, "RGB": 6.0, "RGBA": 7.0}
OTHERWISE = 12.0  # CMYK, LAB, float: another image of four bytes beside the first
PROGRESSIVE = 6.0  # more, for a progressive JPEG's coefficients


def check_bytes(size: int, limits: Limits, name: str | None) -> None:
    """Raises LimitExceeded for a file of more bytes than allowed."""
    if size > limits.bytes:
        raise LimitExceeded(
            f"the file has {megabytes(size)}, more than the {megabytes(limits.bytes)} allowed",
            file=name,
        )


def check_size(width: int, height: int, limits: Limits, name: str | None) -> None:
    """Raises LimitExceeded for more pixels than allowed."""
    if width * height > limits.pixels:
        raise LimitExceeded(
            f"the picture has {width} x {height} pixels, more than the "
            f"{limits.pixels / 1e6:g} megapixels allowed",
            file=name,
            remedy="Make the picture smaller first, or raise the limit with --max-pixels.",
        )


def check_memory(
    pixels: int, format: str, mode: str, limits: Limits, name: str | None, more: float = 0.0
) -> None:
    """Raises LimitExceeded where decoding would take more memory than allowed."""
    own = BY_MODE.get(mode, OTHERWISE)
    factor = max(own, BY_FORMAT.get(format, own)) + more
    if format == "JPEG2000" and mode not in ("L", "I;16"):
        factor = 22.0  # OpenJPEG keeps 4 bytes a channel, and a copy
    need = int(pixels * factor)
    if need > limits.memory:
        raise LimitExceeded(
            f"decoding this {format} would take about {megabytes(need)} of memory, more than the "
            f"{megabytes(limits.memory)} allowed",
            file=name,
        )


def check_frames(frames: int, limits: Limits, name: str | None) -> None:
    """Raises LimitExceeded for more frames or pages than allowed."""
    if frames > limits.frames:
        raise LimitExceeded(
            f"the file holds more than the {limits.frames} pictures allowed",
            file=name,
            remedy="Take the one you want out into a file of its own.",
        )


def megabytes(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 1e6:.1f} MB" if size < 1e8 else f"{size / 1e6:.0f} MB"
