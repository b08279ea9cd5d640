"""Many jobs side by side, told in their order; stops cleanly at a signal or a full disk."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from threading import Event, current_thread, main_thread

from kolorit.cli.plan import Job
from kolorit.cli.words import Progress, disk_is_full
from kolorit.cli.work import Dropped, Outcome

_TICK = 0.1  # seconds between two looks at the progress


def run_jobs(
    jobs: list[Job],
    do: Callable[[Job, Event], Outcome],
    tell: Callable[[Outcome], None],
    workers: int,
    progress: Progress,
) -> bool:
    """Do jobs in threads and tell each outcome in this thread, in the order of the jobs.

    False when a full disk stopped it. A signal (KeyboardInterrupt, SystemExit), or whatever
    ``tell`` raises, drops what is not finished, tells what is, and goes on up; a second signal
    ends the process at once.
    """
    stop = Event()
    left = iter(jobs)
    running: deque[Future[Outcome]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="kolorit")

    def start() -> None:
        job = next(left, None)
        if job is not None:
            running.append(pool.submit(do, job, stop))

    try:
        for _ in range(2 * workers):  # a window, so that a million files need no million futures
            start()
        while running:
            outcome = _wait(running[0], progress)
            running.popleft()
            start()
            progress.step()
            tell(outcome)
            if outcome.error is not None and disk_is_full(outcome.error):
                _end(running, stop, tell)
                return False
        return True
    except BrokenPipeError:
        stop.set()  # nobody reads any more
        raise
    except (KeyboardInterrupt, SystemExit):
        _next_signal_ends()
        _end(running, stop, tell)
        raise
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _wait(future: Future[Outcome], progress: Progress) -> Outcome:
    """The outcome; in small waits, since on some systems a long one hears no signal."""
    while True:
        progress.draw()
        try:
            return future.result(_TICK)
        except TimeoutError:
            if future.done():
                return future.result()


def _end(running: deque[Future[Outcome]], stop: Event, tell: Callable[[Outcome], None]) -> None:
    """Let what writes finish, drop the rest, and tell what was finished."""
    stop.set()
    for future in running:
        future.cancel()
    for future in running:
        if not future.cancelled():
            try:
                tell(future.result())
            except Dropped:
                continue


def _next_signal_ends() -> None:
    if current_thread() is main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: os._exit(128 + number))
