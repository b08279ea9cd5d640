"""Arrays that are too large for the memory, written row after row: .npy files, all or none."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from kolorit.errors import OutputUnwritable
from kolorit.picture.save import CAUSES


@contextmanager
def row_files(paths: Collection[Path], total: int) -> Iterator[Callable[[Path, np.ndarray], None]]:
    """Gives what appends rows (n,...) to one of the paths, each of which gets ``total`` rows.

    The files take their names at the end, all of them; an error before that leaves nothing. Raises
    OutputUnwritable with the path. They are not mapped: a full disk then kills the process.
    """
    parts = {path: Path(f"{path}.part") for path in paths}
    files: dict[Path, BinaryIO] = {}

    def append(path: Path, rows: np.ndarray) -> None:
        with _telling(path):
            if path not in files:
                path.parent.mkdir(parents=True, exist_ok=True)
                files[path] = parts[path].open("wb")
                shape = (total, *rows.shape[1:])
                header = {"descr": rows.dtype.str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(files[path], header)
            files[path].write(np.ascontiguousarray(rows).data)

    try:
        yield append
        for path, file in files.items():
            with _telling(path):
                file.flush()
                os.fsync(file.fileno())
                file.close()
        for path in files:
            with _telling(path):
                parts[path].replace(path)
    finally:
        for path, file in files.items():
            with suppress(OSError):  # it flushes once more, and the first error is the one to tell
                file.close()
            with suppress(OSError):
                parts[path].unlink(missing_ok=True)


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        cause = "the disk is full" if number == errno.ENOSPC else CAUSES.get(number, str(error))
        raise OutputUnwritable(cause, file=path) from error
