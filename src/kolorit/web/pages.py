"""What is not about one photograph: the page, the documentation, models, health, metrics."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from kolorit.errors import Busy
from kolorit.runtime.card import Card
from kolorit.web import metrics
from kolorit.web.answers import has_it
from kolorit.web.problems import Refused, described
from kolorit.web.replies import Health, ModelFacts
from kolorit.web.sharing import Shared

router = APIRouter()

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
READY_SECONDS = 10.0  # since a worker answered


@dataclass(frozen=True)
class Asset:
    """A file of the page."""

    body: bytes
    media_type: str
    tag: str


def read_assets() -> dict[str, Asset]:
    """The files of the page by name. They are few and small, and no name that comes from outside
    is ever made a path.
    """
    found = {}
    for file in files("kolorit.web").joinpath("static").iterdir():
        media_type = TYPES.get(f".{file.name.rpartition('.')[2]}")
        if file.is_file() and media_type is not None:
            body = file.read_bytes()
            found[file.name] = Asset(body, media_type, hashlib.sha256(body).hexdigest()[:32])
    return found


@router.get("/", include_in_schema=False)
async def show_page(request: Request) -> Response:
    return _asset(request, "index.html")


@router.get("/docs", include_in_schema=False)
async def show_documentation(request: Request) -> Response:
    return _asset(request, "docs.html")


@router.get("/static/{name}", include_in_schema=False)
async def send_asset(request: Request, name: str) -> Response:
    return _asset(request, name)


@router.get("/openapi.json", include_in_schema=False)
async def send_description(request: Request) -> Response:
    """The OpenAPI document."""
    text = json.dumps(request.app.openapi())
    return Response(text, headers={"Cache-Control": "no-cache"}, media_type="application/json")


@router.get(
    "/v1/models",
    summary="The models of this server",
    response_model=list[ModelFacts],
    responses=described(),
)
async def list_models(shared: Shared) -> list[dict[str, Any]]:
    """It has one: the one that it was started with."""
    return [facts_of(shared.card)]


@router.get(
    "/healthz",
    summary="Whether the server answers",
    response_model=Health,
    responses=described(421, 500, always=False),
)
async def tell_health() -> dict[str, str]:
    """Always yes, if it does."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Whether photographs can be coloured",
    response_model=Health,
    responses=described(421, 500, 503, always=False),
)
async def tell_readiness(shared: Shared) -> dict[str, str]:
    """Whether a worker with the model has answered lately."""
    if shared.pool.alive() > READY_SECONDS:
        raise Busy("no worker has answered lately", retry_after=1)
    return {"status": "ready"}


@router.get(
    "/metrics",
    summary="Numbers about the server",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text format.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **described(401, 421, 500, 503, always=False),
    },
)
async def send_metrics(shared: Shared) -> Response:
    """Requests, durations, queue, workers, memory; nothing about pictures."""
    gauges = {
        "kolorit_tasks_waiting": ("Tasks that wait for a worker.", shared.pool.waiting),
        "kolorit_tasks_running": ("Tasks at work.", shared.pool.running),
        "kolorit_worker_restarts_total": ("Workers that were replaced.", shared.pool.restarts),
    }
    return Response(shared.metrics.text(gauges), media_type=metrics.MEDIA_TYPE)


def facts_of(card: Card) -> dict[str, Any]:
    """A model as ModelFacts has it."""
    return {
        "name": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "size": card.size,
        "looks": list(card.looks),
        "hints": card.about.get("hints") is not False,
        "alternatives": card.stride > 0,
    }


def _asset(request: Request, name: str) -> Response:
    """A file of the page, which a browser keeps but asks about each time."""
    asset: Asset | None = request.app.state.assets.get(name)
    if asset is None:
        raise Refused(404, "there is nothing here")
    headers = {"ETag": f'"{asset.tag}"', "Cache-Control": "no-cache"}
    if has_it(request.headers.get("if-none-match"), asset.tag):
        return Response(status_code=304, headers=headers)
    return Response(asset.body, headers=headers, media_type=asset.media_type)
