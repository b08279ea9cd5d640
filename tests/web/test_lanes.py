"""Who goes first: what is looked at, but not for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kolorit.web.lanes import Item, Lanes
from kolorit.web.tasks import Colour, Suggest, Task, Wanted

LONG = Colour(Path("a"), Path("b"), Wanted())
SHORT = Suggest(Path("a"), 0.5, 0.5)


def item(task: Task) -> Item:
    return Item(task, 1.0, None, asyncio.get_running_loop().create_future())


async def taken(lanes: Lanes) -> list[Item]:
    return [await lanes.take(0, lambda: False) for _ in range(len(lanes))]  # type: ignore[misc]


def test_short_tasks_go_first_each_lane_in_its_order() -> None:
    async def go() -> None:
        lanes, items = Lanes(), [item(task) for task in (LONG, SHORT, LONG, SHORT)]
        for one in items:
            lanes.add(one)
        assert (len(lanes), lanes.length(True)) == (4, 2)
        assert await taken(lanes) == [items[k] for k in (1, 3, 0, 2)]
        lanes.add(items[0])
        lanes.add(items[2], first=True)  # one over which a worker died
        assert await taken(lanes) == [items[2], items[0]]

    asyncio.run(go())


def test_a_long_task_is_overtaken_by_eight() -> None:
    async def go() -> None:
        lanes, long = Lanes(), item(LONG)
        lanes.add(long)
        for _ in range(20):
            lanes.add(item(SHORT))
        assert (await taken(lanes)).index(long) == 8

    asyncio.run(go())


def test_what_is_dropped_is_never_taken() -> None:
    async def go() -> None:
        lanes, first, second = Lanes(), item(LONG), item(LONG)
        lanes.add(first)
        lanes.add(second)
        lanes.drop(first)
        lanes.drop(first)
        assert await taken(lanes) == [second]
        lanes.add(first)
        assert lanes.clear() == [first]
        assert await lanes.take(0.01, lambda: False) is None

    asyncio.run(go())


def test_who_waits_is_woken() -> None:
    """By an item; and by a ring, when it is no longer of use, and then takes nothing."""

    async def go() -> None:
        lanes, gone = Lanes(), [False]
        waits = [asyncio.create_task(lanes.take(5, lambda: False)) for _ in range(2)]
        leaves = asyncio.create_task(lanes.take(5, lambda: gone[0]))
        await asyncio.sleep(0)
        gone[0] = True
        lanes.ring()
        assert await leaves is None
        one = item(SHORT)
        lanes.add(one)
        assert await lanes.take(0, lambda: True) is None
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        assert [wait.result() for wait in waits if wait.done()] == [one]
        for wait in waits:
            wait.cancel()

    asyncio.run(go())
