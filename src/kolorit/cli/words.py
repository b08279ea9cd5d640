"""Words for people, on standard error; data goes to standard output and nowhere near here."""

from __future__ import annotations

import errno
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from typing import Any

from kolorit.errors import InternalError, KoloritError, OutputUnwritable

_JOINER = "\u200d"  # holds family emoji together, and harms nobody


def plain(text: str) -> str:
    """Text that cannot move the cursor, turn its direction or fail to print.

    Control and format characters and bytes that were no UTF-8 become escapes as \\n and \\xff.
    """
    return "".join(
        char if char.isprintable() or char == _JOINER else _escape(char) for char in text
    )


def say(text: str) -> None:
    """One line on standard error, if there is one. The text is printed as it is."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except UnicodeEncodeError:
        sys.stderr.write(text.encode("ascii", "backslashreplace").decode() + "\n")
    except (OSError, ValueError):
        pass  # nobody listens; the exit code still speaks


def say_error(error: KoloritError, *, debug: bool = False) -> None:
    """The two lines ``error: CAUSE (FILE)`` and ``hint: REMEDY``; with debug the trace before."""
    if debug:
        say("".join(traceback.format_exception(error.__cause__ or error)).rstrip())
    say(f"error: {plain(str(error))}")
    say(f"hint: {plain(error.remedy)}")


def print_json(record: Mapping[str, Any]) -> None:
    """One object as one line on standard output, in plain ASCII."""
    print_line(json.dumps(record))


def print_line(text: str) -> None:
    """One line on standard output. BrokenPipeError passes; other failures are OutputUnwritable."""
    if sys.stdout is None:
        return
    try:
        try:
            sys.stdout.write(text + "\n")
        except UnicodeEncodeError:  # a terminal that knows few letters, or a name of odd bytes
            sys.stdout.write(text.encode("ascii", "backslashreplace").decode() + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputUnwritable(f"standard output cannot be written: {error.strerror}") from error


def print_bytes(content: bytes) -> None:
    """A picture on standard output; errors as in ``print_line``."""
    if sys.stdout is None:
        raise OutputUnwritable("standard output is closed")
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputUnwritable(f"standard output cannot be written: {error.strerror}") from error


def bug(error: BaseException) -> InternalError:
    """An exception that nobody foresaw, as one line; its trace goes to a file."""
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    try:
        handle, name = tempfile.mkstemp(prefix="kolorit-error-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(traceback.format_exception(error))
        remedy = f"This is a bug in Kolorit. Please report it with {name}."
    except OSError:
        remedy = "This is a bug in Kolorit. Please report it with what --debug prints."
    wrapped = InternalError(what, remedy=remedy)
    wrapped.__cause__ = error
    return wrapped


def disk_is_full(error: KoloritError) -> bool:
    """Whether there is no point in going on to the next picture."""
    cause = error.__cause__
    full = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    return (
        isinstance(error, OutputUnwritable) and isinstance(cause, OSError) and cause.errno in full
    )


class Progress:
    """A line that counts pictures and guesses the time left; only on a terminal.

    total: pictures. shown: False keeps it silent.
    """

    def __init__(self, total: int, shown: bool) -> None:
        terminal = sys.stderr is not None and sys.stderr.isatty()
        self.shown = shown and total > 1 and terminal and os.environ.get("TERM") != "dumb"
        self.total, self.done, self.began, self.drawn = total, 0, time.monotonic(), 0.0

    def step(self) -> None:
        self.done += 1

    def draw(self) -> None:
        """At most ten times a second."""
        now = time.monotonic()
        if not self.shown or now - self.drawn < 0.1:
            return
        self.drawn = now
        left = ""
        if self.done:
            left = f", {duration((now - self.began) / self.done * (self.total - self.done))} left"
        sys.stderr.write(f"\r\x1b[K{self.done} of {self.total}{left}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Before other words are said."""
        if self.shown and self.drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self.drawn = 0.0


def duration(seconds: float) -> str:
    """12 s, 3 min, 2 h 05 min."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that was no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()
