"""Colourings that wait, run and are kept for whoever asked: states, order, cancellation."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from kolorit.errors import Busy, InternalError, KeyReused, KoloritError, NotThere, TooMany
from kolorit.web.figures import Figures
from kolorit.web.pool import Pool
from kolorit.web.store import ORIGINAL, RESULT, Store
from kolorit.web.tasks import Colour, Coloured, Wanted

State = Literal["queued", "running", "done", "failed", "cancelled", "expired"]
_REMEMBERED = 1000  # jobs that are over
_LAST = 20  # jobs by whose times others are guessed


@dataclass(eq=False)
class Job:
    """One colouring. Its file is ``store.path(id) / RESULT`` once it is done.

    position: 1 for the next one to run, 0 where it does not wait. made, begun, ended: of the
    monotonic clock. value: when done. problem: when failed.
    """

    id: str
    wanted: Wanted
    client: str
    made: float
    state: State = "queued"
    position: int = 0
    value: Coloured | None = None
    problem: KoloritError | None = None
    begun: float | None = None
    ended: float | None = None
    expected: float = 1.0  # seconds that it may run, by the last ones
    original_id: str = ""
    spend: bool = False  # whether the photograph goes with the job
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it but to expire."""
        return self.ended is not None

    @property
    def progress(self) -> float:
        """0..1, guessed from how long others took."""
        if self.begun is None or self.ended is not None:
            return float(self.state in ("done", "expired"))
        return min(0.95, (time.monotonic() - self.begun) / self.expected)

    @property
    def seconds(self) -> float:
        """Since it was made until it was over, or until now."""
        return (time.monotonic() if self.ended is None else self.ended) - self.made


class Jobs:
    """The jobs of a server. For one event loop."""

    def __init__(self, pool: Pool, store: Store, figures: Figures) -> None:
        self._pool, self._store, self._figures = pool, store, figures
        self._jobs: dict[str, Job] = {}  # in the order in which they came
        self._work: dict[str, asyncio.Task[None]] = {}  # of those that are not over
        self._keys: dict[tuple[str, str], tuple[str, Job]] = {}
        self._times: deque[float] = deque(maxlen=_LAST)

    def submit(
        self,
        original_id: str,
        wanted: Wanted,
        client: str,
        key: str | None = None,
        digest: str = "",
        *,
        spend: bool = False,
    ) -> Job:
        """Begin a colouring of ``store.path(original_id) / ORIGINAL``.

        client: whose it is, for the number that one may have. key: an Idempotency-Key; with the
        same client, key, digest (the body's sha256) and wanted, the job of the first time is given
        again, unless it came to nothing. spend: the photograph is not wanted for anything else: it
        is dropped when the job is over, and also where another job is given or this raises.
        Raises Busy and TooMany with a retry_after, KeyReused, NotThere.
        """
        try:
            job = self._known(wanted, client, key, digest)
            if job is None:
                return self._begin(original_id, wanted, client, key, digest, spend)
        except KoloritError:
            if spend:
                self._store.drop(original_id)
            raise
        if spend:
            self._store.drop(original_id)
        return job

    def get(self, id: str) -> Job:
        """Raises NotThere for an id that is no job's. One whose file has gone is expired."""
        try:
            job = self._jobs[id]
        except KeyError:
            raise NotThere("there is no job of this id, or no longer") from None
        if job.state == "done" and id not in self._store:
            job.state = "expired"
        return job

    def cancel(self, id: str) -> Job:
        """End a job, or drop the result of one that is done: it is then cancelled."""
        job = self.get(id)
        if work := self._work.get(id):
            self._end(job, "cancelled")
            work.cancel()
        elif job.state == "done":
            job.state = "cancelled"
            self._store.drop(id)
        return job

    async def wait(self, id: str, seconds: float) -> Job:
        """The job when it is over, or after so many seconds as it then is. Raises NotThere."""
        job = self.get(id)
        try:
            async with asyncio.timeout(seconds):
                await job.finished.wait()
        except TimeoutError:
            pass
        return job

    @property
    def queued(self) -> int:
        """Jobs that wait for a worker."""
        return sum(self._jobs[id].state == "queued" for id in self._work)

    @property
    def retry_after(self) -> int:
        """Seconds, 1 to 120, after which there will be room: by the queue and the last times."""
        wait = self.queued * self._typical() / self._figures.workers
        return max(1, min(120, math.ceil(wait)))

    def sweep(self, now: float | None = None) -> None:
        """Forget what is long over, and sweep the store. Call it every few seconds."""
        now = time.monotonic() if now is None else now
        self._store.sweep(now)
        over = [job for job in self._jobs.values() if job.over]
        surplus = len(over) - _REMEMBERED
        for number, job in enumerate(over):
            old = now - (job.ended or now) > 2 * self._figures.kept_seconds
            if number < surplus or (old and self.get(job.id).state != "done"):
                del self._jobs[job.id]
                self._store.drop(job.id)
        self._keys = {k: v for k, v in self._keys.items() if v[1].id in self._jobs}

    def _known(self, wanted: Wanted, client: str, key: str | None, digest: str) -> Job | None:
        """The job that began with this key; None where a new one should."""
        if key is None or (client, key) not in self._keys:
            return None
        first, job = self._keys[client, key]
        if job.id not in self._jobs or self.get(job.id).state in ("failed", "cancelled", "expired"):
            return None
        if (first, job.wanted) != (digest, wanted):
            raise KeyReused("this Idempotency-Key came with another photograph or other options")
        return job

    def _begin(
        self,
        original_id: str,
        wanted: Wanted,
        client: str,
        key: str | None,
        digest: str,
        spend: bool,
    ) -> Job:
        if self.queued >= self._figures.queue:
            raise Busy("too many pictures wait already", retry_after=self.retry_after)
        if sum(self._jobs[id].client == client for id in self._work) >= self._figures.per_client:
            most = self._figures.per_client
            raise TooMany(f"you have {most} pictures here already", retry_after=self.retry_after)
        self._store.hold(original_id)
        try:
            id = self._store.put()
        except Busy:
            self._store.release(original_id)
            raise
        self._store.hold(id)
        job = Job(
            id,
            wanted,
            client,
            time.monotonic(),
            expected=self._typical(),
            original_id=original_id,
            spend=spend,
        )
        self._jobs[id] = job
        self._work[id] = asyncio.create_task(self._colour(job))
        if key is not None:
            self._keys[client, key] = (digest, job)
        self._number()
        return job

    async def _colour(self, job: Job) -> None:
        def began() -> None:
            job.state, job.begun = "running", time.monotonic()
            self._number()

        try:
            original = self._store.path(job.original_id) / ORIGINAL
            out = self._store.path(job.id) / RESULT
            value = await self._pool.run(Colour(original, out, job.wanted), began=began)
        except KoloritError as error:
            self._end(job, "failed", problem=error)
        except Exception:
            self._end(job, "failed", problem=InternalError("something went wrong"))
            raise
        else:
            self._end(job, "done", value=value)

    def _end(
        self,
        job: Job,
        state: State,
        *,
        value: Coloured | None = None,
        problem: KoloritError | None = None,
    ) -> None:
        """Whatever a job came to; only the first time counts."""
        if self._work.pop(job.id, None) is None:
            return
        job.state, job.value, job.problem = state, value, problem
        job.ended = time.monotonic()
        if value is not None and job.begun is not None:
            self._times.append(job.ended - job.begun)
        for id in (job.id, job.original_id):
            self._store.release(id)
        if job.spend:
            self._store.drop(job.original_id)
        if state != "done":
            self._store.drop(job.id)
        job.finished.set()
        self._number()

    def _number(self) -> None:
        """Give those that wait their positions."""
        place = 0
        for id in self._work:
            job = self._jobs[id]
            place += job.state == "queued"
            job.position = place if job.state == "queued" else 0

    def _typical(self) -> float:
        """Seconds that a job runs, by the last ones."""
        return max(0.01, median(self._times)) if self._times else 1.0
