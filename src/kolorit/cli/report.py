"""The record of one picture, and the report file: one line a picture, written when it is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kolorit.errors import KoloritError, OutputUnwritable

SCHEMA = 1
Done = tuple[str, str, str, str]  # sha256 of input, of options, of the model; output


def record(source: str | None, output: str | None, **more: Any) -> dict[str, Any]:
    """The object that --json and --report give for a picture."""
    return {"schema": SCHEMA, "input": source, "output": output, **more}


def describe_error(error: KoloritError) -> dict[str, Any]:
    """An error as it stands in a record."""
    return {
        "code": error.exit_code,
        "slug": error.slug,
        "message": str(error),
        "hint": error.remedy,
    }


def hash_file(source: Path | bytes) -> str:
    """sha256 of a file's content. Raises OSError."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_options(options: Mapping[str, Any]) -> str:
    """sha256 of everything that decides what a result looks like, in any order of keys."""
    text = json.dumps(options, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def done_key(line: Mapping[str, Any]) -> Done | None:
    """What a line of a report says is finished; None for failures and for what is no such line."""
    names = ("input_sha256", "options_sha256", "model_sha256", "output")
    values = tuple(line.get(name) for name in names)
    if "error" in line or not all(isinstance(value, str) for value in values):
        return None
    return values  # type: ignore[return-value]


class Report:
    """An open report. Lines are appended and flushed one by one, so a kill leaves whole lines.

    finished: what earlier runs finished. Raises OutputUnwritable for a file that cannot be written,
    or that is there and is no report.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.finished, whole = read_finished(path)
        try:
            self._file = path.open("ab")
            if self._file.tell() > whole:  # a line that a kill cut off
                self._file.truncate(whole)
        except OSError as error:
            raise self._unwritable(error) from error

    def write(self, line: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> OutputUnwritable:
        return OutputUnwritable(
            f"the report cannot be written: {error.strerror}",
            file=self.path,
            remedy="Choose another place with --report.",
        )


def read_finished(path: Path) -> tuple[set[Done], int]:
    """(keys of what a report says is finished, bytes of its whole lines); nothing if there is none.

    A line that a kill cut off is passed over. Raises OutputUnwritable for another kind of file,
    which appending would spoil.
    """
    finished: set[Done] = set()
    whole = 0
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file):
                whole += len(text) if text.endswith(b"\n") else 0
                try:
                    line = json.loads(text)
                except ValueError:
                    line = None
                if isinstance(line, dict) and line.get("schema") == SCHEMA:
                    if key := done_key(line):
                        finished.add(key)
                elif number == 0 and (text.endswith(b"\n") or not _began(text)):
                    raise _no_report(path)
    except FileNotFoundError:
        return finished, whole
    except OSError as error:
        cause = f"the report cannot be read: {error.strerror}"
        remedy = "Choose another place with --report."
        raise OutputUnwritable(cause, file=path, remedy=remedy) from error
    return finished, whole


def _began(text: bytes) -> bool:
    """Whether these bytes are the beginning of a line of ours that was cut off."""
    return text[:9] == b'{"schema"'[: len(text)]


def _no_report(path: Path) -> OutputUnwritable:
    return OutputUnwritable(
        "this file is there and is no report of Kolorit",
        file=path,
        remedy="Choose another place with --report.",
    )
