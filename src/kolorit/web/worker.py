"""A worker process: it loads the model, then does one task after another that its parent sends.

    parent -- (task, seconds), pickled --> standard input
    standard output -- a line of JSON --> parent

What a worker says is never unpickled: a photograph that takes a decoder over gets no further than
this process, which holds no secret, may not grow, and is replaced when it dies. The bounds on
memory, time and files are set on Linux; elsewhere the header's account of a picture has to do.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import sys
import time
import traceback
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from kolorit.errors import InternalError, KoloritError, LimitExceeded, ModelUnavailable

if TYPE_CHECKING:
    from kolorit.web.figures import Figures
    from kolorit.web.work import Bench

STARVED = 127  # exit code of a process that lacks memory to go on; the C library's too
_FILES, _FILE_BYTES = 64, 300_000_000  # open at once; the largest that is written
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS of <linux/prctl.h>


def main() -> None:
    """Serve the parent until it closes the pipe."""
    for number in (signal.SIGINT, signal.SIGTERM):  # it is the parent's to say when to end
        signal.signal(number, signal.SIG_IGN)
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    figures, model = pickle.load(inbox)
    confine(figures)
    try:
        bench = _set_up(figures, model)
    except KoloritError as error:
        _say(outbox, {"ok": False, "slug": error.slug, "cause": str(error)})
        return
    _say(outbox, {"ok": True, "value": None})
    try:
        while True:
            task, seconds = pickle.load(inbox)
            allow(seconds)
            _say(outbox, answer(bench, task))
    except (EOFError, BrokenPipeError, pickle.UnpicklingError):  # the parent has gone
        pass
    except MemoryError:
        os._exit(STARVED)


def confine(figures: Figures) -> None:
    """Bound what this process may ever take; no way back."""
    if sys.platform != "linux":
        return
    import ctypes
    import resource

    for what, most in (
        (resource.RLIMIT_DATA, figures.worker_memory),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def allow(seconds: float) -> None:
    """Let the system end this process after so many more seconds of work."""
    if sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    until = math.ceil(time.process_time() + seconds) + 1
    until = until if hard == resource.RLIM_INFINITY else min(until, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (until, hard))


def answer(bench: Bench, task: Any) -> dict[str, Any]:
    """Do a task; whatever goes wrong is in the answer. No task at all is a question for life."""
    from kolorit.web.work import WORK

    try:
        value = None if task is None else WORK[type(task)](bench, task)
    except (MemoryError, KoloritError) as error:
        return describe(error)
    except Exception:  # noqa: BLE001 - the edge of a process: the trace goes to the server's log
        traceback.print_exc()
        return describe(InternalError("something went wrong that nobody foresaw"))
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    return {"ok": True, "value": value}


def describe(error: MemoryError | KoloritError) -> dict[str, Any]:
    """An error for the parent: without the file's name, which is the server's own, and without a
    remedy that only the command line has. hurt: memory ran out.
    """
    # A network that ran when it was loaded, and fails now, has met the bound on memory.
    hurt = isinstance(error, MemoryError | ModelUnavailable)
    hurt = hurt or isinstance(error.__cause__, MemoryError)
    if not isinstance(error, KoloritError) or isinstance(error, ModelUnavailable):
        error = LimitExceeded("this takes more memory than the server gives")
    said = {"ok": False, "slug": error.slug, "cause": error.cause, "hurt": hurt}
    return said if " --" in error.remedy else {**said, "remedy": error.remedy}


def held() -> int:
    """Bytes that count against the bound on memory now; 0 where that is not known."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _set_up(figures: Figures, model: str) -> Bench:
    """The bench, after one look at nothing: the first photograph shall not wait for that."""
    import numpy as np

    from kolorit.colorizer import Colorizer
    from kolorit.web.work import Bench

    colorizer = Colorizer(model, device="cpu", threads=1)
    size = colorizer.model.card.size
    colorizer.predict(np.zeros((size, size), np.uint8))
    return Bench(colorizer, figures)


def _say(outbox: BinaryIO, said: dict[str, Any]) -> None:
    outbox.write(json.dumps({**said, "held": held()}).encode() + b"\n")
    outbox.flush()


if __name__ == "__main__":
    main()
