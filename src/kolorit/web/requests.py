"""What comes in: a photograph as a raw body or in a form, who sent it, how long they wait."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request

from kolorit.errors import InputUnreadable
from kolorit.picture.signature import HEAD, identify
from kolorit.web.names import clean_name
from kolorit.web.options import TextOptions
from kolorit.web.problems import Refused
from kolorit.web.store import ORIGINAL, Store

READ = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "GIF")  # fewer than the command line takes
IMAGE = "image"  # the form's field with the photograph

_FIELDS = len(TextOptions.model_fields)
_FIELD_BYTES = 262_144
_CHUNK = 1 << 20
_WAIT = re.compile(r'(?:^|,)\s*wait\s*=\s*"?(\d{1,6})"?\s*(?=[,;]|$)', re.IGNORECASE)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Sent:
    """A photograph that lies in the store. name: clean. digest: sha256 of its bytes."""

    id: str
    name: str
    digest: str
    options: TextOptions


async def receive(request: Request, store: Store, query: TextOptions | None) -> Sent:
    """Put the photograph of a request into the store, under an id of its own.

    query: options that stand in the address, which those of a form join; None where the request
    takes none. Raises what makes it no photograph; then nothing stays in the store.
    """
    _check_query(request, query)
    id = store.put()
    try:
        with store.held(id) as folder:  # others may send many while this one comes slowly
            path = folder / ORIGINAL
            if _is_form(request):
                name, digest, fields = await _receive_form(request, path)
            else:
                name, digest, fields = clean_name(None), await _receive_body(request, path), {}
            options = _join(query, fields)
            check_type(path)
            return Sent(id, name, digest, options)
    except BaseException:
        store.drop(id)
        raise


def check_type(path: Path) -> None:
    """Refuse by its first bytes what is no photograph, whatever its name or header says."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise InputUnreadable("the photograph has no bytes", remedy="Send the whole file.")
    try:
        format = identify(head)
    except InputUnreadable as error:
        remedy = None if error.remedy == InputUnreadable.remedy else error.remedy
        raise Refused(415, error.cause, remedy=remedy) from error
    if format not in READ:
        raise Refused(415, f"{format} pictures are not taken here")


def seconds_to_wait(prefer: str | None, most: float) -> tuple[float, bool]:
    """(seconds, whether the client chose them) of a Prefer header, RFC 7240; others in it are
    left alone.
    """
    found = _WAIT.search(prefer or "")
    return (min(float(found[1]), most), True) if found else (most, False)


async def until_gone(request: Request, work: Awaitable[_T]) -> _T:
    """What the work gives. Where the client goes away first, it is cancelled and ClientDisconnect
    raised. The request's body must have been read.
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _check_query(request: Request, query: TextOptions | None) -> None:
    """Raises Refused for what is not read, or of which only the last would count."""
    names = [name for name, _ in request.query_params.multi_items()]
    if query is None and names:
        raise Refused(422, "no options are taken here")
    if len(names) > len(set(names)):
        raise Refused(422, "an option stands twice in the address")


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == "multipart/form-data"


async def _receive_body(request: Request, path: Path) -> str:
    """Write the body to a file as it comes; its sha256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        async for chunk in request.stream():
            file.write(chunk)
            digest.update(chunk)
    return digest.hexdigest()


async def _receive_form(request: Request, path: Path) -> tuple[str, str, dict[str, str]]:
    """Write the form's photograph to a file: (its clean name, its sha256, the other fields)."""
    fields: dict[str, str] = {}
    upload: UploadFile | None = None
    digest = hashlib.sha256()
    async with request.form(
        max_files=1, max_fields=_FIELDS, max_part_size=_FIELD_BYTES
    ) as form:  # fmt: skip
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                if name != IMAGE:
                    raise Refused(422, f"the photograph belongs into the field '{IMAGE}'")
                upload = value
            elif name in fields:
                raise Refused(422, "a field stands twice in the form")
            elif value:  # a page sends empty ones for what was left alone
                fields[name] = value
        if upload is None:
            raise Refused(422, f"the form has no file in its field '{IMAGE}'")
        with path.open("wb") as file:
            while chunk := await upload.read(_CHUNK):
                file.write(chunk)
                digest.update(chunk)
        return clean_name(upload.filename), digest.hexdigest(), fields


def _join(query: TextOptions | None, fields: Mapping[str, str]) -> TextOptions:
    """The options of the address and of the form, which may not both name one."""
    named: dict[str, Any] = {} if query is None else query.model_dump(exclude_unset=True)
    if twice := sorted(set(named) & set(fields)):
        raise Refused(422, f"{twice[0]} stands in the address and in the form")
    if query is None and fields:
        raise Refused(422, "no options are taken here")
    try:
        return TextOptions.model_validate({**named, **fields})
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error
