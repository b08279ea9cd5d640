"""Where a set's pictures lie, which class and side each has: four layouts, nothing decoded yet.

lists      meta/train.txt and meta/test.txt name pictures as CLASS/ID, which lie anywhere below
           (torchvision's Food-101: images/CLASS/ID.jpg)
sheets     index.csv and classes.txt, and a tar of sheets of square tiles, ten in a row
two sides  train/CLASS/* and test/CLASS/*
one side   CLASS/*; a quarter of each class is then the test
"""

from __future__ import annotations

import csv
import hashlib
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from kolorit.errors import DataCorrupt, InputUnreadable
from kolorit.picture.rgb import decode_rgb
from kolorit.training.shards import SUFFIXES
from kolorit.training.squares import Squares

ROW = 10  # tiles in a row of a sheet
TEST = 0.25  # share of each class where the set has no sides
_AGAIN = "Unpack the set again."


@dataclass(frozen=True)
class Entry:
    """One picture: CLASS/ID, index of its class, official side, and how its pixels are had."""

    name: str
    label: int
    test: bool
    read: Callable[[], Squares]


@dataclass(frozen=True)
class Found:
    """A set as it lies on the disk. files: (name, bytes, time of change in ns) of all of it."""

    classes: tuple[str, ...]
    entries: list[Entry]
    files: list[tuple[str, int, int]]


def find_set(folder: Path) -> Found:
    """What lies in a folder, by whichever layout it has.

    Raises DataCorrupt for listed pictures that are missing, two of one name, fewer than two
    classes, and a class with pictures on one side only.
    """
    lists = [p for p in (folder, folder / "food-101") if (p / "meta" / "train.txt").is_file()]
    if lists:
        found = _by_lists(lists[0])
    elif (folder / "index.csv").is_file():
        found = _by_sheets(folder)
    elif (folder / "train").is_dir() or (folder / "test").is_dir():
        found = _by_folders(folder, {"train": False, "test": True})
    else:
        found = _by_folders(folder, {".": False})
    _check_sides(found, folder)
    return found


def _by_lists(folder: Path) -> Found:
    test: dict[str, bool] = {}  # in the lists' order, which decides who is drawn
    try:
        for side in ("train", "test"):
            names = (folder / "meta" / f"{side}.txt").read_text("utf-8").split()
            test |= dict.fromkeys(names, side == "test")
        listed = folder / "meta" / "classes.txt"  # its order counts too
        classes = listed.read_text("utf-8").split() if listed.is_file() else _classes(test)
    except (OSError, ValueError) as error:
        cause = f"the lists of pictures cannot be read: {error}"
        raise DataCorrupt(cause, file=folder / "meta", remedy=_AGAIN) from error
    there = {_name(path): path for path in _pictures(folder)}
    if lacking := sorted(name for name in test if name not in there):
        raise DataCorrupt(
            f"{len(lacking):,} of {len(test):,} listed pictures are missing, such as {lacking[0]}",
            file=folder,
            remedy=_AGAIN,
        )
    return _of_paths(folder, classes, there, test)


def _by_folders(folder: Path, sides: dict[str, bool]) -> Found:
    paths: dict[str, Path] = {}
    test: dict[str, bool] = {}
    for side, is_test in sides.items():
        for path in _pictures(folder / side):
            name = _name(path)
            if name in paths:
                raise DataCorrupt(
                    f"two pictures are called {name}", file=path, remedy="Rename one of them."
                )
            paths[name], test[name] = path, is_test
    classes = sorted(_classes(test))
    if len(sides) == 1:
        for of_class in classes:  # by hash: the order of names may mean something
            names = [name for name in paths if _class(name) == of_class]
            names.sort(key=lambda name: hashlib.sha256(name.encode()).digest())
            test |= dict.fromkeys(names[: round(TEST * len(names))], True)
    return _of_paths(folder, classes, paths, test)


def _of_paths(
    folder: Path, classes: list[str], paths: dict[str, Path], test: dict[str, bool]
) -> Found:
    index = {name: k for k, name in enumerate(classes)}
    entries, files = [], [("/".join(classes), 0, 0)]
    for name, is_test in test.items():
        if _class(name) not in index:
            cause = f"the class of {name} is not in classes.txt"
            raise DataCorrupt(cause, file=folder, remedy=_AGAIN)
        path = paths[name]
        entries.append(Entry(name, index[_class(name)], is_test, partial(decode_rgb, path)))
        stat = path.stat()
        files.append((f"{name} {is_test}", stat.st_size, stat.st_mtime_ns))
    return Found(tuple(classes), entries, files)


def _by_sheets(folder: Path) -> Found:
    listed = [folder / "index.csv", folder / "classes.txt"]
    try:
        classes = tuple(listed[1].read_text("utf-8").split())
        with listed[0].open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        (tar,) = folder.glob("*.tar")
        sheets = _Sheets(tar)
        entries = [
            Entry(
                f"{row['class']}/{row['image_id']}",
                int(row["label"]),
                row["split"] == "test",
                partial(sheets.tile, f"{row['split']}/{row['class']}.jpg", int(row["tile"])),
            )
            for row in rows
        ]
        if wrong := [e.name for e in entries if classes[e.label] != _class(e.name)]:
            raise ValueError(f"the label of {wrong[0]} is another one in classes.txt")
        stats = [(path, path.stat()) for path in (tar, *listed)]
    except (OSError, ValueError, KeyError, IndexError, tarfile.TarError) as error:
        cause = f"these sheets of pictures cannot be read: {error}"
        raise DataCorrupt(cause, file=folder, remedy=_AGAIN) from error
    return Found(classes, entries, [(p.name, s.st_size, s.st_mtime_ns) for p, s in stats])


class _Sheets:
    """Tiles out of a tar's sheets; the sheet that was asked for last is kept."""

    def __init__(self, tar: Path):
        with tarfile.open(tar, "r:") as members:
            self.places = {m.name: (m.offset_data, m.size) for m in members if m.isfile()}
        self.tar, self.name, self.sheet = tar, "", np.zeros((0, 0, 3), np.uint8)

    def tile(self, name: str, at: int) -> Squares:
        """(side,side,3): number ``at`` of a sheet, row by row. Raises InputUnreadable."""
        if name not in self.places:
            raise InputUnreadable(f"there is no sheet {name}", file=self.tar)
        if name != self.name:
            offset, size = self.places[name]
            with self.tar.open("rb") as file:
                file.seek(offset)
                self.sheet, self.name = decode_rgb(file.read(size)), name
        side = self.sheet.shape[1] // ROW
        y, x = side * (at // ROW), side * (at % ROW)
        if not 0 <= y <= len(self.sheet) - side:
            raise InputUnreadable(f"there is no tile {at} in {name}", file=self.tar)
        return self.sheet[y : y + side, x : x + side]


def _pictures(folder: Path) -> Iterator[Path]:
    """Picture files at least one folder deep, in the order of their paths."""
    for path in sorted(folder.glob("*/**/*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            yield path


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def _class(name: str) -> str:
    return name.partition("/")[0]


def _classes(names: dict[str, bool]) -> list[str]:
    return list(dict.fromkeys(map(_class, names)))


def _check_sides(found: Found, folder: Path) -> None:
    """DataCorrupt unless there are two classes, and each has pictures on both sides."""
    if len(found.classes) < 2:
        raise DataCorrupt(
            f"pictures in {len(found.classes)} classes here, and two are the least",
            file=folder,
            remedy="Put the pictures into train/CLASS/ and test/CLASS/, or CLASS/.",
        )
    for side, is_test in (("train", False), ("test", True)):
        there = {entry.label for entry in found.entries if entry.test == is_test}
        if lacking := [name for k, name in enumerate(found.classes) if k not in there]:
            raise DataCorrupt(
                f"{len(lacking)} of {len(found.classes)} classes have no {side} pictures, such as "
                f"'{lacking[0]}'",
                file=folder,
                remedy="Each class needs pictures on both sides: add some, or take the class out.",
            )
