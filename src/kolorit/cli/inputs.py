"""What the command line names: files, folders, standard input -> pictures in a stable order."""

from __future__ import annotations

import difflib
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from kolorit.cli.command import VERBS
from kolorit.errors import InputUnreadable, KoloritError
from kolorit.naming import READ_ONLY, SUFFIXES, is_own_output
from kolorit.picture.limits import DEFAULT, check_bytes
from kolorit.picture.signature import HEAD, identify

_CLAIMS = {*READ_ONLY, *(suffix for many in SUFFIXES.values() for suffix in many)}


@dataclass(frozen=True)
class Input:
    """One picture to be.

    shown: its name as it was given. path: None for standard input, whose bytes are in ``content``.
    format: by its first bytes. folder: for one found in a folder, its own folder relative to that
    one. error: why it cannot be coloured.
    """

    shown: str
    path: Path | None
    format: str = ""
    folder: str | None = None
    content: bytes | None = None
    error: KoloritError | None = None


def find_inputs(names: Iterable[str], recursive: bool) -> list[Input]:
    """Inputs as named, those of a folder sorted by name. Raises click.UsageError for two ``-``.

    Raises InputUnreadable for a folder without a picture.
    """
    found: list[Input] = []
    for name in names:
        if name == "-":
            if any(other.path is None for other in found):
                raise click.UsageError("Standard input (-) can be read only once.")
            found.append(_standard_input())
        elif recursive and os.path.isdir(name):
            inside = list(_walk(name))
            if not inside:
                remedy = "Hidden files and results (*.color.*) are left out."
                raise InputUnreadable("no pictures in this folder", file=name, remedy=remedy)
            found += inside
        else:
            found.append(_file(name))
    return found


def _standard_input() -> Input:
    if sys.stdin is not None and sys.stdin.isatty():
        raise click.UsageError("Standard input is a terminal: pipe a picture into kolorit.")
    try:
        if sys.stdin is None:
            raise InputUnreadable("standard input is closed")
        content = sys.stdin.buffer.read(DEFAULT.bytes + 1)
        check_bytes(len(content), DEFAULT, "-")
        if not content:
            raise InputUnreadable("standard input is empty", remedy="Pipe a picture into kolorit.")
        return Input("-", None, identify(content[:HEAD], "-"), content=content)
    except (OSError, ValueError) as error:
        cause = InputUnreadable(f"standard input cannot be read: {error}")
        return Input("-", None, error=cause)
    except KoloritError as error:
        return Input("-", None, error=error)


def _file(name: str, folder: str | None = None) -> Input:
    from kolorit.picture.opening import open_source

    path = Path(name)
    try:
        with open_source(name, DEFAULT) as opened:
            return Input(name, path, identify(opened.stream.read(HEAD), name), folder)
    except KoloritError as error:
        if not os.path.lexists(path) and (near := difflib.get_close_matches(name, VERBS, 1)):
            error.remedy = f"Check the path. If you meant the command: kolorit {near[0]}."
        return Input(name, path, folder=folder, error=error)
    except OSError as error:
        cause = f"the file cannot be read: {error.strerror}"
        return Input(name, path, folder=folder, error=InputUnreadable(cause, file=name))


def _walk(top: str) -> Iterator[Input]:
    """Pictures below a folder, each folder before the ones in it, sorted by name.

    Links to files are followed, links to folders are not. What is no picture is left out, unless
    its name says that it should be one.
    """
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                seen = sorted(
                    (entry for entry in entries if not entry.name.startswith(".")),
                    key=lambda entry: entry.name,
                )
        except OSError as error:
            cause = f"the folder cannot be read: {error.strerror}"
            yield Input(folder, Path(folder), error=InputUnreadable(cause, file=folder))
            continue
        relative = os.path.relpath(folder, top)
        for entry in seen:
            if not entry.is_dir(follow_symlinks=False) and _is_candidate(entry):
                found = _file(entry.path, "" if relative == "." else relative)
                if found.error is None or _claims(entry.name) or _forbidden(found.error):
                    yield found
        waiting += [e.path for e in reversed(seen) if e.is_dir(follow_symlinks=False)]


def _is_candidate(entry: os.DirEntry[str]) -> bool:
    """Regular files and links to them or to nothing, but no results of our own."""
    if is_own_output(entry.name):
        return False
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return True  # a link to nothing: reading it will say so if its name claims a picture


def _claims(name: str) -> bool:
    """Whether a name says that the file is a picture."""
    return os.path.splitext(name)[1].lower() in _CLAIMS


def _forbidden(error: KoloritError) -> bool:
    return isinstance(error.__cause__, PermissionError)
