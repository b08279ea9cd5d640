"""Sets of colour photographs to judge on: which pictures there are, and how their truth is read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kolorit.errors import DataCorrupt
from kolorit.evaluate.places import data_root
from kolorit.picture.rgb import decode_rgb, resize_rgb

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Photograph:
    """A picture of a set. stem: its path in the set's folder without the suffix, with /."""

    stem: str
    path: Path


@dataclass(frozen=True)
class PhotoSet:
    """Photographs by stem, sorted; sha256 of all stems and bytes: the same set anywhere."""

    name: str
    photographs: tuple[Photograph, ...]
    sha256: str


def find_set(name: str, first: int | None = None) -> PhotoSet:
    """The set in a folder, or of a name: the folder of that name under KOLORIT_DATA/eval.

    Folders inside count; files that are no pictures by their suffix do not. first: only as many,
    in the order of their stems. Raises DataCorrupt for a folder that is missing or without
    pictures, and where two pictures have one stem, since pairing them would be a guess;
    ConfigInvalid for a name without KOLORIT_DATA.
    """
    folder = Path(name)
    if not folder.is_dir():
        folder = data_root() / "eval" / name
    photographs = find_photographs(folder)[:first]
    digest = hashlib.sha256()
    for photograph in photographs:
        content = hashlib.sha256(_bytes(photograph.path)).hexdigest()
        digest.update(f"{photograph.stem}\0{content}\n".encode())
    return PhotoSet(folder.resolve().name, tuple(photographs), digest.hexdigest())


def find_photographs(folder: Path) -> list[Photograph]:
    """The pictures of a folder and of those inside, sorted by stem; errors as in ``find_set``."""
    if not folder.is_dir():
        raise DataCorrupt(
            "there is no such folder of photographs",
            file=folder,
            remedy="Name a folder with colour photographs, or a set under KOLORIT_DATA/eval.",
        )
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        stem = path.relative_to(folder).with_suffix("").as_posix()
        if stem in found:
            raise DataCorrupt(
                f"{found[stem].name} and {path.name} have one stem, '{stem}'",
                file=folder,
                remedy="Rename or remove one of them: pictures are paired by their stems.",
            )
        found[stem] = path
    if not found:
        raise DataCorrupt(
            "there are no photographs in this folder",
            file=folder,
            remedy=f"Put colour photographs there ({', '.join(SUFFIXES)}).",
        )
    return [Photograph(stem, path) for stem, path in sorted(found.items())]


def read_truth(path: Path, short_side: int) -> np.ndarray:
    """rgb (H,W,3) uint8 with that short side, antialiased bicubic, never cropped.

    Truth, grey input and every system's answer come from this one array. Raises InputUnreadable.
    """
    rgb = decode_rgb(path)
    scale = short_side / min(rgb.shape[:2])
    height, width = (max(1, round(n * scale)) for n in rgb.shape[:2])
    return resize_rgb(rgb, (height, width))


def _bytes(path: Path) -> bytes:
    """A file's content; of one that cannot be read its judging will tell."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
