"""Sets of colour photographs to judge on: which pictures there are, and how their truth is read."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kolorit.errors import DataCorrupt, InputUnreadable
from kolorit.evaluate.places import data_root
from kolorit.picture.rgb import decode_rgb, resize_rgb

# What photographs are called. Those of a kind that is not read are left out by name, not unseen.
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff"),
    *(".avif", ".gif", ".heic", ".heif", ".jp2"),
)
LEAST = 32  # px of the shorter side; less is no photograph


@dataclass(frozen=True)
class Photograph:
    """A picture of a set. stem: its path in the set's folder without the suffix, with /."""

    stem: str
    path: Path


@dataclass(frozen=True)
class PhotoSet:
    """Photographs by stem, sorted; sha256 of all stems and bytes: the same set anywhere.

    stems: of all that the folder holds, also where only the first ones are judged.
    """

    name: str
    photographs: tuple[Photograph, ...]
    sha256: str
    stems: frozenset[str] = frozenset()


def find_set(name: str, first: int | None = None) -> PhotoSet:
    """The set in a folder, or of a name: the folder of that name under KOLORIT_DATA/eval.

    Folders inside count, hidden ones and files that are no pictures by their suffix do not. first:
    only as many, in the order of their stems. Raises DataCorrupt for a folder that is missing,
    without pictures or not readable, and where two pictures have one stem, since pairing them would
    be a guess.
    """
    folder = Path(name)
    if not folder.is_dir() and os.environ.get("KOLORIT_DATA"):
        named = data_root() / "eval" / name
        folder = named if named.is_dir() else folder
    found = find_photographs(folder)
    digest = hashlib.sha256()
    for photograph in found[:first]:
        content = hashlib.sha256(_bytes(photograph.path)).hexdigest()
        digest.update(f"{photograph.stem}\0{content}\n".encode("utf-8", "surrogateescape"))
    stems = frozenset(photograph.stem for photograph in found)
    return PhotoSet(folder.resolve().name, tuple(found[:first]), digest.hexdigest(), stems)


def find_photographs(folder: Path) -> list[Photograph]:
    """The pictures of a folder and of those inside, sorted by stem; errors as in ``find_set``."""
    if not folder.is_dir():
        raise DataCorrupt(
            "there is no such folder of photographs",
            file=folder,
            remedy="Name a folder with colour photographs; a name such as kodak24 is looked for "
            "under KOLORIT_DATA/eval.",
        )
    found: dict[str, list[Path]] = {}
    for path in _files(folder):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            stem = path.relative_to(folder).with_suffix("").as_posix()
            found.setdefault(stem, []).append(path)
    if twice := {stem: paths for stem, paths in found.items() if len(paths) > 1}:
        stem, paths = next(iter(twice.items()))
        more = f"; {len(twice)} stems in all" if len(twice) > 1 else ""
        raise DataCorrupt(
            f"{' and '.join(path.name for path in paths)} have one stem, '{stem}'{more}",
            file=folder,
            remedy="Rename or remove one of them: pictures are paired by their stems.",
        )
    if not found:
        raise DataCorrupt(
            "there are no photographs in this folder",
            file=folder,
            remedy=f"Put colour photographs there ({', '.join(SUFFIXES)}).",
        )
    return [Photograph(stem, path) for stem, (path,) in sorted(found.items())]


def read_truth(path: Path, short_side: int) -> np.ndarray:
    """rgb (H,W,3) uint8 with at most that short side, antialiased bicubic, never cropped.

    Truth, grey input and every system's answer come from this one array. A smaller photograph
    stays as it is. Raises InputUnreadable, also under 32 px.
    """
    rgb = decode_rgb(path)
    shorter = min(rgb.shape[:2])
    if shorter < LEAST:
        size = f"{rgb.shape[1]} x {rgb.shape[0]}"
        raise InputUnreadable(f"{size} pixels are too few for a photograph", file=path)
    scale = min(1.0, short_side / shorter)
    height, width = (round(n * scale) for n in rgb.shape[:2])
    return resize_rgb(rgb, (height, width))


def _files(folder: Path) -> list[Path]:
    """All files below a folder, sorted; links are followed, once; hidden folders are not."""

    def refuse(error: OSError) -> None:
        raise DataCorrupt(
            f"this folder cannot be read: {error.strerror}",
            file=error.filename,
            remedy="Allow reading it, or take it out.",
        ) from error

    found, seen = [], {folder.resolve()}
    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        here = Path(place)
        visible = sorted(name for name in folders if not name.startswith("."))
        folders.clear()
        for name in sorted(visible, key=lambda name: (here / name).is_symlink()):
            real = (here / name).resolve()
            if real not in seen:
                seen.add(real)
                folders.append(name)
        found += [here / name for name in names]
    return sorted(found)


def _bytes(path: Path) -> bytes:
    """A file's content; of one that cannot be read its judging will tell."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
