"""Whatever goes wrong, as RFC 9457 problem details: one form for every answer that is no success.

``type`` is the stable, relative URI /problems/CODE, ``code`` the same word alone. ``remedy`` says
what to do. No path of this computer and nothing that the client sent is ever in it.
"""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from kolorit.errors import (
    Busy,
    ConfigInvalid,
    InputUnreadable,
    InternalError,
    KoloritError,
    OutputUnwritable,
)

MEDIA_TYPE = "application/problem+json"
SCHEMA = "#/components/schemas/Problem"

# Where the status on the class is not what HTTP wants: the request was well-formed, and what it
# holds or asks for cannot be done.
STATUSES: dict[type[KoloritError], int] = {
    InputUnreadable: 422,
    ConfigInvalid: 422,
    OutputUnwritable: 422,
}

# Refusals that only a server knows: status -> (code, remedy)
REFUSALS = {
    400: ("malformed-request", "See /docs for what this address takes."),
    401: ("token-needed", "Send the header: Authorization: Bearer TOKEN."),
    403: ("foreign-origin", "Open the page of this server itself; other sites may not use it."),
    404: ("not-found", "It may have been deleted after its time. See /docs for what there is."),
    405: ("method-not-allowed", "The header Allow says what is possible."),
    408: ("request-timeout", "Send the request again, faster."),
    409: ("not-done", "Ask for the state of the job until it is done."),
    410: ("gone", "Send the picture again."),
    413: ("limit-exceeded", "Make the picture smaller first."),
    415: ("unsupported-type", "Send a JPEG, PNG, TIFF, WebP, AVIF or GIF photograph."),
    416: ("range-not-satisfiable", "Ask for bytes that the file has."),
    421: ("misdirected-request", "Use the address that `kolorit serve` printed, or --allow-host."),
    422: ("invalid-request", "Correct what is named."),
    503: ("busy", "Try again later."),
}

MEANINGS = {
    400: "The request is malformed: no multipart form, no JSON, too many or too large parts.",
    401: "The token is missing or wrong.",
    403: "The request comes from another site's page.",
    404: "There is nothing of this id, or no longer.",
    409: "The job is not done.",
    410: "The result was deleted after its time, or its job was cancelled.",
    413: "More bytes, pixels, frames, memory or time than allowed.",
    415: "This is no photograph of a kind that is read, or the body is no JSON.",
    416: "The file does not have these bytes.",
    421: "The Host is none that this server answers to.",
    422: "An option is unknown or out of range, or the picture is damaged.",
    429: "This client has too many pictures waiting. Retry-After says when to come back.",
    500: "A bug; the server goes on.",
    503: "The queue is full, or no worker answers. Retry-After says when to come back.",
}
ALWAYS = (400, 401, 403, 421, 500, 503)  # what any address under /v1 may answer

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)

log = logging.getLogger("kolorit.web")


class Refused(Exception):
    """A refusal that is not about a picture. status is one of REFUSALS; code and remedy replace
    the usual ones; headers are sent along.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        remedy: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})
        self.code = code or REFUSALS[status][0]
        self.remedy = remedy or REFUSALS[status][1]


def problem_of(error: KoloritError | Refused, instance: str | None = None) -> dict[str, Any]:
    """The problem details of an error. instance: the path that was asked for."""
    if isinstance(error, Refused):
        status, code, detail, remedy = error.status, error.code, error.detail, error.remedy
    else:
        status, code, detail = status_of(error), error.slug, error.cause
        remedy = _without_flags(error)
    found = {
        "type": f"/problems/{code}",
        "title": code.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "remedy": remedy,
    }
    return found if instance is None else {**found, "instance": instance}


def status_of(error: KoloritError) -> int:
    """The status that stands on the class, except for STATUSES."""
    return next((s for kind, s in STATUSES.items() if isinstance(error, kind)), error.status)


def body_of(problem: Mapping[str, Any]) -> bytes:
    """Problem details as JSON in plain ASCII."""
    return json.dumps(problem).encode()


def answer(error: KoloritError | Refused, instance: str | None = None, **more: Any) -> Response:
    """An error as a response; more: further members of the problem."""
    problem = {**problem_of(error, instance), **more}
    headers = dict(error.headers) if isinstance(error, Refused) else {}
    if (seconds := getattr(error, "retry_after", None)) is not None:
        headers["Retry-After"] = str(seconds)
    elif problem["status"] == 503:
        headers.setdefault("Retry-After", "5")
    return Response(body_of(problem), problem["status"], headers, MEDIA_TYPE)


async def on_kolorit_error(request: Request, error: Exception) -> Response:
    """Handles KoloritError and Refused."""
    assert isinstance(error, (KoloritError, Refused))
    if isinstance(error, KoloritError) and status_of(error) == 500:
        log.error("%s %s: %s", request.method, request.url.path, error)
    return answer(error, request.url.path)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Handles what Starlette and FastAPI refuse themselves: no such path, no such method, ..."""
    assert isinstance(error, HTTPException)
    status = error.status_code if error.status_code in REFUSALS else 400
    headers = dict(error.headers or {})
    if status == 404:
        detail = "there is nothing here"
    elif status == 405:
        detail = f"{request.method} is not possible here"
        headers["Allow"] = ", ".join(_methods(request))
    else:
        detail = f"the body cannot be read: {error.detail}"
    return answer(Refused(status, detail, headers=headers), request.url.path)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """Handles options and bodies that do not fit their description."""
    assert isinstance(error, RequestValidationError)
    found = [_say(item) for item in error.errors()[:20]]
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return answer(Refused(400, "the body is no JSON"), request.url.path)
    detail = f"{found[0]['at']}: {found[0]['detail']}" if found else "the request is invalid"
    return answer(Refused(422, detail), request.url.path, errors=found)


async def on_disconnect(request: Request, error: Exception) -> Response:
    """The client went away while it was sending; nobody reads this."""
    return answer(Refused(400, "the client went away"), request.url.path)


async def on_os_error(request: Request, error: Exception) -> Response:
    """Handles a full disk, and a system that has no more open files to give: no bug of ours."""
    assert isinstance(error, OSError)
    if error.errno not in NO_ROOM:
        return await on_bug(request, error)
    log.error("%s %s: %s", request.method, request.url.path, error.strerror)
    busy = Busy(f"the server cannot keep the picture: {error.strerror}", retry_after=60)
    return answer(busy, request.url.path)


async def on_bug(request: Request, error: Exception) -> Response:
    """Handles what nobody foresaw; the trace goes to the log and not to the client."""
    log.error("%s %s: a bug", request.method, request.url.path, exc_info=error)
    return answer(InternalError("something failed that should not"), request.url.path)


def described(*statuses: int, always: bool = True) -> dict[int | str, dict[str, Any]]:
    """The responses of an operation that are problems, for its OpenAPI description."""
    content = {MEDIA_TYPE: {"schema": {"$ref": SCHEMA}}}
    retry = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    rows: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, *(ALWAYS if always else ())}):
        rows[status] = {"description": MEANINGS[status], "content": content}
        if status in (429, 503):
            rows[status]["headers"] = retry
    return rows


def schema() -> dict[str, Any]:
    """The JSON schema of problem details."""
    text = {"type": "string"}
    return {
        "title": "Problem",
        "description": "RFC 9457 problem details.",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "remedy"],
        "properties": {
            "type": {**text, "description": "A stable relative URI, /problems/CODE."},
            "title": text,
            "status": {"type": "integer"},
            "detail": {**text, "description": "What is wrong, in plain words."},
            "instance": {**text, "description": "The path that was asked for."},
            "code": {**text, "description": "A stable word for programs."},
            "remedy": {**text, "description": "What to do about it."},
            "errors": {
                "description": "Every option that is wrong, and why.",
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"at": text, "detail": text},
                    "required": ["at", "detail"],
                },
            },
        },
    }


def _methods(request: Request) -> list[str]:
    """What is possible at the address of a request: Starlette names one route's methods only."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)


def _say(item: Mapping[str, Any]) -> dict[str, str]:
    """One finding of the validation, without what the client sent."""
    place = [str(part) for part in item["loc"] if part not in ("query", "body", "header", "path")]
    if item["type"] == "extra_forbidden":
        return {"at": "options", "detail": "there is an option that is not known"}
    return {"at": ".".join(place) or "body", "detail": item["msg"]}


def _without_flags(error: KoloritError) -> str:
    """The remedy, unless it speaks of the command line."""
    for remedy in (error.remedy, type(error).remedy):
        if "--" not in remedy:
            return remedy
    return REFUSALS.get(status_of(error), ("", "See /docs."))[1]
