"""Files as answers: entity tags, HEAD, and parts of them (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from kolorit.web.problems import Refused

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)


def send_file(
    request: Request,
    path: Path,
    media_type: str,
    *,
    tag: str | None = None,
    headers: Mapping[str, str] | None = None,
    after: Callable[[], object] | None = None,
) -> Response:
    """A file, or the part of it that was asked for, or 304 where the client has it.

    tag: names these very bytes; without one there are no parts. after: called when all is sent.
    The file is opened here: it may be deleted while it is being sent. Raises Refused 416, and
    FileNotFoundError.
    """
    file = path.open("rb")
    try:
        size = os.fstat(file.fileno()).st_size
        found = dict(headers or {})
        part = None
        if tag is not None:
            found |= {"ETag": f'"{tag}"', "Accept-Ranges": "bytes"}
            if has_it(request.headers.get("if-none-match"), tag):
                file.close()
                return Response(status_code=304, headers=found)
            current = request.headers.get("if-range", f'"{tag}"') == f'"{tag}"'
            if current and request.method == "GET":  # no other method has parts
                part = parse_range(request.headers.get("range"), size)
        start, stop = part or (0, size)
        if part is not None:
            found["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        found["Content-Length"] = str(stop - start)
        status = 200 if part is None else 206
        if request.method == "HEAD":
            file.close()
            return Response(status_code=status, headers=found, media_type=media_type)
        task = None if after is None else BackgroundTask(_here(after))
        return _Stream(file, (start, stop), status, found, media_type, task)
    except BaseException:
        file.close()
        raise


class _Stream(StreamingResponse):
    """The bytes of a file from start to stop, which is closed in the end: also where the client
    has gone, and before anything is collected. Until then its disk space would be taken.
    """

    def __init__(self, file: BinaryIO, part: tuple[int, int], *rest: Any) -> None:
        super().__init__(_read(file, *part), *rest)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


def parse_range(value: str | None, size: int) -> tuple[int, int] | None:
    """(first byte, the one after the last) of a Range header.

    None, all of it, for several ranges, other units and what makes no sense: a server may leave
    them alone. Raises Refused 416 for one that begins behind the end.
    """
    found = _RANGE.fullmatch(value or "")
    if found is None or found.groups() == ("", ""):
        return None
    first, last = (int(digits) if digits else None for digits in found.groups())
    if first is None:
        assert last is not None
        first, stop = max(size - last, 0), size
    else:
        if last is not None and last < first:
            return None
        stop = size if last is None else min(last + 1, size)
    if first >= stop:
        raise Refused(
            416,
            f"the file has {size} bytes",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return first, stop


def has_it(if_none_match: str | None, tag: str) -> bool:
    """Whether the client says that it has these bytes already."""
    given = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
    return f'"{tag}"' in given or given == ["*"]


def _here(function: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    """The same for the event loop: a plain function would be called in another thread."""

    async def call() -> None:
        function()

    return call


def _read(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    file.seek(start)
    while start < stop and (chunk := file.read(min(_CHUNK, stop - start))):
        start += len(chunk)
        yield chunk
