"""Pictures in classes, decoded once: an array of squares with a label and a side for each.

    set-<contents>.npy    (N,px,px,3) uint8
    set-<contents>.json   classes; label, side and name of each picture; what was skipped

``layouts.py`` says where the pictures may lie.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from kolorit.errors import (
    ConfigInvalid,
    DataCorrupt,
    InputUnreadable,
    LimitExceeded,
    OutputUnwritable,
)
from kolorit.evaluate.places import data_root
from kolorit.picture.rgb import resize_rgb
from kolorit.training.representation.layouts import Found, find_set
from kolorit.training.squares import Say, Squares, header, progress, square

FORMAT = 1  # of the files; another number makes new ones
BROKEN = 0.01  # share of the pictures that may be unreadable


@dataclass(frozen=True, eq=False)
class ClassSet:
    """pictures (N,px,px,3) uint8; label (N,) index into classes; test (N,) the official side.

    names: CLASS/ID of each. digest: 16 digits of the sha256 of all of it.
    """

    pictures: Squares
    label: npt.NDArray[np.int64]
    test: npt.NDArray[np.bool_]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    digest: str
    skipped: tuple[tuple[str, str], ...] = ()


def open_set(
    name: str, px: int, cache: Path, *, squash: bool = False, say: Say = lambda _: None
) -> ClassSet:
    """The set in the folder ``name``, here or under KOLORIT_DATA, decoded into ``cache`` if new.

    px: side of the squares; squash: the whole picture squeezed, else its middle square. Raises
    ConfigInvalid where there is no such folder, DataCorrupt as `find_set` and for more than one
    broken picture in a hundred, OutputUnwritable when the disk is full.
    """
    folder = find_folder(name)
    found = find_set(folder)
    contents = json.dumps([FORMAT, px, squash, found.files])
    path = cache / f"set-{hashlib.sha256(contents.encode()).hexdigest()[:16]}.npy"
    if (there := _load(path)) is not None:
        return there
    total = len(found.entries)
    say(f"decoding {total:,} pictures, {total * px * px * 3 / 1e6:,.0f} MB, into {path}")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as temporary:
            squares, index = Path(temporary) / "squares", Path(temporary) / "index"
            with squares.open("w+b") as out:
                written = _write(out, found, px, squash, folder, say)
            index.write_text(json.dumps(written), "utf-8")
            squares.replace(path)
            index.replace(path.with_suffix(".json"))  # last: with it the set is there
    except OSError as error:
        cause = f"the decoded pictures cannot be written: {error.strerror or error}"
        raise OutputUnwritable(cause, file=path) from error
    there = _load(path)
    if there is None:
        raise OutputUnwritable("what was just written here cannot be read again", file=path)
    return there


def find_folder(name: str) -> Path:
    """The folder that a study names; ConfigInvalid where there is none."""
    path = Path(name).expanduser()
    if not path.is_absolute() and not path.is_dir():
        path = data_root() / path
    if not path.is_dir():
        remedy = "Give a folder of pictures in classes: --set data=FOLDER."
        raise ConfigInvalid("there is no such folder", file=path, remedy=remedy)
    return path


def _write(
    out: BinaryIO, found: Found, px: int, squash: bool, folder: Path, say: Say
) -> dict[str, Any]:
    """Write the array and return the index."""
    total, kept = len(found.entries), []
    skipped: list[tuple[str, str]] = []
    digest = hashlib.sha256(json.dumps(found.classes).encode())
    tell = progress(total, say)
    np.lib.format.write_array_header_1_0(out, header(total, px))
    begin = out.tell()
    for done, entry in enumerate(found.entries, 1):
        try:
            rgb = entry.read()
            pixels = resize_rgb(rgb, (px, px)) if squash else square(rgb, px)
        except (InputUnreadable, LimitExceeded) as error:
            skipped.append((entry.name, error.cause))
            if len(skipped) > BROKEN * total:
                raise DataCorrupt(
                    f"at least {len(skipped):,} of {total:,} pictures are broken, more than one in "
                    f"a hundred ({skipped[0][0]}: {skipped[0][1]})",
                    file=folder,
                    remedy="Unpack the set again.",
                ) from error
            continue
        out.write(pixels.tobytes())
        digest.update(f"{entry.name} {entry.test}".encode() + pixels.tobytes())
        kept.append(entry)
        tell(done)
    out.seek(0)
    np.lib.format.write_array_header_1_0(out, header(len(kept), px))
    assert out.tell() == begin  # numpy leaves room in the head for the number
    return {
        "classes": found.classes,
        "label": [entry.label for entry in kept],
        "test": [entry.test for entry in kept],
        "names": [entry.name for entry in kept],
        "digest": digest.hexdigest()[:16],
        "skipped": skipped,
    }


def _load(path: Path) -> ClassSet | None:
    """The set at a path, or None unless both files are there and fit together."""
    try:
        index = json.loads(path.with_suffix(".json").read_text("utf-8"))
        pictures: Squares = np.load(path, mmap_mode="r")
        label, test = np.array(index["label"], np.int64), np.array(index["test"], bool)
        classes, names = tuple(index["classes"]), tuple(index["names"])
        skipped = tuple((name, why) for name, why in index["skipped"])
        if not len(pictures) == len(label) == len(test) == len(names):
            return None
        return ClassSet(pictures, label, test, classes, names, index["digest"], skipped)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # missing, cut off, or somebody else's
