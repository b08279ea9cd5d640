"""The workers: started, fed, watched, replaced. One may die; the server and the tasks do not."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import Any

from kolorit.errors import Busy, InputUnreadable, InternalError, KoloritError, LimitExceeded
from kolorit.web.figures import Figures
from kolorit.web.lanes import Item, Lanes
from kolorit.web.process import Died, Overran, Process
from kolorit.web.tasks import Colour, Task

logger = logging.getLogger(__name__)
_IDLE = 5.0  # seconds without work after which a worker is asked whether it lives
_PAUSES = (0.0, 0.1, 0.5, 2.0, 5.0)  # before another try to start one


class Pool:
    """Worker processes that do tasks one at a time. For one event loop.

    restarts: how many workers were replaced, for whatever reason.
    """

    def __init__(self, figures: Figures, model: str = "default") -> None:
        self.restarts = 0
        self._figures = figures
        self._model = model
        self._lanes = Lanes()
        self._running: set[Item] = set()
        self._ready = 0
        self._keepers: list[asyncio.Task[None]] = []
        self._answered = -math.inf
        self._closing = False

    async def start(self) -> None:
        """Start the workers; returns when one of them has loaded the model.

        Raises ModelUnavailable where none can.
        """
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keepers = [asyncio.create_task(self._keep()) for _ in range(self._figures.workers)]
        try:
            await self._first
        except BaseException:
            await self.stop()
            raise

    async def run(
        self, task: Task, seconds: float | None = None, began: Callable[[], None] | None = None
    ) -> Any:
        """Have a task done; gives what the task's class says.

        seconds: how long the work may take, without the wait for a worker; None is
        ``figures.request_seconds``. began: called when a worker takes the task up. A short task
        (any but Colour) goes before the waiting long ones. Where the caller is cancelled a waiting
        task is dropped, and one in work goes on unheard.
        Raises what the worker met; Busy where too many wait or the server stops; LimitExceeded for
        too much time or memory; InternalError where two workers died over it.
        """
        if self._closing:
            raise _stopping()
        if self._lanes.length(isinstance(task, Colour)) >= self._figures.queue:
            raise Busy("too many pictures wait already")
        seconds = self._figures.request_seconds if seconds is None else seconds
        answer = asyncio.get_running_loop().create_future()
        item = Item(task, seconds, began, answer)
        self._lanes.add(item)
        try:
            return await answer
        finally:
            self._lanes.drop(item)

    @property
    def waiting(self) -> int:
        """Tasks that wait for a worker."""
        return len(self._lanes)

    @property
    def running(self) -> int:
        """Tasks that workers are at."""
        return len(self._running)

    def alive(self) -> float:
        """Seconds since a worker last answered; idle ones are asked now and then. Infinity before
        the first."""
        return time.monotonic() - self._answered

    async def stop(self, seconds: float | None = None) -> None:
        """Refuse what waits, let what runs come to its end, end the workers.

        seconds: for what runs; None is ``figures.stop_seconds``.
        """
        seconds = self._figures.stop_seconds if seconds is None else seconds
        self._closing = True
        self._refuse(_stopping())
        heard = [item.answer for item in self._running if not item.answer.done()]
        if heard:
            await asyncio.wait(heard, timeout=seconds)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _keep(self) -> None:
        """One worker after another, for as long as the pool lives."""
        while True:
            worker = await self._begin()
            self._ready += 1
            try:
                while not self._is_worn(worker):
                    await self._serve(worker)
            except Exception:
                logger.exception("a worker is replaced")
            finally:
                self._ready -= 1
                await worker.end()
            self.restarts += 1

    async def _begin(self) -> Process:
        """A worker that is ready. Where there is none at all, what waits would wait for ever, and
        is refused."""
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            await asyncio.sleep(pause)
            try:
                worker = await Process.start(self._figures, self._model)
            except KoloritError as error:
                self._despair(error)
            except (Died, Overran, OSError) as error:
                if pause:  # the first time may be someone's kill
                    self._despair(InternalError(f"no worker can be started: {error}"))
            else:
                break
        worker.gone.add_done_callback(lambda _: self._lanes.ring())
        self._answered = time.monotonic()
        if not self._first.done():
            self._first.set_result(None)
        return worker

    async def _serve(self, worker: Process) -> None:
        """One task; or, after a while without any, the question whether the worker lives."""
        item = await self._lanes.take(_IDLE, worker.gone.done)
        try:
            if item is None:
                await worker.ask(None, _IDLE)
            else:
                await self._do(item, worker)
        except (Died, Overran):
            return
        self._answered = time.monotonic()

    async def _do(self, item: Item, worker: Process) -> None:
        """Have a worker do a task. Raises Died and Overran, after the task was seen to."""
        self._running.add(item)
        item.begin()
        try:
            item.settle(await worker.ask(item.task, item.seconds))
        except KoloritError as error:
            item.settle(error)
        except Overran:
            item.settle(_too_long(item))
            raise
        except Died as death:
            self._mourn(item, death)
            raise
        except BaseException as error:
            stopping = isinstance(error, asyncio.CancelledError)
            item.settle(_stopping() if stopping else InternalError("this cannot be asked for"))
            raise
        finally:
            self._running.discard(item)

    def _mourn(self, item: Item, death: Died) -> None:
        """A worker died over this task: another may try, unless it would die of the same."""
        if death.too_long:
            item.settle(_too_long(item))
        elif death.starved:
            item.settle(LimitExceeded("this takes more memory than the server gives"))
        elif death.crashed:
            cause = "this photograph brings the program down"
            remedy = "Make it smaller, ask for another format, or save it anew elsewhere first."
            item.settle(InputUnreadable(cause, remedy=remedy))
        elif self._closing:
            item.settle(_stopping())
        elif item.died:
            item.settle(InternalError("two workers died over this task"))
        else:
            item.died = True
            self._lanes.add(item, first=True)

    def _is_worn(self, worker: Process) -> bool:
        """Whether another worker should take its place."""
        return (
            worker.gone.done()
            or worker.hurt
            or worker.tasks >= self._figures.worker_jobs
            or (worker.tasks > 0 and worker.held > self._figures.worker_held)
        )

    def _despair(self, error: KoloritError) -> None:
        """A worker could not be started."""
        if not self._first.done():
            self._first.set_exception(error)
        elif not self._ready:
            self._refuse(error)

    def _refuse(self, error: KoloritError) -> None:
        for item in self._lanes.clear():
            item.settle(error)


def _stopping() -> Busy:
    return Busy("the server is stopping", retry_after=10)


def _too_long(item: Item) -> LimitExceeded:
    return LimitExceeded(f"this took longer than {item.seconds:g} seconds")
