"""/v1/zip: several coloured photographs in one file."""

from __future__ import annotations

import asyncio
import shutil
import stat
import time
import zipfile
from collections import deque
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from kolorit.errors import Busy, InternalError
from kolorit.web.answers import send_file
from kolorit.web.gate import address_of
from kolorit.web.jobs import Job
from kolorit.web.names import attachment, clean_name, numbered, result_name
from kolorit.web.options import ZipBody, ZipEntry, wanted_of
from kolorit.web.problems import described
from kolorit.web.requests import until_gone
from kolorit.web.service import Service
from kolorit.web.sharing import ATTACHMENT, JSON_ONLY, Shared, content
from kolorit.web.store import RESULT
from kolorit.web.views import view_folder

router = APIRouter()


@router.post(
    "/v1/zip",
    summary="Several views as coloured files in one archive",
    response_class=Response,
    dependencies=[JSON_ONLY],
    responses={
        200: content("The archive.", "application/zip", headers=ATTACHMENT),
        **described(404, 410, 413, 415, 422, 429),
    },
)
async def save_views(request: Request, shared: Shared, body: ZipBody) -> Response:
    """All of them in full size, numbered in their order. Where one fails there is no archive."""
    for entry in body.pictures:  # before the work begins
        view_folder(shared, entry.view)
        wanted_of(entry, shared.card)
    id = shared.store.put()
    try:
        path = shared.store.path(id) / RESULT
        with shared.store.held(id):
            await until_gone(request, _pack(shared, body.pictures, address_of(request.scope), path))
        headers = {"Content-Disposition": attachment("kolorit.zip")}
        return send_file(
            request,
            path,
            "application/zip",
            headers=headers,
            after=lambda: shared.store.drop(id),
        )
    except BaseException:
        shared.store.drop(id)
        raise


async def _pack(shared: Service, entries: list[ZipEntry], client: str, path: Path) -> None:
    """Colour them, as many at a time as there are workers, and write them into an archive."""
    names = numbered([clean_name(entry.name) for entry in entries])
    waiting: deque[tuple[str, Job]] = deque()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        try:
            for name, entry in zip(names, entries, strict=True):
                if len(waiting) == shared.figures.workers:
                    await _add(shared, archive, *waiting[0])
                    waiting.popleft()
                waiting.append((name, await _submit(shared, entry, client)))
            while waiting:
                await _add(shared, archive, *waiting[0])
                waiting.popleft()
        finally:
            for _, job in waiting:
                shared.jobs.cancel(job.id)


async def _submit(shared: Service, entry: ZipEntry, client: str) -> Job:
    """A job for one view; where there is no room, some patience for it. Raises Busy."""
    until = time.monotonic() + shared.figures.request_seconds
    wanted = wanted_of(entry, shared.card)
    while True:
        try:
            return shared.jobs.submit(entry.view, wanted, client)
        except Busy as busy:
            if time.monotonic() + busy.retry_after > until:
                raise
            await asyncio.sleep(busy.retry_after)


async def _add(shared: Service, archive: zipfile.ZipFile, name: str, job: Job) -> None:
    """Wait for a job, put its file into the archive and delete it."""
    job = await shared.jobs.wait(job.id, 2 * shared.figures.request_seconds)
    if job.problem is not None:
        problem = job.problem
        raise type(problem)(f"{name}: {problem.cause}", remedy=problem.remedy)
    if job.value is None:
        raise InternalError(f"{name} did not come to an end")
    member = zipfile.ZipInfo(result_name(name, job.value.suffix), time.localtime()[:6])
    member.create_system = 3  # so that the mode counts
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    await asyncio.to_thread(_copy, shared.store.path(job.id) / RESULT, archive, member)
    shared.jobs.cancel(job.id)


def _copy(file: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    with file.open("rb") as source, archive.open(member, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)
