"""Bytes to a file, whole or not at all.

    a new file beside the target -> write -> fsync -> take the target's name -> fsync the folder

A reader of the target sees the old content or the new, never a part; what goes wrong leaves no
trace but, after a kill, a hidden temporary that `remove_leftovers` takes away.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import time
from pathlib import Path

from kolorit.errors import OutputUnwritable

OLD = 3600  # seconds after which a dead process's temporary is nobody's
TEMPORARY = re.compile(r"\.kolorit-(\d+)-[0-9a-f]{16}\.part")
# File systems that know no second name for a file answer with one of these.
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
# A folder that cannot be flushed because its file system has nothing to flush.
NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF, errno.EACCES)

CAUSES = {
    errno.EACCES: "permission to write here is missing",
    errno.EPERM: "permission to write here is missing",
    errno.EROFS: "the file system can only be read",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "the file would be larger than is allowed here",
    errno.EIO: "the disk failed while writing",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOENT: "its folder does not exist",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
    errno.ELOOP: "a link in its path leads back to itself",
}


def save(
    content: bytes,
    path: str | os.PathLike[str],
    overwrite: bool = False,
    source: str | os.PathLike[str] | None = None,
) -> Path:
    """Write content to path and return the path.

    source: the file it was made from, which is never written over, under whatever name. An existing
    file is replaced only with `overwrite`; a folder, device, pipe or socket never is.
    Raises OutputUnwritable, and then the temporary is gone and what stood at path is as it was (but
    for a failing last fsync, which the message tells).
    """
    target = Path(path)
    try:
        _check(target, overwrite, source)
        temporary = target.with_name(f".kolorit-{os.getpid()}-{secrets.token_hex(8)}.part")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(temporary, flags, 0o666)
        try:
            _fill(handle, content)
            _take_name(temporary, target, overwrite)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)
    except FileExistsError as error:
        raise _exists(target) from error
    except (OSError, ValueError) as error:
        raise _unwritable(error, target, len(content)) from error
    return target


def remove_leftovers(folder: str | os.PathLike[str]) -> int:
    """Delete temporaries that processes now dead left over an hour ago; says how many."""
    removed = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                found = TEMPORARY.fullmatch(entry.name)
                if not found or _alive(int(found.group(1))):
                    continue
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > OLD:
                    os.unlink(entry.path)
                    removed += 1
    except OSError:
        pass  # tidying is a courtesy: what cannot be removed stays
    return removed


def _check(target: Path, overwrite: bool, source: str | os.PathLike[str] | None) -> None:
    try:
        there = os.stat(target)
    except FileNotFoundError:
        if not os.path.lexists(target):  # else a link that leads nowhere is in the way
            return
        there = None
    if there is not None and source is not None:
        try:
            read = os.stat(source)
        except OSError:
            read = None
        if read is not None and os.path.samestat(there, read):
            raise OutputUnwritable(
                "the result would replace the photograph it is made from",
                file=target,
                remedy="Give the result another name.",
            )
    if target.is_dir():
        raise OutputUnwritable(
            "this is a folder", file=target, remedy="Give the name of a file in it."
        )
    if there is not None and not stat.S_ISREG(there.st_mode):  # renaming would do away with it
        raise OutputUnwritable(
            "this is a pipe, socket or device, not a file",
            file=target,
            remedy="Give the name of a file, or - for standard output.",
        )
    if not overwrite:
        raise _exists(target)


def _fill(handle: int, content: bytes) -> None:
    """Write all of content and have it on the disk; the handle is closed in any case."""
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    except BaseException:
        try:
            os.close(handle)
        except OSError:
            pass  # the first error is the one to tell
        raise
    os.close(handle)


def _take_name(temporary: Path, target: Path, overwrite: bool) -> None:
    """Raises FileExistsError if another file has taken the name meanwhile and may not go."""
    if overwrite:
        os.replace(temporary, target)
        return
    try:
        os.link(temporary, target, follow_symlinks=False)
    except OSError as error:
        if isinstance(error, FileExistsError) or error.errno not in NO_LINKS:
            raise
        # No second names here. Between this look and the renaming lies a moment in which another
        # process could make the file; it is the price of such file systems.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "exists", str(target)) from error
        os.rename(temporary, target)


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk."""
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)  # refused where one may write but not look
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise OSError(error.errno, f"the file stands, but not surely: {error}") from error


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _exists(target: Path) -> OutputUnwritable:
    return OutputUnwritable(
        "a file of this name exists",
        file=target,
        remedy="Give another name with -o, or allow --overwrite.",
    )


def _unwritable(error: OSError | ValueError, target: Path, size: int) -> OutputUnwritable:
    """The error in words."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOSPC:
        words = f"the disk is full: {size / 1e6:.1f} MB are needed"
        try:
            words += f", {shutil.disk_usage(target.parent).free / 1e6:.1f} MB are free"
        except OSError:
            pass
        return OutputUnwritable(words, file=target)
    if number is None:
        return OutputUnwritable("the name holds a character that no file name can", file=target)
    return OutputUnwritable(CAUSES.get(number, f"it cannot be written: {error}"), file=target)
