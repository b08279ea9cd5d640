"""/v1/views: a photograph that is looked at: coloured small and at once, saved in full size."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kolorit.errors import NotThere
from kolorit.web.answers import send_file
from kolorit.web.colouring import PHOTO, about, send_result
from kolorit.web.gate import address_of
from kolorit.web.names import clean_name
from kolorit.web.options import (
    ConfidenceBody,
    PictureBody,
    ResultBody,
    SuggestionsBody,
    as_hints,
    wanted_of,
)
from kolorit.web.problems import described
from kolorit.web.replies import Suggestions, View
from kolorit.web.requests import receive, until_gone
from kolorit.web.service import Service
from kolorit.web.sharing import (
    ABOUT,
    ATTACHMENT,
    JSON_ONLY,
    LOCATION,
    PICTURES,
    Shared,
    content,
    headers_of,
)
from kolorit.web.store import ORIGINAL
from kolorit.web.tasks import GREY, LIGHTNESS, Coloured, Open, Opened, Show, Suggest, Sure

router = APIRouter()


@router.post(
    "/v1/views",
    summary="Open a photograph",
    status_code=201,
    response_class=Response,
    openapi_extra=PHOTO,
    responses={
        201: {
            "model": View,
            "description": "It is open.",
            "headers": headers_of(LOCATION),
            "links": {
                operation: {"operationId": operation, "parameters": {"id": "$response.body#/id"}}
                for operation in ("read_grey", "colour_view", "judge_view", "suggest_colours",
                                  "save_view", "close_view")
            },
        },
        **described(413, 415, 422),
    },
)  # fmt: skip
async def open_view(request: Request, shared: Shared) -> Response:
    """It stays open until it is deleted or nobody has asked for it in a quarter of an hour."""
    sent = await receive(request, shared.store, None)
    folder = shared.store.path(sent.id)
    try:
        with shared.store.held(sent.id):
            task = Open(folder / ORIGINAL, folder, shared.figures.view_pixels)
            opened: Opened = await until_gone(request, shared.pool.run(task))
    except BaseException:
        shared.store.drop(sent.id)
        raise
    view = {
        "id": sent.id,
        "width": opened.width,
        "height": opened.height,
        "view": {"width": opened.view_width, "height": opened.view_height},
        "format": opened.format,
        "notes": list(opened.notes),
        "confidence": round(opened.confidence, 4),
        "coloured": opened.already_coloured,
        "looks": list(shared.card.looks),
    }
    return JSONResponse(view, 201, {"Location": f"/v1/views/{sent.id}"})


@router.get(
    "/v1/views/{id}/grey",
    summary="The photograph as it was",
    response_class=Response,
    responses={
        200: content("A small copy.", "image/jpeg", headers={"ETag": ("names it", "string")}),
        206: content("A part of it, for a Range.", "image/jpeg"),
        304: {"description": "The client has it already."},
        **described(404, 416),
    },
)
async def read_grey(request: Request, shared: Shared, id: str) -> Response:
    """At the size of the view."""
    return send_file(request, view_folder(shared, id) / GREY, "image/jpeg", tag=id)


@router.post(
    "/v1/views/{id}/picture",
    summary="Colour the view",
    response_class=Response,
    dependencies=[JSON_ONLY],
    responses={
        200: content("The coloured view.", "image/jpeg", headers=ABOUT),
        **described(404, 413, 415, 422),
    },
)
async def colour_view(request: Request, shared: Shared, id: str, body: PictureBody) -> Response:
    """Quick enough to follow a hand. Its colours are those of the file that result gives."""
    wanted = wanted_of(body, shared.card)
    with shared.store.held(id) as folder, _scratch(folder, ".jpg") as out:
        made: Coloured = await until_gone(request, shared.pool.run(Show(folder, out, wanted)))
        return Response(_taken(out), 200, about(shared, made), made.media_type)


@router.post(
    "/v1/views/{id}/confidence",
    summary="How sure the colours are",
    response_class=Response,
    dependencies=[JSON_ONLY],
    responses={
        200: content(
            "A grey picture of the view's size: white where the model is sure.",
            "image/png",
            headers={"Kolorit-Confidence": ABOUT["Kolorit-Confidence"]},
        ),
        **described(404, 413, 415, 422),
    },
)
async def judge_view(request: Request, shared: Shared, id: str, body: ConfidenceBody) -> Response:
    """By the model's own account: the chance that the true colour is near."""
    with shared.store.held(id) as folder, _scratch(folder, ".png") as out:
        task = Sure(folder, out, as_hints(body.hints))
        mean: float = await until_gone(request, shared.pool.run(task))
        headers = {"Kolorit-Confidence": f"{mean:.3f}"}
        return Response(_taken(out), 200, headers, "image/png")


@router.post(
    "/v1/views/{id}/suggestions",
    summary="Likely colours of a place",
    response_model=Suggestions,
    dependencies=[JSON_ONLY],
    responses=described(404, 413, 415, 422),
)
async def suggest_colours(
    request: Request, shared: Shared, id: str, body: SuggestionsBody
) -> dict[str, Any]:
    """What the model thinks possible at exactly this place, for a hint there."""
    with shared.store.held(id) as folder:
        task = Suggest(folder, body.x, body.y, as_hints(body.hints), body.count)
        found = await until_gone(request, shared.pool.run(task))
    return {"suggestions": [{"colour": c, "share": round(float(s), 4)} for c, s in found]}


@router.post(
    "/v1/views/{id}/result",
    summary="The coloured file in full size",
    response_class=Response,
    dependencies=[JSON_ONLY],
    responses={
        200: content("The coloured file.", *PICTURES, headers={**ATTACHMENT, **ABOUT}),
        **described(404, 410, 413, 415, 422, 429),
    },
)
async def save_view(request: Request, shared: Shared, id: str, body: ResultBody) -> Response:
    """The same bytes as from /v1/colorize with these options."""
    wanted = wanted_of(body, shared.card)
    view_folder(shared, id)
    job = shared.jobs.submit(id, wanted, address_of(request.scope))
    try:
        seconds = 2 * shared.figures.request_seconds  # its own limit ends it before
        job = await until_gone(request, shared.jobs.wait(job.id, seconds))
        name = clean_name(body.name)
        drop = job.id
        return send_result(request, shared, job, name, after=lambda: shared.jobs.cancel(drop))
    except BaseException:
        shared.jobs.cancel(job.id)
        raise


@router.delete(
    "/v1/views/{id}",
    summary="Close a photograph",
    status_code=204,
    response_class=Response,
    responses=described(404),
)
async def close_view(shared: Shared, id: str) -> Response:
    """It is deleted."""
    view_folder(shared, id)
    shared.store.drop(id)
    return Response(status_code=204)


def view_folder(shared: Service, id: str) -> Path:
    """The folder of a view. Raises NotThere, also for an id of something else."""
    folder = shared.store.path(id)
    if not (folder / LIGHTNESS).exists():
        raise NotThere("there is no such view")
    return folder


def _taken(out: Path) -> bytes:
    """What a worker made. Raises NotThere where the view was closed meanwhile."""
    try:
        return out.read_bytes()
    except FileNotFoundError:
        raise NotThere("the photograph is no longer there") from None


@contextlib.contextmanager
def _scratch(folder: Path, suffix: str) -> Iterator[Path]:
    """A name for a file that is gone afterwards."""
    path = folder / f"{secrets.token_hex(8)}{suffix}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
