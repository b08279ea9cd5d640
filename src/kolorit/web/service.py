"""What the routes share, from start to stop: the model's card, the store, the workers, the jobs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from kolorit.errors import OutputUnwritable
from kolorit.runtime.card import Card, read_card
from kolorit.runtime.store import find_model
from kolorit.web.figures import Figures
from kolorit.web.jobs import Jobs
from kolorit.web.metrics import Metrics
from kolorit.web.pool import Pool
from kolorit.web.store import Store, new_folder

_LAST = 0.2  # share of the time to stop that is kept for the workers
_SWEEP = 5.0  # seconds between looks for what is too old


@dataclass(frozen=True)
class Service:
    """A server's inside, ready for requests. card: of the one model that it uses."""

    figures: Figures
    card: Card
    store: Store
    pool: Pool
    jobs: Jobs
    metrics: Metrics = field(default_factory=Metrics)


@contextlib.asynccontextmanager
async def open_service(figures: Figures, model: str) -> AsyncIterator[Service]:
    """Start the workers, and in the end stop them and remove all that clients sent.

    Raises ModelUnavailable, and OutputUnwritable where nothing can be kept.
    """
    card = read_card(find_model(model).with_suffix(".toml"))
    store = _open_store(figures)
    pool = Pool(figures, model)
    try:
        await pool.start()
        jobs = Jobs(pool, store, figures)
        sweeping = asyncio.create_task(_sweep(jobs))
        try:
            yield Service(figures, card, store, pool, jobs)
        finally:
            sweeping.cancel()
    finally:
        try:
            # The requests have ended: nobody could fetch what is still being coloured.
            await pool.stop(_LAST * figures.stop_seconds)
        finally:
            store.close()


def _open_store(figures: Figures) -> Store:
    try:
        return Store(new_folder(), figures)
    except OSError as error:
        raise OutputUnwritable(
            f"there is no folder for temporary files: {error.strerror}",
            remedy="Name one that can be written in TMPDIR, or make room there.",
        ) from error


async def _sweep(jobs: Jobs) -> None:
    while True:
        await asyncio.sleep(_SWEEP)
        jobs.sweep()
