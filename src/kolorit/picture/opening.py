"""Where bytes come from: a path, bytes in memory, or an open binary file.

Only regular files are opened by path: a named pipe or a device is refused at once.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from kolorit.errors import InputUnreadable
from kolorit.picture.limits import Limits, check_bytes
from kolorit.picture.picture import Kind
from kolorit.picture.signature import AGAIN

CHUNK = 1 << 20


@dataclass(frozen=True)
class Opened:
    """A seekable stream at its start; name is the path for messages, size in bytes."""

    stream: BinaryIO
    name: str | None
    kind: Kind
    size: int


@contextmanager
def open_source(source: object, limits: Limits) -> Iterator[Opened]:
    """Opens a path (str or PathLike), bytes, or a binary file object, which is read to its end.

    Raises InputUnreadable for what cannot be opened, LimitExceeded for too many bytes.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield _in_memory(bytes(source), None, "bytes", limits)
    elif isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
        if not isinstance(name, str):
            name = os.fsdecode(name)
        with _open_path(name) as stream:
            size = os.fstat(stream.fileno()).st_size
            check_bytes(size, limits, name)
            if not size:
                _refuse_empty(name)
            yield Opened(stream, name, "path", size)
    elif hasattr(source, "read"):
        given = getattr(source, "name", None)
        name = given if isinstance(given, str) else None
        yield _in_memory(_read_all(source, limits, name), name, "file", limits)
    else:
        raise InputUnreadable(
            f"a value of type {type(source).__name__} is no picture",
            remedy="Give a path, bytes, a binary file, a Pillow image or a numpy array.",
        )


def _in_memory(content: bytes, name: str | None, kind: Kind, limits: Limits) -> Opened:
    check_bytes(len(content), limits, name)
    if not content:
        _refuse_empty(name)
    return Opened(io.BytesIO(content), name, kind, len(content))


def _refuse_empty(name: str | None) -> NoReturn:
    raise InputUnreadable("the file is empty", file=name, remedy=AGAIN)


def _read_all(source: object, limits: Limits, name: str | None) -> bytes:
    """What is left in a file object; stops one byte past the limit."""
    parts: list[bytes] = []
    total = 0
    try:
        while total <= limits.bytes:
            part = source.read(min(CHUNK, limits.bytes + 1 - total))  # type: ignore[attr-defined]
            if not isinstance(part, (bytes, bytearray, type(None))):
                raise InputUnreadable(
                    "the file object gives text, not bytes",
                    file=name,
                    remedy='Open the file with mode "rb".',
                )
            if not part:
                break
            parts.append(bytes(part))
            total += len(part)
    except (OSError, ValueError) as error:  # ValueError: read of a closed file
        raise InputUnreadable(f"the file object cannot be read: {error}", file=name) from error
    return b"".join(parts)


def _open_path(name: str) -> BinaryIO:
    """The regular file at `name`. Checked before and after opening, which never waits."""
    try:
        _refuse_irregular(os.stat(name).st_mode, name)
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(name, flags | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:
        cause, remedy = _why(error)
        raise InputUnreadable(cause, file=name, remedy=remedy) from error
    stream = os.fdopen(handle, "rb")
    try:
        _refuse_irregular(os.fstat(handle).st_mode, name)
    except InputUnreadable:
        stream.close()
        raise
    return stream


def _refuse_irregular(mode: int, name: str) -> None:
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise InputUnreadable(
            "this is a folder, not a picture",
            file=name,
            remedy="Name the pictures in it, or use -r to take all of them.",
        )
    raise InputUnreadable(
        "this is a pipe, socket or device, not a file",
        file=name,
        remedy="Save the picture to a file first, or give it on standard input as -.",
    )


def _why(error: OSError | ValueError) -> tuple[str, str]:
    """(cause, remedy) in words for an error of opening a path."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR):
        return "there is no such file", "Check the spelling of the path."
    if number in (errno.EACCES, errno.EPERM):
        return "permission to read the file is missing", "Change its mode, or copy it."
    if number == errno.ENAMETOOLONG:
        return "the name is too long", "Give the file a shorter name."
    if number == errno.ELOOP:
        return "the link leads back to itself", "Name the file itself."
    if number is None:
        return "the name holds a character that no file name can", "Check the path."
    return f"the file cannot be read: {error}", "Check the disk it is on."
