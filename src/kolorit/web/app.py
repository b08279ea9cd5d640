"""The application: routes, and one place where errors become answers."""

from __future__ import annotations

from copy import copy

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute

from kolorit.errors import KoloritError
from kolorit.web import archive, colouring, pages, problems, views
from kolorit.web.description import describe
from kolorit.web.gate import App, Gate
from kolorit.web.service import Service


def make_app(service: Service, *, token: bool = False) -> FastAPI:
    """Every route, without the gate before them. token: whether the gate will ask for one."""
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            KoloritError: problems.on_kolorit_error,
            problems.Refused: problems.on_kolorit_error,
            HTTPException: problems.on_http_exception,
            RequestValidationError: problems.on_invalid_request,
            ClientDisconnect: problems.on_disconnect,
            OSError: problems.on_os_error,
            Exception: problems.on_bug,
        },
    )
    app.state.service = service
    app.state.assets = pages.read_assets()
    for part in (colouring, views, archive, pages):
        app.router.routes += part.router.routes
    for route in app.routes:
        if isinstance(route, APIRoute):
            route.operation_id = route.name
    document = describe(app, service.card, token)
    app.openapi = lambda: document  # type: ignore[method-assign]
    # Only now: the document names the one HEAD that matters.
    app.router.routes[:] = [_with_head(route) for route in app.router.routes]
    return app


def guarded_app(
    service: Service, port: int, hosts: tuple[str, ...] = (), token: str | None = None
) -> App:
    """The application behind its gate, and counted: what a server serves.

    port: where it listens. hosts: further names for it. token: what requests must carry.
    """
    app = make_app(service, token=token is not None)
    return service.metrics.around(Gate(app, service.figures, port, hosts, token))


def _with_head(route: BaseRoute) -> BaseRoute:
    """A route for whose GET one may also ask for the headers alone."""
    if isinstance(route, APIRoute) and route.methods and "GET" in route.methods:
        both = copy(route)
        both.methods = route.methods | {"HEAD"}
        return both
    return route
