"""From photographs to squares of one size in a file: what is usable, and why the rest is not."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from kolorit.colour.lab import bytes_to_lab
from kolorit.errors import DataCorrupt, InputUnreadable, LimitExceeded
from kolorit.picture.rgb import decode_rgb, resize_rgb
from kolorit.training.sources import (
    Listing,
    Photograph,
    Skipped,
    Source,
    read_photograph,
)

Say = Callable[[str], None]
Squares = npt.NDArray[np.uint8]

GREY = 2.0  # mean chroma below which a picture has no colours to learn from
PLACES = 32  # a side of the small picture in which a toned print is looked for
TONE = 0.9  # ab units by which its places stray from the colour of their lightness, at most
ONE_HUE = 0.9  # length of its mean colour over its mean chroma, at least: within some 25 degrees
BROKEN = 0.01  # share of a source's members that may be broken, where it comes in shards
EVERY = 5.0  # seconds between two words on the progress


def square(rgb: Squares, side: int) -> Squares:
    """The middle square of rgb (H,W,3) uint8, resized to (side,side,3)."""
    height, width = rgb.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    return resize_rgb(rgb[top : top + short, left : left + short], (side, side))


def content_hash(pixels: Squares) -> str:
    """The first 16 digits of the sha256 of a square's bytes."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


def header(count: int, side: int) -> dict[str, Any]:
    """What the head of an .npy says of that many squares."""
    return {"descr": "|u1", "fortran_order": False, "shape": (count, side, side, 3)}


def write_squares(
    out: BinaryIO, listing: Listing, side: int, sources: list[Source], say: Say
) -> tuple[list[tuple[str, int]], list[Skipped]]:
    """Write an .npy of every usable square, in the order of their hashes; of equal ones the first.

    Returns (hash, source) of each, in that order, and all that was skipped. Raises DataCorrupt when
    more than one in a hundred members of a source's shards are broken, or fewer than two squares
    are left.
    """
    np.lib.format.write_array_header_1_0(out, header(len(listing.photographs), side))
    begin = out.tell()
    kept: list[tuple[str, int]] = []
    skipped = list(listing.skipped)
    first: dict[str, Photograph] = {}  # by hash
    for at, source in enumerate(sources):
        _refuse_broken(at, source, listing, skipped)
    tell = progress(len(listing.photographs), say)
    for done, photograph in enumerate(listing.photographs, 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's; what it could not read is listed
            pixels, why = _decode(photograph, side)
        mark = content_hash(pixels)
        if not why and mark in first:
            same = first[mark]
            why = f"copy of {sources[same.source].name}/{same.key}"
        if why:
            skipped.append(Skipped(photograph.source, photograph.key, why))
            if why.startswith("broken"):
                at = photograph.source
                _refuse_broken(at, sources[at], listing, skipped)
        else:
            out.write(pixels.tobytes())
            first[mark] = photograph
            kept.append((mark, photograph.source))
        tell(done)
    if len(kept) < 2:
        raise _too_few(len(kept), skipped, sources)
    out.seek(0)
    np.lib.format.write_array_header_1_0(out, header(len(kept), side))
    assert out.tell() == begin  # numpy leaves room in the head for the number
    order = sorted(range(len(kept)), key=kept.__getitem__)
    reorder(out, begin, side * side * 3, order)
    return [kept[k] for k in order], skipped


def reorder(file: BinaryIO, begin: int, size: int, order: list[int]) -> None:
    """Put pieces of ``size`` bytes, from ``begin`` on, into this order: new k is old order[k].

    In their place, cycle by cycle, with no more than two pieces in memory.
    """

    def read(at: int) -> bytes:
        file.seek(begin + at * size)
        return file.read(size)

    def write(at: int, piece: bytes) -> None:
        file.seek(begin + at * size)
        file.write(piece)

    done = np.zeros(len(order), bool)
    for start in range(len(order)):
        if done[start] or order[start] == start:
            continue
        kept, at = read(start), start
        while order[at] != start:
            write(at, read(order[at]))
            done[at] = True
            at = order[at]
        write(at, kept)
        done[at] = True


def reasons(skipped: list[Skipped]) -> str:
    """How many were skipped for what: "3 broken, 15 grey, 2 copies"."""
    counts = Counter(item.why.split()[0].rstrip(":") for item in skipped)
    words = {"broken": "broken", "grey": "grey", "one": "of one colour"}  # by their first word
    words["copy"] = "copies" if counts["copy"] > 1 else "copy"
    return ", ".join(f"{counts[key]:,} {word}" for key, word in words.items() if counts[key])


def progress(
    total: int, say: Say, clock: Callable[[], float] = time.monotonic
) -> Callable[[int], None]:
    """A function to call with the number done: it says how far things are, every few seconds."""
    began = told = clock()

    def tell(done: int) -> None:
        nonlocal told
        now = clock()
        if now - told < EVERY or done == total:
            return
        told = now
        left = (now - began) / done * (total - done)
        words = f"{left:.0f} s" if left < 90 else f"{left / 60:.0f} min"
        say(f"{done:,} of {total:,} photographs decoded, {words} left")

    return tell


def _decode(photograph: Photograph, side: int) -> tuple[Squares, str]:
    """Its square, or an empty one and why there is none."""
    try:
        pixels = square(decode_rgb(read_photograph(photograph), side), side)
    except (InputUnreadable, LimitExceeded) as error:
        return np.zeros(0, np.uint8), f"broken: {error.cause}"
    except OSError as error:
        return np.zeros(0, np.uint8), f"broken: {error.strerror or error}"
    a, b = np.moveaxis(bytes_to_lab(pixels)[..., 1:], -1, 0)
    chroma = float(np.hypot(a, b).mean())
    if chroma < GREY:
        return pixels, f"grey: mean chroma {chroma:.1f}"
    return pixels, "one colour only (a toned print?)" if toned(pixels) else ""


def toned(pixels: Squares) -> bool:
    """Whether a square (side,side,3) is in one colour: sepia, cyanotype, yellowed paper.

    In a toned print each lightness has its one colour. So its places are put in the order of their
    lightness, and each is compared with the mean of the 32 that are about as light. In 9,462
    photographs, with sunsets, fog and glaciers, places stray from it by 0.97 ab units at least; in
    prints toned for the purpose by 0.2 to 0.8, and by more where the toning burns out the lights.
    """
    lab = bytes_to_lab(resize_rgb(pixels, (PLACES, PLACES))).reshape(-1, 3)
    ab = lab[np.argsort(lab[:, 0], kind="stable"), 1:].reshape(PLACES, PLACES, 2)  # darkest first
    strays = np.hypot(*np.moveaxis(ab - ab.mean(1, keepdims=True), -1, 0)).mean()
    one_hue = np.hypot(*ab.mean((0, 1))) >= ONE_HUE * np.hypot(ab[..., 0], ab[..., 1]).mean()
    return bool(strays < TONE and one_hue)


def _refuse_broken(at: int, source: Source, listing: Listing, skipped: list[Skipped]) -> None:
    """DataCorrupt when too many of the shards' members are broken, as soon as that is certain."""
    if not source.sharded:
        return
    broken = [item for item in skipped if item.source == at and item.why.startswith("broken")]
    listed = sum(item.source == at for item in listing.photographs)
    listed += sum(item.source == at for item in listing.skipped)
    if len(broken) > BROKEN * listed:
        some = "; ".join(f"{item.key}: {item.why.removeprefix('broken: ')}" for item in broken[:3])
        raise DataCorrupt(
            f"at least {len(broken):,} of {listed:,} photographs are broken, more than one in a "
            f"hundred ({some})",
            file=source.folder,
        )


def _too_few(left: int, skipped: list[Skipped], sources: list[Source]) -> DataCorrupt:
    total = left + len(skipped)
    why = reasons(skipped)
    kinds = {item.why.split()[0] for item in skipped}
    if left:
        cause = f"only one of {total:,} photographs can be used" + (f": {why}" if why else "")
    elif len(kinds) == 1 and total > 1:
        cause = f"all {total:,} photographs are {why.partition(' ')[2]}"
    else:
        cause = f"none of {total:,} photographs can be used: {why or 'there are none'}"
    return DataCorrupt(
        cause,
        file=", ".join(str(source.folder) for source in sources),
        remedy="Add colour photographs: two at least, one to learn from and one to check with.",
    )
