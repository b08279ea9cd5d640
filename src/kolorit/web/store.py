"""What clients sent and what became of it: a folder for each, under an id nobody can guess."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from kolorit.errors import Busy, NotThere
from kolorit.web.figures import Figures

if sys.platform != "win32":
    import fcntl

ORIGINAL = "original"  # the name of a photograph as it came, in its folder
RESULT = "result"  # and of what a job made, in the job's own
_ID = re.compile(r"[0-9a-f]{32}")
_PREFIX = "kolorit-serve-"
_LOCK = "lock"
_OFTEN = 1.0  # seconds between two looks at how much there is, while things come in


class Store:
    """Folders by id: 128 random bits as 32 hexadecimal digits. For one thread.

    What is not asked for in ``figures.kept_seconds`` goes; past ``kept`` folders or ``kept_bytes``
    what was asked for longest ago goes first. Nothing is listed and no other name becomes a path.
    """

    def __init__(
        self, folder: Path, figures: Figures, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """folder: an empty one that belongs to this store alone, as ``new_folder`` makes it."""
        self.folder = folder
        self._figures = figures
        self._clock = clock
        self._asked: dict[str, float] = {}  # id -> when; the longest ago stands first
        self._held: Counter[str] = Counter()
        self._swept = clock()
        self._lock = _lock(folder)

    def put(self) -> str:
        """A new id with a folder of its own, empty. Raises Busy where there is no room."""
        now = self._clock()
        if len(self._asked) >= self._figures.kept or now - self._swept > _OFTEN:
            self.sweep(now, spare=1)
        if len(self._asked) >= self._figures.kept:
            raise Busy("the server keeps as many pictures as it can", retry_after=10)
        id = secrets.token_hex(16)
        try:
            (self.folder / id).mkdir(0o700)
        except OSError as error:
            cause = f"the server cannot keep the picture: {error.strerror}"
            raise Busy(cause, retry_after=60) from error
        self._asked[id] = now
        return id

    def path(self, id: str) -> Path:
        """The folder of an id, which counts as asked for. Raises NotThere."""
        if not _ID.fullmatch(id) or id not in self._asked:
            raise NotThere("there is no picture of this id, or no longer")
        del self._asked[id]
        self._asked[id] = self._clock()
        return self.folder / id

    def __contains__(self, id: str) -> bool:
        """Whether there is a folder of this id; this does not count as asking for it."""
        return id in self._asked

    def drop(self, id: str) -> None:
        """Remove a folder and all in it; nothing happens where there is none."""
        if self._asked.pop(id, None) is not None:
            # A worker that still writes there could add a file meanwhile; the sweep looks again.
            shutil.rmtree(self.folder / id, ignore_errors=True)

    def hold(self, id: str) -> None:
        """Let no sweep take this folder until ``release``. Raises NotThere."""
        self.path(id)
        self._held[id] += 1

    def release(self, id: str) -> None:
        """The end of a ``hold``; from now on it ages."""
        self._held[id] -= 1
        if self._held[id] <= 0:
            del self._held[id]
        if id in self._asked:
            self.path(id)

    @contextmanager
    def held(self, id: str) -> Iterator[Path]:
        """Its folder, held meanwhile. Raises NotThere."""
        self.hold(id)
        try:
            yield self.folder / id
        finally:
            self.release(id)

    def sweep(self, now: float | None = None, spare: int = 0) -> None:
        """Remove what is too old or too much; ``Jobs.sweep`` calls it every so often.

        now: of the monotonic clock. spare: for how many more folders there should be room.
        """
        now = self._swept = self._clock() if now is None else now
        for id, asked in list(self._asked.items()):
            if now - asked > self._figures.kept_seconds and not self._held[id]:
                self.drop(id)
        with suppress(OSError):  # who clears away what is old sees that this is in use
            os.utime(self.folder / _LOCK)
        for stray in self._strays():
            shutil.rmtree(stray, ignore_errors=True)
        sizes = {id: _size(self.folder / id) for id in self._asked}
        total, most = sum(sizes.values()), self._figures.kept - spare
        for id, size in sizes.items():
            if len(self._asked) <= most and total <= self._figures.kept_bytes:
                break
            if not self._held[id]:
                self.drop(id)
                total -= size

    def close(self) -> None:
        """Remove the whole folder."""
        self._asked.clear()
        self._lock.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _strays(self) -> list[Path]:
        try:
            names = os.listdir(self.folder)
        except OSError:
            return []
        return [self.folder / n for n in names if _ID.fullmatch(n) and n not in self._asked]


def _size(folder: Path) -> int:
    """Bytes of the files in a folder."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                total += entry.stat(follow_symlinks=False).st_size
    except OSError:
        pass  # a file went while we looked
    return total


def new_folder(parent: Path | None = None) -> Path:
    """A new folder for a store (0700), in the system's place for temporary files.

    Removes those of servers that were killed before they could tidy up: other people's
    photographs do not stay behind.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    for left in parent.glob(f"{_PREFIX}*"):
        if _is_left(left):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))


def _is_left(folder: Path) -> bool:
    """Whether a store was here and its process is dead: nobody holds its lock any more."""
    if sys.platform == "win32":
        return False
    try:
        there = folder.lstat()
        if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.geteuid():
            return False
        with (folder / _LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _lock(folder: Path) -> BinaryIO:
    """An open file that says, while its process lives, whose the folder is."""
    file = (folder / f"{_LOCK}.part").open("wb")
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_EX)
    os.replace(file.name, folder / _LOCK)  # which is never seen without being held
    return file
