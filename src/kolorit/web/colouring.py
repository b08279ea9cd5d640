"""/v1/colorize and /v1/jobs: a photograph in, the coloured file out, now or later."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kolorit.errors import KoloritError
from kolorit.web.answers import send_file
from kolorit.web.gate import address_of
from kolorit.web.jobs import Job
from kolorit.web.names import attachment, clean_name, result_name
from kolorit.web.options import TextOptions, wanted_of
from kolorit.web.problems import Refused, answer, described, problem_of
from kolorit.web.replies import JobState
from kolorit.web.requests import Sent, receive, seconds_to_wait, until_gone
from kolorit.web.service import Service
from kolorit.web.sharing import (
    ABOUT,
    ATTACHMENT,
    LOCATION,
    PICTURES,
    Shared,
    content,
    headers_of,
)
from kolorit.web.store import RESULT
from kolorit.web.tasks import Coloured

router = APIRouter()

NAME = "name"  # the file in a job's folder that says what the client calls its photograph
_UNQUOTABLE = re.compile(r"[^ !#-\[\]-~]")  # in a string of RFC 8941

PHOTO = {"requestBody": {"$ref": "#/components/requestBodies/Photograph"}}
Options = Annotated[TextOptions, Query()]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=200, pattern="^[!-~]+$",
        description="A word of yours for this request: sent again, it gives the same job.",
    ),
]  # fmt: skip
Prefer = Annotated[
    str | None,
    Header(description="wait=N: seconds to wait before the answer is 202 (RFC 7240)."),
]


ACCEPTED: dict[str, Any] = {
    "model": JobState,
    "description": "It waits or is at work.",
    "headers": headers_of(LOCATION),
    "links": {
        name: {"operationId": operation, "parameters": {"id": "$response.body#/id"}}
        for name, operation in (
            ("state", "read_job"), ("result", "read_result"), ("cancel", "cancel_job"),
        )
    },
}  # fmt: skip


@router.post(
    "/v1/colorize",
    summary="Colour a photograph",
    response_class=Response,
    openapi_extra=PHOTO,
    responses={
        200: content("The coloured file.", *PICTURES, headers={**ATTACHMENT, **ABOUT}),
        202: ACCEPTED,
        **described(410, 413, 415, 422, 429),
    },
)
async def colorize(
    request: Request, shared: Shared, options: Options, prefer: Prefer = None, key: Key = None
) -> Response:
    """The answer is the file, in full size. Where that takes longer than Prefer: wait says, or
    than the server waits by itself, it is 202 with the address of a job.
    """
    sent, job = await _submit(request, shared, options, key)
    seconds, chosen = seconds_to_wait(prefer, shared.figures.request_seconds)
    try:
        job = await until_gone(request, shared.jobs.wait(job.id, seconds))
    except BaseException:
        if key is None:  # nobody knows of it
            shared.jobs.cancel(job.id)
        raise
    if not job.over:
        applied = {"Preference-Applied": f"wait={seconds:g}"} if chosen else {}
        return _accepted(job, applied)
    drop = (lambda: shared.jobs.cancel(job.id)) if key is None else None
    return send_result(request, shared, job, sent.name, after=drop)


@router.post(
    "/v1/jobs",
    summary="Begin to colour a photograph",
    status_code=202,
    response_class=Response,
    openapi_extra=PHOTO,
    responses={202: ACCEPTED, **described(413, 415, 422, 429)},
)
async def submit_job(
    request: Request, shared: Shared, options: Options, key: Key = None
) -> Response:
    """For many photographs or large ones: ask for the state of the job, then for its result."""
    _, job = await _submit(request, shared, options, key)
    return _accepted(job)


@router.get(
    "/v1/jobs/{id}",
    summary="The state of a job",
    response_model=JobState,
    responses=described(404),
)
async def read_job(shared: Shared, id: str) -> dict[str, Any]:
    """Also of one that failed, was cancelled or whose result has expired."""
    return state_of(shared.jobs.get(id))


@router.get(
    "/v1/jobs/{id}/result",
    summary="The file of a job",
    response_class=Response,
    responses={
        200: content(
            "The coloured file.",
            *PICTURES,
            headers={**ATTACHMENT, **ABOUT, "ETag": ("names these bytes", "string")},
        ),
        206: content("A part of it, for a Range.", *PICTURES),
        304: {"description": "The client has it already."},
        **described(404, 409, 410, 413, 416, 422),
    },
)
async def read_result(request: Request, shared: Shared, id: str) -> Response:
    """As often as wanted until its time is over, in parts too. The error of a job that failed is
    the answer here.
    """
    job = shared.jobs.get(id)
    kept = shared.store.path(id) / NAME if job.state == "done" else None
    name = kept.read_text("utf-8") if kept is not None and kept.exists() else ""
    name = name or clean_name(None)
    return send_result(request, shared, job, name, tag=id)


@router.delete(
    "/v1/jobs/{id}",
    summary="Cancel a job, or delete its result",
    status_code=204,
    response_class=Response,
    responses=described(404),
)
async def cancel_job(shared: Shared, id: str) -> Response:
    """Nothing is kept of it but its state."""
    shared.jobs.cancel(id)
    return Response(status_code=204)


def send_result(
    request: Request,
    shared: Service,
    job: Job,
    name: str,
    *,
    tag: str | None = None,
    after: Callable[[], object] | None = None,
) -> Response:
    """The file of a job, called after a clean name; else why there is none."""
    if job.problem is not None:
        return answer(job.problem, request.url.path)
    if job.state in ("queued", "running"):
        raise Refused(409, f"the job is {job.state}", headers={"Retry-After": "1"})
    if job.state != "done" or job.value is None:
        raise Refused(410, f"the job's result is gone: it is {job.state}")
    headers = {
        **about(shared, job.value),
        "Content-Disposition": attachment(result_name(name, job.value.suffix)),
    }
    path = shared.store.path(job.id) / RESULT
    return send_file(request, path, job.value.media_type, tag=tag, headers=headers, after=after)


def about(shared: Service, made: Coloured) -> dict[str, str]:
    """The headers that say what a picture is."""
    notes = ", ".join(f'"{_UNQUOTABLE.sub("_", note)}"' for note in made.notes)
    return {
        "Kolorit-Model": f"{shared.card.name} {shared.card.version}",
        "Kolorit-Confidence": f"{made.confidence:.3f}",
        **({"Kolorit-Notes": notes} if notes else {}),
    }


def state_of(job: Job) -> dict[str, Any]:
    """A job as JobState has it."""
    value, problem = job.value, job.problem
    result = None
    if value is not None and job.state == "done":
        result = {
            "href": f"/v1/jobs/{job.id}/result",
            "media_type": value.media_type,
            "bytes": value.bytes,
            "width": value.width,
            "height": value.height,
            "confidence": round(value.confidence, 4),
            "notes": list(value.notes),
        }
    return {
        "id": job.id,
        "state": job.state,
        "position": job.position,
        "progress": round(job.progress, 3),
        "seconds": round(job.seconds, 3),
        "result": result,
        "problem": None if problem is None else problem_of(problem),
    }


async def _submit(
    request: Request, shared: Service, options: TextOptions, key: str | None
) -> tuple[Sent, Job]:
    wanted_of(options, shared.card)  # what is wrong here is said before the body is read
    sent = await receive(request, shared.store, options)
    try:
        wanted = wanted_of(sent.options, shared.card)
    except KoloritError:
        shared.store.drop(sent.id)
        raise
    client = address_of(request.scope)
    job = shared.jobs.submit(sent.id, wanted, client, key, sent.digest, spend=True)
    if not job.over:
        with suppress(OSError):  # on a full disk it is called photo
            (shared.store.path(job.id) / NAME).write_text(sent.name, "utf-8")
    return sent, job


def _accepted(job: Job, headers: dict[str, str] | None = None) -> Response:
    found = {"Location": f"/v1/jobs/{job.id}", **(headers or {})}
    return JSONResponse(state_of(job), 202, found)
