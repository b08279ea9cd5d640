"""Where training photographs come from: folders of tar shards, or plain trees of picture files."""

from __future__ import annotations

import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from kolorit.errors import ConfigInvalid, DataCorrupt
from kolorit.evaluate.places import data_root
from kolorit.picture.limits import DEFAULT, check_bytes
from kolorit.training.shards import SUFFIXES, list_members

_COPY_AGAIN = "Copy the shard again from where it came, or take it out."


@dataclass(frozen=True)
class File:
    """A shard or a photograph: its path below the source's folder, bytes, time of change in ns."""

    name: str
    size: int
    changed: int


@dataclass(frozen=True)
class Source:
    """name: as the recipe has it. weight: how often each picture is seen in an epoch."""

    name: str
    weight: float
    folder: Path
    sharded: bool
    files: tuple[File, ...]


@dataclass(frozen=True)
class Photograph:
    """Where one lies: ``size`` bytes from ``offset`` on in ``file``; key names it for people."""

    source: int
    key: str
    file: Path
    offset: int
    size: int


@dataclass(frozen=True)
class Skipped:
    """What was not taken, and why: "broken: ...", "grey: ...", "one colour ...", "copy of ..."."""

    source: int
    key: str
    why: str


@dataclass(frozen=True)
class Listing:
    """What sources hold. ignored: members of shards that are no pictures, such as labels."""

    photographs: list[Photograph]
    skipped: list[Skipped]
    ignored: int


def find_sources(sources: dict[str, float]) -> list[Source]:
    """The folders that a recipe names, with their files; those of weight 0 are left out.

    A name is a path to a folder that exists, or a folder under KOLORIT_DATA. Raises ConfigInvalid
    where there is no such folder and DataCorrupt where it holds nothing.
    """
    found = []
    for name, weight in sources.items():
        if weight > 0:
            folder = _folder(name)
            shards, photographs = _files(folder)
            if shards and photographs:
                raise ConfigInvalid(
                    f"this folder holds both .tar shards and photographs, such as "
                    f"{photographs[0].name}",
                    file=folder,
                    remedy="Give the shards or the photographs a folder of their own.",
                )
            if not shards and not photographs:
                kinds = ", ".join(suffix[1:] for suffix in SUFFIXES)
                raise DataCorrupt(
                    "no .tar shards and no photographs here",
                    file=folder,
                    remedy=f"Put photographs here ({kinds}), or name another source.",
                )
            found.append(Source(name, weight, folder, bool(shards), tuple(shards or photographs)))
    if not found:
        raise ConfigInvalid("no source has a weight", remedy="Give one under [sources].")
    return found


def list_photographs(sources: list[Source]) -> Listing:
    """Every photograph of the sources, in the order of their names; reads headers of shards only.

    Bad members of a shard are listed as skipped. Raises DataCorrupt for a shard that breaks off.
    """
    photographs: list[Photograph] = []
    skipped: list[Skipped] = []
    ignored = 0
    for at, source in enumerate(sources):
        for file in source.files:
            path, shown = source.folder / file.name, _shown(file.name)
            if not source.sharded:
                photographs.append(Photograph(at, shown, path, 0, file.size))
                continue
            try:
                members, bad, others = list_members(path)
            except (tarfile.TarError, OSError) as error:
                cause = f"this shard breaks off: {error}"
                raise DataCorrupt(cause, file=path, remedy=_COPY_AGAIN) from error
            for name, offset, size in members:
                key = f"{shown}/{_shown(name)}"
                photographs.append(Photograph(at, key, path, offset, size))
            for name, why in bad:
                skipped.append(Skipped(at, f"{shown}/{_shown(name)}", f"broken: {why}"))
            ignored += others
    return Listing(photographs, skipped, ignored)


def read_photograph(photograph: Photograph) -> bytes:
    """Its bytes. Raises OSError, and LimitExceeded for a file of an absurd size."""
    check_bytes(photograph.size, DEFAULT, photograph.key)
    with photograph.file.open("rb") as file:
        file.seek(photograph.offset)
        return file.read(photograph.size)


def _folder(name: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_absolute() and not path.exists():
        try:
            path = data_root() / path
        except ConfigInvalid as error:
            raise ConfigInvalid(
                f"there is no folder '{name}'",
                remedy="Give photographs of your own with --photos DIR, or set KOLORIT_DATA.",
            ) from error
    if not path.exists():
        raise ConfigInvalid(
            "there is no such folder",
            file=path,
            remedy="Give your own photographs with --photos DIR, or a folder under KOLORIT_DATA.",
        )
    if not path.is_dir():
        raise ConfigInvalid(
            "a source is a folder, and this is none",
            file=path,
            remedy="Name the folder that holds the shards or the photographs.",
        )
    return path


def _files(folder: Path) -> tuple[list[File], list[File]]:
    """(shards, photographs) of a folder; no hidden files, and no links that lead out of it.

    Links to folders are not followed: what they show inside is found in its own place.
    """
    root = folder.resolve()

    def refuse(error: OSError) -> None:
        cause = f"this folder cannot be read: {error.strerror}"
        raise DataCorrupt(cause, file=error.filename, remedy="Make it readable, or move it away.")

    shards: list[File] = []
    photographs: list[File] = []
    for path, folders, names in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(path, name)
            suffix = file.suffix.lower()
            shard = suffix == ".tar" and file.parent == root
            if name.startswith(".") or not (shard or suffix in SUFFIXES):
                continue
            if file.is_symlink() and not Path(os.path.realpath(file)).is_relative_to(root):
                continue
            if not file.is_file():  # a pipe, a folder of that name, a link to nothing or itself
                continue
            stat = file.stat()
            kept = File(file.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns)
            (shards if shard else photographs).append(kept)
    return sorted(shards, key=_name), sorted(photographs, key=_name)


def _name(file: File) -> str:
    return file.name


def _shown(name: str) -> str:
    """A name that no terminal stumbles over, whatever an archive calls its members."""
    return name if name.isprintable() else ascii(name)[1:-1]
