"""Tar shards, in WebDataset's manner: which members are photographs, and where they lie.

Nothing is ever unpacked or unpickled, and only plain members with a bare name that ends like a
picture's are taken.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
PADDING = 1 << 20  # zeros between members, or at a shard's end, that an archiver may write

Member = tuple[str, int, int]  # name, offset of its bytes, their number


def list_members(shard: Path) -> tuple[list[Member], list[tuple[str, str]], int]:
    """(pictures, bad ones with the reason, number of other members) of a shard.

    A damaged header loses its member alone: reading goes on at the next whole one. Raises
    tarfile.ReadError for a file that was not copied whole.
    """
    pictures: dict[str, Member] = {}
    bad: list[tuple[str, str]] = []
    beside: dict[str, set[str]] = {}  # sample -> suffixes of its members that are no pictures
    others = 0
    with shard.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1024))
        if file.read() != bytes(1024):  # two blocks of zeros close a tar; tarfile does not mind
            raise tarfile.ReadError("its end is missing")
        for member in _headers(file, size):
            if isinstance(member, str):
                bad.append(("?", member))
                continue
            name = member.name.removeprefix("./")
            bare = "/" not in name and "\\" not in name
            sample, _, suffix = name.partition(".")
            if (bare and name.startswith(".")) or member.isdir():
                others += 1
            elif Path(name).suffix.lower() not in SUFFIXES:
                beside.setdefault(sample, set()).add(suffix)
                others += 1
            elif not bare:
                bad.append((name, "its name is a path"))
            elif member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
                bad.append((name, "it is a link or something else that is no plain file"))
            elif name in pictures:
                bad.append((name, "its name is there twice"))
            else:
                pictures[name] = (name, member.offset_data, member.size)
    bad += [(name, "its picture is missing") for name in _widows(set(pictures), beside)]
    return list(pictures.values()), bad, others


def _headers(file: BinaryIO, size: int) -> Iterator[tarfile.TarInfo | str]:
    """The members of an uncompressed tar; words where something between them is damaged."""
    file.seek(0)
    end = 0  # of the member before
    with tarfile.open(fileobj=file, mode="r:", ignore_zeros=True) as tar:
        while True:
            try:
                member = tar.next()
            except (tarfile.TarError, ValueError):  # a long name or so whose member is damaged
                if tar.offset >= size:
                    raise tarfile.ReadError("a member is longer than the file") from None
                tar.offset += tarfile.BLOCKSIZE
                continue
            tar.members.clear()  # type: ignore[attr-defined]  # or it keeps them all
            begin = size if member is None else member.offset
            if begin > end and (damage := _damage(file, end, begin)):
                yield damage
            if member is None:
                return
            end = tar.offset
            yield member


def _damage(file: BinaryIO, begin: int, end: int) -> str:
    """What is wrong with the bytes between two members, or nothing: they should be few zeros."""
    file.seek(begin)
    for at in range(begin, end, PADDING):
        if any(file.read(min(PADDING, end - at))):
            return f"a damaged header at byte {begin}"
    if end - begin > PADDING:
        raise tarfile.ReadError(f"{end - begin} bytes are zeros, where members should be")
    return ""


def _widows(pictures: set[str], beside: dict[str, set[str]]) -> list[str]:
    """Samples without a picture, that have what other samples have beside theirs."""
    samples = {name.partition(".")[0] for name in pictures}
    usual = {suffix for sample in samples for suffix in beside.get(sample, ())}
    return sorted(sample for sample in beside if sample not in samples and beside[sample] & usual)
