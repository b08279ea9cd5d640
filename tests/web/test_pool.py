"""Workers die, hang, lie and run full; tasks come back all the same, and the next one is served."""

from __future__ import annotations

import asyncio
import os
import pickle
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kolorit.errors import (
    Busy,
    InputUnreadable,
    InternalError,
    KoloritError,
    LimitExceeded,
    ModelUnavailable,
)
from kolorit.web import pool as module
from kolorit.web.figures import Figures
from kolorit.web.pool import Pool
from kolorit.web.process import Process
from kolorit.web.tasks import LIGHTNESS, Colour, Coloured, Suggest, Wanted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="by signals")

ONE = Figures(workers=1)
NAP = "__import__('time').sleep({})"
DIE = "__import__('os').kill(__import__('os').getpid(), {:d})"
LEAVE = "__import__('os')._exit(127)"
SAY = "__import__('os').write(4, {!r})"  # as if a decoder had been taken over


def doing(task: Any, code: str) -> Any:
    """The task, which makes the worker evaluate something when it arrives there."""

    class Doing(type(task)):  # type: ignore[misc]
        def __reduce__(self) -> Any:
            return eval, (f"({code}, __import__('pickle').loads({pickle.dumps(task)!r}))[1]",)

    return Doing(**vars(task))


def once(code: str, flag: Path) -> str:
    """Code for the first time only."""
    path = repr(str(flag))
    return f"__import__('os').path.exists({path}) or (open({path}, 'w').close(), {code})"


@pytest.fixture
def short(tmp_path: Path) -> Suggest:
    np.save(tmp_path / LIGHTNESS, np.full((32, 32), 50, np.float32))
    return Suggest(tmp_path, 0.5, 0.5, count=2)


@pytest.fixture
def long(tmp_path: Path) -> Colour:
    Image.linear_gradient("L").resize((64, 48)).save(tmp_path / "original", "PNG")
    return Colour(tmp_path / "original", tmp_path / "result", Wanted())


@asynccontextmanager
async def running(figures: Figures = ONE) -> AsyncIterator[Pool]:
    pool = Pool(figures)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.stop(0)


def run(test: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await test

    asyncio.run(bounded())


async def pids(pool: Pool, task: Suggest) -> set[int]:
    """The workers that live below this process."""
    await pool.run(task)
    return children()


def children() -> set[int]:
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return {int(pid) for pid in text.split() if is_worker(pid)}


def is_worker(pid: str) -> bool:
    """Other tests may have left processes of other kinds, such as multiprocessing's tracker."""
    try:
        return b"kolorit.web.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


async def until(true: Any) -> float:
    """Wait for something; the seconds it took."""
    began = time.monotonic()
    while not true():
        await asyncio.sleep(0.01)
    return time.monotonic() - began


def test_it_works_and_leaves_nothing(short: Suggest, long: Colour) -> None:
    before = children()

    async def go() -> None:
        pool = Pool(replace(ONE, workers=2))
        assert pool.alive() == float("inf")
        await pool.start()
        assert pool.alive() < 1
        began: list[int] = []
        coloured = await pool.run(long, began=lambda: began.append(pool.running))
        assert isinstance(coloured, Coloured)
        assert began == [1]
        assert [type(colour) for colour, _ in await pool.run(short)] == [str, str]
        assert (pool.waiting, pool.running, pool.restarts) == (0, 0, 0)
        await pool.stop()
        with pytest.raises(Busy):
            await pool.run(short)

    run(go())
    assert children() == before


def test_a_model_that_is_not_there() -> None:
    async def go() -> None:
        with pytest.raises(ModelUnavailable, match="nosuch"):
            await Pool(ONE, "nosuch").start()

    run(go())


def test_a_killed_worker_costs_nothing(short: Suggest, long: Colour, tmp_path: Path) -> None:
    """The task is done by another one, and whoever asked learns nothing of it."""

    async def go() -> None:
        async with running() as pool:
            began: list[int] = []
            task = doing(long, once(DIE.format(signal.SIGKILL), tmp_path / "flag"))
            assert (await pool.run(task, began=lambda: began.append(1))).media_type == "image/png"
            assert (began, pool.restarts) == ([1], 1)
            assert len(await pool.run(short)) == 2

    run(go())


def test_tasks_that_kill(short: Suggest) -> None:
    """What would kill again is not tried again. Others, and the next one, are served."""
    kills: list[tuple[str, type[KoloritError], int]] = [
        (DIE.format(signal.SIGKILL), InternalError, 2),
        (DIE.format(signal.SIGSEGV), InputUnreadable, 1),
        (DIE.format(signal.SIGABRT), InputUnreadable, 1),
        (DIE.format(signal.SIGXCPU), LimitExceeded, 1),
        (LEAVE, LimitExceeded, 1),  # by itself, for want of memory
    ]

    async def go() -> None:
        async with running() as pool:
            for code, error, deaths in kills:
                before = pool.restarts
                killer = asyncio.create_task(pool.run(doing(short, code)))
                other = asyncio.create_task(pool.run(short))
                with pytest.raises(error):
                    await killer
                began = time.monotonic()
                assert len(await other) == 2
                assert time.monotonic() - began < 3
                assert pool.restarts - before == deaths

    run(go())


def test_a_task_that_takes_too_long(short: Suggest) -> None:
    async def go() -> None:
        async with running() as pool:
            began = time.monotonic()
            with pytest.raises(LimitExceeded, match="longer than"):
                await pool.run(doing(short, NAP.format(50)), seconds=0.2)
            assert time.monotonic() - began < 3
            assert len(await pool.run(short)) == 2
            assert pool.restarts == 1

    run(go())


def test_a_worker_that_is_no_longer_ours(short: Suggest) -> None:
    """What it says is no answer: it is ended, and another one asked."""
    endless = "[__import__('os').write(4, bytes(65536)) for _ in range(1000)]"

    async def go() -> None:
        async with running(replace(ONE, workers=2)) as pool:
            for code in (SAY.format(b"[1]\n"), endless):
                with pytest.raises(InternalError):
                    await pool.run(doing(short, code))
            assert len(await pool.run(short)) == 2
            await until(lambda: pool.restarts == 4)

    run(go())


def test_what_cannot_be_asked(short: Suggest) -> None:
    """A bug of ours ends one worker, never the pool."""

    class Unsendable(Suggest):
        def __reduce__(self) -> Any:
            raise RuntimeError("not to be pickled")

    async def go() -> None:
        async with running() as pool:
            with pytest.raises(InternalError):
                await pool.run(Unsendable(**vars(short)))
            assert len(await pool.run(short)) == 2

    run(go())


def test_an_idle_worker_that_dies_is_replaced_at_once(short: Suggest) -> None:
    async def go() -> None:
        async with running() as pool:
            (first,) = await pids(pool, short)
            os.kill(first, signal.SIGKILL)
            assert await until(lambda: pool.restarts == 1) < 2
            assert await pids(pool, short) != {first}
            assert pool.restarts == 1

    run(go())


def test_an_idle_worker_that_hangs_is_replaced(
    short: Suggest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked now and then, which is also what tells that the pool is alive."""
    monkeypatch.setattr(module, "_IDLE", 0.05)

    async def go() -> None:
        async with running() as pool:
            (first,) = await pids(pool, short)
            await asyncio.sleep(0.4)
            assert pool.alive() < 0.3
            assert children() == {first}
            os.kill(first, signal.SIGSTOP)
            await until(lambda: pool.restarts == 1)
            assert len(await pool.run(short)) == 2

    run(go())


@pytest.mark.parametrize(
    ("figures", "task_code"),
    [
        (replace(ONE, worker_jobs=3), "0"),
        (ONE, "__import__('builtins').__dict__.__setitem__('kept', bytearray(450_000_000))"),
    ],
)
def test_a_worn_worker_is_replaced(short: Suggest, figures: Figures, task_code: str) -> None:
    """After its number of tasks, or when it keeps so much memory that the next task lacks it."""

    async def go() -> None:
        async with running(figures) as pool:
            (first,) = await pids(pool, short)
            assert len(await pool.run(short)) == 2
            assert pool.restarts == 0
            assert len(await pool.run(doing(short, task_code))) == 2
            assert len(await pool.run(short)) == 2
            assert pool.restarts == 1
            assert first not in children()

    run(go())


@pytest.mark.skipif(sys.platform != "linux", reason="the bounds are Linux's")
def test_a_worker_that_ran_out_of_memory_is_replaced(
    long: Colour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if it seems to have given all of it back."""
    monkeypatch.setattr(Figures, "worker_held", 10**12)
    tight = replace(ONE, pixels=10**9, memory=10**9, worker_memory=330_000_000)

    async def go() -> None:
        async with running(tight) as pool:
            Image.new("L", (9000, 9000)).save(tmp_path / "large", "PNG")
            with pytest.raises(LimitExceeded):
                await pool.run(replace(long, original=tmp_path / "large"))
            await pool.run(long)
            await pool.run(long)
            assert pool.restarts == 1

    run(go())


def test_figures_that_no_worker_keeps(short: Suggest) -> None:
    """One that holds too much from the start works all the same."""

    async def go() -> None:
        async with running(replace(ONE, memory=10**9)) as pool:
            assert len(await pool.run(short)) == 2
            assert len(await pool.run(short)) == 2

    run(go())


def test_the_queue_has_an_end(short: Suggest, long: Colour) -> None:
    """Each lane its own; one who leaves makes room."""

    async def go() -> None:
        async with running(replace(ONE, queue=2)) as pool:
            runs = [asyncio.create_task(pool.run(doing(long, NAP.format(0.4))))]
            await until(lambda: pool.running == 1)
            runs += [asyncio.create_task(pool.run(long)) for _ in range(2)]
            await until(lambda: pool.waiting == 2)
            with pytest.raises(Busy):
                await pool.run(long)
            assert len(await pool.run(short)) == 2  # before the two, too
            assert not runs[1].done()
            runs[1].cancel()
            await until(lambda: runs[1].done())
            runs.append(asyncio.create_task(pool.run(long)))
            done = await asyncio.gather(*runs, return_exceptions=True)
            assert [type(d) for d in done] == [
                Coloured, asyncio.CancelledError, Coloured, Coloured,
            ]  # fmt: skip

    run(go())


def test_who_leaves_a_running_task_hurts_nobody(short: Suggest) -> None:
    async def go() -> None:
        async with running() as pool:
            gone = asyncio.create_task(pool.run(doing(short, NAP.format(0.2))))
            await until(lambda: pool.running == 1)
            gone.cancel()
            assert len(await pool.run(short)) == 2
            assert (pool.restarts, pool.running) == (0, 0)

    run(go())


def test_stopping(short: Suggest) -> None:
    """What runs may end, what waits is told, what takes too long is cut off."""

    async def go(nap: float, seconds: float) -> list[Any]:
        pool = Pool(ONE)
        await pool.start()
        runs = [asyncio.create_task(pool.run(doing(short, NAP.format(nap)))) for _ in range(2)]
        await until(lambda: pool.running == 1)
        await pool.stop(seconds)
        return await asyncio.gather(*runs, return_exceptions=True)

    ended, refused = asyncio.run(go(0.2, 5))
    assert len(ended) == 2
    assert isinstance(refused, Busy)
    assert all(isinstance(d, Busy) for d in asyncio.run(go(30, 0.1)))


def test_workers_that_cannot_be_started_again(
    short: Suggest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when an update took the model away: who waits is told, and it is tried again."""

    async def go() -> None:
        async with running() as pool:
            start = Process.start

            async def fail(figures: Figures, model: str) -> Process:
                raise ModelUnavailable("the model is gone")

            monkeypatch.setattr(Process, "start", fail)
            with pytest.raises(ModelUnavailable):
                await pool.run(doing(short, DIE.format(signal.SIGKILL)))
            monkeypatch.setattr(Process, "start", start)
            assert len(await pool.run(short)) == 2

    run(go())


def _storm(kills: int, seed: int, short: Suggest, long: Colour) -> tuple[int, float]:
    """(answers, longest wait after a kill) while workers are killed at random moments."""
    rng = random.Random(seed)

    async def go() -> tuple[int, float]:
        answers, longest = 0, 0.0
        async with running(replace(ONE, workers=2)) as pool:
            for _ in range(kills):
                task = doing(rng.choice([short, long]), NAP.format(rng.uniform(0, 0.05)))
                asked = [asyncio.create_task(pool.run(task)) for _ in range(3)]
                await asyncio.sleep(rng.uniform(0, 0.1))
                if alive := children():
                    os.kill(rng.choice(sorted(alive)), signal.SIGKILL)
                began = time.monotonic()
                await pool.run(short)
                longest = max(longest, time.monotonic() - began)
                for done in await asyncio.gather(*asked, return_exceptions=True):
                    assert not isinstance(done, BaseException), repr(done)
                    answers += 1
            assert (pool.running, pool.waiting) == (0, 0)
        return answers, longest

    return asyncio.run(go())


def test_kills_at_random_moments(short: Suggest, long: Colour) -> None:
    """No task is lost, and the next one is answered."""
    answers, _ = _storm(5, 14, short, long)
    assert answers == 15


@pytest.mark.slow
def test_a_hundred_kills_at_random_moments(short: Suggest, long: Colour) -> None:
    answers, longest = _storm(100, 15, short, long)
    assert answers == 300
    assert longest < 3
