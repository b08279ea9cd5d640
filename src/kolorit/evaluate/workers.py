"""One function over many tasks, in this process or in several, each with what it needs built once.

Answers come in the order of the tasks, so the number of processes changes nothing but the time.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from threading import current_thread, main_thread
from typing import Any, TypeVar

from kolorit.errors import LimitExceeded

_Answer = TypeVar("_Answer")
# (function, tasks) -> function(bench, *task) for each task
Spread = Callable[[Callable[..., _Answer], Sequence[tuple[object, ...]]], Iterator[_Answer]]


@contextmanager
def workers(make: Callable[[], Any], jobs: int) -> Iterator[Spread[Any]]:
    """Gives a map over tasks. make: builds the bench, in each process once; picklable.

    With one job all happens in this process. Raises LimitExceeded where the system ends another.
    """
    if jobs == 1:
        bench = make()
        yield lambda function, tasks: (function(bench, *task) for task in tasks)
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (make,))

    def spread(
        function: Callable[..., _Answer], tasks: Sequence[tuple[object, ...]]
    ) -> Iterator[_Answer]:
        with _deaf():  # what is born now stays so: an interrupt is this process's to answer
            return pool.map(_do, [(function, task) for task in tasks])

    try:
        yield spread
    except BrokenProcessPool as error:
        raise LimitExceeded(
            "one of the processes was ended, perhaps for want of memory",
            remedy="Use fewer processes: -j 1.",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _deaf() -> Iterator[None]:
    """SIGINT is ignored for a moment, and by the processes that begin in it for good."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_bench: Any = None  # of a worker process


def _begin(make: Callable[[], Any]) -> None:
    global _bench
    _bench = make()


def _do(task: tuple[Callable[..., _Answer], tuple[object, ...]]) -> _Answer:
    function, arguments = task
    return function(_bench, *arguments)
