"""The OpenAPI 3.1 document: what FastAPI gathers, and what it cannot know."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from kolorit import __version__
from kolorit.runtime.card import Card
from kolorit.web import problems
from kolorit.web.requests import IMAGE
from kolorit.web.sharing import BINARY

SENT = ("image/jpeg", "image/png", "image/tiff", "image/webp", "image/avif", "image/gif")
ABOUT = (
    "Colours black-and-white photographs. A photograph is a raw body or the field image of a "
    "form; what it is says its content and no header. Errors are RFC 9457 problem details. "
    "Where it was taken and by whom is left out of the results unless metadata=all asks for it."
)

_FOREIGN = ("HTTPValidationError", "ValidationError")  # FastAPI's form of errors, which is not ours


def describe(app: FastAPI, card: Card, token: bool) -> dict[str, Any]:
    """The document of an application. card: whose looks it names. token: whether one is needed."""
    document = get_openapi(
        title="Kolorit",
        version=__version__,
        openapi_version="3.1.0",
        description=ABOUT,
        routes=app.routes,
    )
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    schemas["Problem"] = problems.schema()
    for name in _FOREIGN:
        schemas.pop(name, None)
    options = _options(document["paths"], card)
    parts["requestBodies"] = {
        "Photograph": _photograph(options),
        "PhotographAlone": _photograph({}),
    }
    for schema in schemas.values():
        _name_looks(schema, card)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _complete(path, operation)
            if token and (path.startswith("/v1") or path == "/metrics"):
                operation["security"] = [{"token": []}]
    result = document["paths"]["/v1/jobs/{id}/result"]
    result["head"] = _without_bodies(result["get"])
    if token:
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return document


def _options(paths: dict[str, Any], card: Card) -> dict[str, Any]:
    """The options of a photograph, as the query of /v1/colorize has them: name -> schema."""
    for operations in paths.values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"])
                _name_looks({"properties": {parameter["name"]: parameter["schema"]}}, card)
    parameters = paths["/v1/colorize"]["post"]["parameters"]
    return {
        one["name"]: {**one["schema"], "description": one.get("description", "")}
        for one in parameters
        if one["in"] == "query"
    }


def _photograph(options: dict[str, Any]) -> dict[str, Any]:
    """A body that is a photograph, or a form with one and these options."""
    form = {
        "type": "object",
        "required": [IMAGE],
        "additionalProperties": False,
        "properties": {IMAGE: {"type": "string", "format": "binary"}, **options},
    }
    kinds = {kind: {"schema": BINARY} for kind in (*SENT, "application/octet-stream")}
    return {"required": True, "content": {**kinds, "multipart/form-data": {"schema": form}}}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query cannot say null: leaving the option out does."""
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if rest.get("default", ...) is None:
        del rest["default"]
    return {**rest, **kinds[0]} if len(kinds) == 1 else schema


def _name_looks(schema: dict[str, Any], card: Card) -> None:
    if (look := schema.get("properties", {}).get("look")) is not None:
        look.pop("maxLength", None)
        look["enum"] = list(card.looks)


def _complete(path: str, operation: dict[str, Any]) -> None:
    """What holds for an operation by its address alone."""
    if path == "/v1/views" and "requestBody" in operation:
        operation["requestBody"] = {"$ref": "#/components/requestBodies/PhotographAlone"}
    responses = operation["responses"]
    if any(name in str(responses.get("422")) for name in _FOREIGN):
        del responses["422"]  # of an id, which may be any text
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["schema"] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
            parameter["description"] = "As it was given."


def _without_bodies(operation: dict[str, Any]) -> dict[str, Any]:
    """The HEAD of a GET."""
    head = deepcopy(operation)
    head["operationId"] = f"{head['operationId']}_head"
    for response in head["responses"].values():
        response.pop("content", None)
    return head
