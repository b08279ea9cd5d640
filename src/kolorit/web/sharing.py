"""What every route's function is given, and how they say what they answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import Request

from kolorit.web.problems import Refused
from kolorit.web.service import Service


async def _service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _json_only(request: Request) -> None:
    """Raises Refused 415 for a body that does not say that it is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Refused(
            415,
            "the body does not say that it is JSON",
            remedy="Send it with the header Content-Type: application/json.",
        )


Shared = Annotated[Service, Depends(_service_of)]
JSON_ONLY = Depends(_json_only)

BINARY = {"type": "string", "contentMediaType": "application/octet-stream"}
PICTURES = ("image/jpeg", "image/png", "image/tiff", "image/webp", "image/avif")
ATTACHMENT = {"Content-Disposition": ("attachment, with a name for the file", "string")}
ABOUT = {
    "Kolorit-Model": ("name and version of the model", "string"),
    "Kolorit-Confidence": ("mean confidence, 0 to 1", "number"),
    "Kolorit-Notes": ("things to know of the picture, as quoted strings", "string"),
}
LOCATION = {"Location": ("where to ask for it", "string")}


def content(
    description: str, *types: str, headers: dict[str, tuple[str, str]] | None = None
) -> dict[str, Any]:
    """A response of some bytes, for an operation's description. headers: name -> (what, type)."""
    described = {type: {"schema": BINARY} for type in types}
    found: dict[str, Any] = {"description": description}
    if types:
        found["content"] = described
    if headers:
        found["headers"] = headers_of(headers)
    return found


def headers_of(headers: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """Response headers as they stand in a description."""
    return {
        name: {"description": f"{what[:1].upper()}{what[1:]}.", "schema": {"type": type}}
        for name, (what, type) in headers.items()
    }
