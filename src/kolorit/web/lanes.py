"""Tasks that wait for a worker, in two lanes: what someone looks at goes before what can wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kolorit.web.tasks import Colour, Task

_PATIENCE = 8  # short tasks that may overtake one long task


@dataclass(eq=False)
class Item:
    """A task and who waits for its answer. died: whether a worker died over it before."""

    task: Task
    seconds: float
    began: Callable[[], None] | None
    answer: asyncio.Future[Any]
    died: bool = False

    @property
    def long(self) -> bool:
        return isinstance(self.task, Colour)

    def begin(self) -> None:
        """Tell, once, that it is being done."""
        if self.began is not None:
            self.began()
            self.began = None

    def settle(self, value: Any) -> None:
        """Give the answer, an exception if it is one, unless nobody waits any more."""
        if self.answer.done():
            return
        if isinstance(value, Exception):
            self.answer.set_exception(value)
        else:
            self.answer.set_result(value)


class Lanes:
    """Items in the order in which they are taken. For one event loop."""

    def __init__(self) -> None:
        self._short: deque[Item] = deque()
        self._long: deque[Item] = deque()
        self._overtaken = 0
        self._bell = asyncio.Event()

    def __len__(self) -> int:
        return len(self._short) + len(self._long)

    def length(self, long: bool) -> int:
        """Items in one of the lanes."""
        return len(self._long if long else self._short)

    def add(self, item: Item, *, first: bool = False) -> None:
        """Let an item wait behind the others of its lane, or before them."""
        lane = self._long if item.long else self._short
        lane.appendleft(item) if first else lane.append(item)
        self.ring()

    def ring(self) -> None:
        """Wake those who wait for an item, to look whether they still do."""
        self._bell.set()

    def drop(self, item: Item) -> None:
        """Let it wait no more; nothing happens where it does not."""
        for lane in (self._short, self._long):
            if item in lane:
                lane.remove(item)

    def clear(self) -> list[Item]:
        """All that waited, in no order; nothing waits any more."""
        items = [*self._short, *self._long]
        self._short.clear()
        self._long.clear()
        return items

    async def take(self, seconds: float, gone: Callable[[], bool]) -> Item | None:
        """The next item; None if there is none in that time, or if whoever asks is gone."""
        try:
            async with asyncio.timeout(seconds):
                while not self and not gone():
                    self._bell.clear()
                    await self._bell.wait()
        except TimeoutError:
            return None
        if gone():
            return None
        if self._long and (not self._short or self._overtaken >= _PATIENCE):
            self._overtaken = 0
            return self._long.popleft()
        self._overtaken += bool(self._long)
        return self._short.popleft()
