"""Every job ends, in order, within its numbers; nothing is kept for nobody."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from kolorit.errors import Busy, InputUnreadable, InternalError, KeyReused, NotThere, TooMany
from kolorit.web import jobs as module
from kolorit.web.figures import Figures
from kolorit.web.jobs import Job, Jobs
from kolorit.web.pool import Pool
from kolorit.web.store import ORIGINAL, RESULT, Store
from kolorit.web.tasks import Colour, Coloured, Wanted

FIGURES = Figures(workers=1, queue=3, per_client=2)
DONE = Coloured("image/png", ".png", 3, 4, 5, 0.5, (), {})


class Hand:
    """A pool with one worker, which does what the test tells it to, one task after another."""

    def __init__(self) -> None:
        self.tasks: list[Colour] = []  # that wait or run; the first may run
        self._begun: Callable[[], None] | None = None
        self._wait: dict[int, tuple[asyncio.Future[Any], Callable[[], None]]] = {}

    async def run(self, task: Colour, seconds: Any = None, began: Any = None) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.tasks.append(task)
        self._wait[id(task)] = (answer, began)
        try:
            return await answer
        finally:
            self.tasks.remove(task)

    def begin(self) -> None:
        """Take the first task up."""
        self._wait[id(self.tasks[0])][1]()

    async def end(self, value: Any = DONE) -> None:
        """Answer the first task, and write its file if it is well."""
        task = self.tasks[0]
        answer, _ = self._wait[id(task)]
        if isinstance(value, BaseException):
            answer.set_exception(value)
        else:
            task.out.write_bytes(b"new")
            answer.set_result(value)
        await turn()


class Bench:
    """A store, a hand and jobs on a clock of one's own."""

    def __init__(self, folder: Path, figures: Figures = FIGURES) -> None:
        self.store = Store(folder, figures)
        self.hand = Hand()
        self.jobs = Jobs(cast(Pool, self.hand), self.store, figures)

    def put(self) -> str:
        id = self.store.put()
        (self.store.path(id) / ORIGINAL).write_bytes(b"old")
        return id

    async def submit(self, client: str = "a", **more: Any) -> Job:
        job = self.jobs.submit(self.put(), more.pop("wanted", Wanted()), client, **more)
        await turn()
        return job

    def kept(self) -> set[str]:
        return set(os.listdir(self.store.folder)) - {"lock"}


async def turn() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_life_of_a_job(bench: Bench) -> None:
    async def go() -> None:
        job = await bench.submit(spend=True)
        assert (job.state, job.position, job.progress, job.over) == ("queued", 1, 0, False)
        original = bench.hand.tasks[0].original
        assert original.read_bytes() == b"old"
        bench.hand.begin()
        assert (job.state, job.position) == ("running", 0)
        waits = asyncio.create_task(bench.jobs.wait(job.id, 10))
        await bench.hand.end()
        assert await waits is job
        assert (job.state, job.value, job.progress, job.over) == ("done", DONE, 1, True)
        assert bench.jobs.get(job.id) is job
        assert (bench.store.path(job.id) / RESULT).read_bytes() == b"new"
        assert not original.exists()
        took = job.seconds
        await asyncio.sleep(0.01)
        assert job.seconds == took

    run(go())


def test_an_original_that_others_want_stays(bench: Bench) -> None:
    async def go() -> None:
        job = await bench.submit()
        bench.hand.begin()
        await bench.hand.end()
        assert job.original_id in bench.store

    run(go())


@pytest.mark.parametrize("problem", [InputUnreadable("torn"), RuntimeError("a bug")])
def test_a_job_that_fails(bench: Bench, problem: Exception) -> None:
    """Also by what nobody foresaw: it is over all the same, and keeps nothing."""

    async def go() -> None:
        caught: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: caught.append(what))
        job = await bench.submit(spend=True)
        bench.hand.begin()
        await bench.hand.end(problem)
        assert (await bench.jobs.wait(job.id, 5)).state == "failed"
        known = isinstance(problem, InputUnreadable)
        assert job.problem is problem if known else isinstance(job.problem, InternalError)
        assert bench.kept() == set()

    run(go())


def test_the_queue_and_its_end(bench: Bench) -> None:
    """One runs, three wait in order; the next is told when to come again."""

    async def go() -> None:
        first = await bench.submit("a")
        bench.hand.begin()
        waiting = [await bench.submit(client) for client in "abc"]
        assert [job.position for job in waiting] == [1, 2, 3]
        with pytest.raises(Busy) as caught:
            await bench.submit("d", spend=True)
        assert 1 <= caught.value.retry_after <= 120
        assert caught.value.status == 503
        assert len(bench.kept()) == 8  # what was refused and spent is gone
        await bench.hand.end()
        bench.hand.begin()
        assert [job.position for job in waiting] == [0, 1, 2]
        assert first.state == "done"
        await bench.submit("d")

    run(go())


def test_one_client_has_its_number(bench: Bench) -> None:
    async def go() -> None:
        await bench.submit("a")
        bench.hand.begin()
        await bench.submit("a")
        with pytest.raises(TooMany) as caught:
            await bench.submit("a")
        assert caught.value.status == 429
        assert 1 <= caught.value.retry_after <= 120
        await bench.submit("b")
        await bench.hand.end()
        await bench.submit("a")

    run(go())


def test_when_to_come_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue, times the median of the last times, by the workers; 1 to 120 seconds."""

    async def go() -> None:
        assert bench.jobs.retry_after == 1
        bench.jobs._times.extend([4.0, 2.0, 900.0])
        await bench.submit("a")
        assert bench.jobs.retry_after == 4
        await bench.submit("b")
        assert bench.jobs.retry_after == 8
        bench.jobs._times.extend([600.0] * 20)
        assert bench.jobs.retry_after == 120

    run(go())


def test_progress_is_guessed_and_never_full(bench: Bench) -> None:
    async def go() -> None:
        bench.jobs._times.extend([10.0])
        job = await bench.submit()
        bench.hand.begin()
        assert job.begun is not None
        assert 0 <= job.progress < 0.1
        job.begun -= 5
        assert 0.5 <= job.progress < 0.6
        job.begun -= 500
        assert job.progress == 0.95

    run(go())


def test_cancelling(bench: Bench) -> None:
    """While it waits, while it runs, when it is done; a second time changes nothing."""

    async def go() -> None:
        running = await bench.submit("a", spend=True)
        bench.hand.begin()
        waiting = await bench.submit("b", spend=True)
        third = await bench.submit("c", spend=True)
        for job in (waiting, running, waiting):
            assert bench.jobs.cancel(job.id).state == "cancelled"
            assert (await bench.jobs.wait(job.id, 1)).over
        assert third.position == 1
        await turn()
        assert len(bench.hand.tasks) == 1  # the pool was told
        assert bench.kept() == {third.id, third.original_id}
        bench.hand.begin()
        await bench.hand.end()
        assert third.state == "done"
        assert bench.jobs.cancel(third.id).state == "cancelled"
        assert bench.kept() == set()

    run(go())


def test_cancelled_before_it_was_begun_at_all(bench: Bench) -> None:
    """In the very moment in which it was submitted."""

    async def go() -> None:
        job = bench.jobs.submit(bench.put(), Wanted(), "a", spend=True)
        bench.jobs.cancel(job.id)
        await turn()
        assert (job.state, job.over, bench.jobs.queued) == ("cancelled", True, 0)
        assert bench.kept() == set()

    run(go())


def test_ids_that_are_no_jobs(bench: Bench) -> None:
    async def go() -> None:
        for id in ("", "../etc", bench.put()):
            for call in (bench.jobs.get, bench.jobs.cancel):
                with pytest.raises(NotThere):
                    call(id)
            with pytest.raises(NotThere):
                await bench.jobs.wait(id, 1)
        with pytest.raises(NotThere):
            bench.jobs.submit("f" * 32, Wanted(), "a")
        assert bench.jobs.queued == 0

    run(go())


def test_waiting_has_an_end(bench: Bench) -> None:
    async def go() -> None:
        job = await bench.submit()
        began = time.monotonic()
        assert (await bench.jobs.wait(job.id, 0.05)).state == "queued"
        assert time.monotonic() - began < 1

    run(go())


def test_results_expire_and_are_forgotten(bench: Bench) -> None:
    async def go() -> None:
        job = await bench.submit(spend=True)
        bench.hand.begin()
        await bench.hand.end()
        now = time.monotonic()
        bench.jobs.sweep(now + FIGURES.kept_seconds - 1)
        assert bench.jobs.get(job.id).state == "done"
        bench.jobs.sweep(now + FIGURES.kept_seconds + 1)
        assert bench.jobs.get(job.id).state == "expired"
        assert bench.kept() == set()
        bench.jobs.sweep(now + 2 * FIGURES.kept_seconds + 1)
        with pytest.raises(NotThere):
            bench.jobs.get(job.id)

    run(go())


def test_what_waits_does_not_expire(bench: Bench) -> None:
    async def go() -> None:
        job = await bench.submit(spend=True)
        bench.jobs.sweep(time.monotonic() + 10 * FIGURES.kept_seconds)
        assert bench.kept() == {job.id, job.original_id}
        bench.hand.begin()
        await bench.hand.end()
        assert job.state == "done"

    run(go())


def test_only_so_many_are_remembered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)

    async def go() -> None:
        made = []
        for _ in range(4):
            made.append(await bench.submit(spend=True, key=str(len(made))))
            bench.hand.begin()
            await bench.hand.end(InputUnreadable("torn"))
        bench.jobs.sweep()
        assert [job.id in bench.jobs._jobs for job in made] == [False, False, True, True]
        assert len(bench.jobs._keys) == 2

    run(go())


def test_the_same_request_again(bench: Bench) -> None:
    """With one Idempotency-Key it is one job, and what was sent again is not kept."""

    async def go() -> None:
        first = await bench.submit(key="k", digest="1", spend=True)
        again = await bench.submit(key="k", digest="1", spend=True)
        assert again is first
        assert bench.kept() == {first.id, first.original_id}
        for other in ({"digest": "2"}, {"digest": "1", "wanted": Wanted(strength=0.5)}):
            with pytest.raises(KeyReused):
                await bench.submit(key="k", spend=True, **other)
        assert len(bench.kept()) == 2
        assert await bench.submit("b", key="k", digest="2") is not first  # another's key
        bench.hand.begin()
        await bench.hand.end()
        assert await bench.submit(key="k", digest="1", spend=True) is first
        bench.jobs.cancel(first.id)
        anew = await bench.submit(key="k", digest="1", spend=True)  # it came to nothing: once more
        assert anew is not first
        assert anew.state == "queued"

    run(go())


def test_a_store_without_room(tmp_path: Path) -> None:
    """All is held: the job is refused, and holds nothing itself."""
    bench = Bench(tmp_path, replace(FIGURES, kept=3))

    async def go() -> None:
        await bench.submit("a")
        with pytest.raises(Busy):
            await bench.submit("b", spend=True)
        assert len(bench.kept()) == 2

    run(go())


def _storm(kills: int, seed: int, folder: Path) -> float:
    """Jobs at four clients while workers are killed at random moments: none is lost.

    The longest time from a kill to the next answer.
    """
    rng, figures = random.Random(seed), Figures(workers=2)
    mine = Path(f"/proc/self/task/{os.getpid()}/children")

    async def go() -> float:
        store, pool = Store(folder, figures), Pool(figures)
        jobs = Jobs(pool, store, figures)
        await pool.start()
        longest, all_jobs = 0.0, []
        try:
            for _ in range(kills):
                for client in "abcd":
                    id = store.put()
                    Image.linear_gradient("L").resize((320, 200)).save(
                        store.path(id) / ORIGINAL, "JPEG"
                    )
                    all_jobs.append(jobs.submit(id, Wanted(), client, spend=True))
                await asyncio.sleep(rng.uniform(0, 0.2))
                if alive := mine.read_text().split():
                    os.kill(int(rng.choice(alive)), signal.SIGKILL)
                began = time.monotonic()
                await jobs.wait(all_jobs[-4].id, 20)
                longest = max(longest, time.monotonic() - began)
                for job in all_jobs[-4:]:
                    await jobs.wait(job.id, 20)
            assert {job.state for job in all_jobs} == {"done"}
            assert jobs.queued == pool.running == pool.waiting == 0
            assert all((store.path(job.id) / RESULT).exists() for job in all_jobs[-10:])
        finally:
            await pool.stop(0)
            store.close()
        return longest

    return asyncio.run(go())


needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")


@needs_proc
def test_no_job_is_lost_when_workers_are_killed(tmp_path: Path) -> None:
    assert _storm(4, 14, tmp_path) < 3


@needs_proc
@pytest.mark.slow
def test_no_job_is_lost_in_a_hundred_kills(tmp_path: Path) -> None:
    assert _storm(100, 15, tmp_path) < 3
