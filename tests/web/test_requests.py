"""web/requests.py: photographs on their way in, and clients on their way out."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from kolorit.errors import Busy, InputUnreadable
from kolorit.web.options import TextOptions
from kolorit.web.problems import Refused
from kolorit.web.requests import (
    Sent,
    check_type,
    receive,
    seconds_to_wait,
    until_gone,
)
from kolorit.web.store import ORIGINAL, Store

from .conftest import FIGURES, photo

JPEG = photo()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    folder = tmp_path / "store"
    folder.mkdir()
    return Store(folder, FIGURES)


def request(chunks: Iterable[bytes] = (), query: bytes = b"", **headers: str) -> Request:
    """With this body, after which the client is gone."""
    parts = list(chunks)

    async def come() -> Any:
        if not parts:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    raw = [(k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": raw, "app": None,
             "query_string": query, "client": ("192.0.2.1", 5)}  # fmt: skip
    return Request(scope, come)


def form(*parts: tuple[str, str | None, bytes], boundary: str = "xyz") -> Request:
    """A multipart body of (field, file name, content)."""
    body = b""
    for name, file, content in parts:
        shown = "" if file is None else f'; filename="{file}"'
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{shown}'.encode()
        body += b"\r\n\r\n" + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    return request(pieces, content_type=f"multipart/form-data; boundary={boundary}")


def get(asked: Request, store: Store, query: TextOptions | None = TextOptions()) -> Sent:  # noqa: B008
    return asyncio.run(receive(asked, store, query))


def left(folder: Path) -> list[Path]:
    """Files of photographs that lie somewhere."""
    return [path for path in folder.rglob("*") if path.name == ORIGINAL or path.suffix]


def test_a_raw_body(store: Store) -> None:
    sent = get(request([JPEG[:100], JPEG[100:], b""], content_type="text/html"), store)
    assert (store.path(sent.id) / ORIGINAL).read_bytes() == JPEG
    assert sent.digest == hashlib.sha256(JPEG).hexdigest()
    assert (sent.name, sent.options) == ("photo", TextOptions())


def test_a_form(store: Store) -> None:
    sent = get(form(("strength", None, b"0.5"), ("image", "farm.jpg", JPEG)), store,
               TextOptions(look="faithful"))  # fmt: skip
    assert (store.path(sent.id) / ORIGINAL).read_bytes() == JPEG
    assert sent.digest == hashlib.sha256(JPEG).hexdigest()
    assert sent.name == "farm.jpg"
    assert sent.options == TextOptions(look="faithful", strength=0.5)


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "/etc/passwd", "..\\x", "a\0b.jpg", "\u202e.jpg", "x" * 3000, "a/../b"],
)
def test_a_client_s_name_is_never_a_path(name: str, store: Store, tmp_path: Path) -> None:
    try:
        sent = get(form(("image", name, JPEG)), store)
    except HTTPException:  # a NUL in a header, or one that is too long
        assert left(tmp_path / "store") == []
        return
    assert "/" not in sent.name
    files = [path for path in left(tmp_path) if path.stat().st_size == len(JPEG)]
    assert files == [store.path(sent.id) / ORIGINAL]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (lambda: form(("picture", "a.jpg", JPEG)), 422),
        (lambda: form(("image", None, JPEG)), 422),
        (lambda: form(("strength", None, b"1")), 422),
        (lambda: form(("image", "a.jpg", JPEG), ("strength", None, b"1"),
                      ("strength", None, b"0")), 422),
        (lambda: form(("image", "a.jpg", JPEG), ("look", None, b"vivid")), 422),  # in the query too
        (lambda: form(("image", "a.jpg", JPEG), ("image", "b.jpg", JPEG)), 400),
        (lambda: form(("image", "a.jpg", JPEG), *[(f"f{n}", None, b"") for n in range(99)]), 400),
        (lambda: form(("hints", None, b"x" * 300_000)), 400),
        (lambda: form(("x" * 9000, None, b"")), 400),
        (lambda: form(("image", "a.jpg", JPEG), boundary="b" * 300), 400),
        (lambda: request([b"--x"], content_type="multipart/form-data"), 400),
        (lambda: request([b"nonsense"], content_type="multipart/form-data; boundary=x"), 400),
    ],
)  # fmt: skip
def test_forms_that_are_refused(asked: Any, status: int, store: Store, tmp_path: Path) -> None:
    with pytest.raises((Refused, HTTPException)) as caught:
        get(asked(), store, TextOptions(look="faithful"))
    error = caught.value
    assert (error.status if isinstance(error, Refused) else error.status_code) == status
    assert left(tmp_path / "store") == []


def test_a_form_s_options_are_checked(store: Store, tmp_path: Path) -> None:
    for name in ("strength", "unknown"):
        with pytest.raises(RequestValidationError):
            get(form(("image", "a.jpg", JPEG), (name, None, b"7")), store)
    assert left(tmp_path / "store") == []


@pytest.mark.parametrize(
    ("query", "options"), [(b"look=vivid&look=faithful", TextOptions()), (b"url=http://a", None)]
)
def test_addresses_that_are_refused(
    query: bytes, options: TextOptions | None, store: Store, tmp_path: Path
) -> None:
    with pytest.raises(Refused) as caught:
        get(request([JPEG], query), store, options)
    assert caught.value.status == 422
    assert not left(tmp_path)


def test_a_view_takes_no_options(store: Store) -> None:
    assert get(form(("image", "a.jpg", JPEG)), store, None).name == "a.jpg"
    with pytest.raises(Refused, match="no options"):
        get(form(("image", "a.jpg", JPEG), ("strength", None, b"1")), store, None)


def test_who_goes_away_leaves_nothing(store: Store, tmp_path: Path) -> None:
    async def cut() -> None:
        asked = request([JPEG[:100], b"more"])
        chunks = iter([{"type": "http.request", "body": JPEG, "more_body": True}])
        asked._receive = lambda: _next(chunks)  # type: ignore[assignment]
        await receive(asked, store, TextOptions())

    async def _next(chunks: Any) -> Any:
        return next(chunks, {"type": "http.disconnect"})

    with pytest.raises(ClientDisconnect):
        asyncio.run(cut())
    assert left(tmp_path / "store") == []


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (photo("JPEG"), 0), (photo("PNG"), 0), (photo("TIFF"), 0), (photo("WEBP"), 0),
        (photo("GIF"), 0), (photo("AVIF"), 0),
        (photo("BMP"), 415), (photo("JPEG2000"), 415), (b"8BPS\0\1", 415), (b"%!PS-Adobe", 415),
        (b"\xd7\xcd\xc6\x9a", 415), (b"SIMPLE  =", 415), (b"<svg xmlns=''/>", 415),
        (b"%PDF-1.7", 415), (b"GIF89", 415), (b"PK\3\4", 415), (b"hello", 415), (b"\0" * 99, 415),
        (b"http://127.0.0.1/a.jpg", 415), (b"file:///etc/passwd", 415), (b"data:image/png,", 415),
    ],
    ids=lambda value: str(value)[:24],
)  # fmt: skip
def test_types_by_signature(content: bytes, status: int, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    if not status:
        check_type(path)
        return
    with pytest.raises(Refused) as caught:
        check_type(path)
    assert caught.value.status == status
    assert str(tmp_path) not in caught.value.detail


def test_nothing_is_no_photograph(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(InputUnreadable, match="no bytes"):
        check_type(tmp_path / "a")


@pytest.mark.parametrize(
    ("prefer", "seconds", "chosen"),
    [
        ("wait=5", 5, True),
        ("respond-async, wait=5", 5, True),
        ('Wait = "5"; x=y, other', 5, True),
        ("wait=0", 0, True),
        ("wait=999999", 60, True),
        ("wait=-5", 60, False),
        ("wait=1.5", 60, False),
        ("wait=99999999999", 60, False),
        ("await=5", 60, False),
        ("wait", 60, False),
        ("", 60, False),
        (None, 60, False),
    ],
)
def test_how_long_to_wait(prefer: str | None, seconds: float, chosen: bool) -> None:
    assert seconds_to_wait(prefer, 60) == (seconds, chosen)


def test_work_ends_when_nobody_waits_for_it() -> None:
    ended: list[str] = []

    async def work() -> int:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return 5

    async def quick() -> int:
        return 5

    async def fails() -> int:
        raise InputUnreadable("torn")

    assert asyncio.run(until_gone(request(), quick())) == 5
    with pytest.raises(InputUnreadable):
        asyncio.run(until_gone(request(), fails()))
    with pytest.raises(ClientDisconnect):
        asyncio.run(until_gone(request(), work()))
    assert ended == ["cancelled"]


def test_a_slow_photograph_is_not_swept_away_by_others(store: Store) -> None:
    """Between its two halves come as many others as the store keeps."""

    async def come() -> Any:
        if len(list(store.folder.iterdir())) > 2:
            return {"type": "http.request", "body": JPEG[100:], "more_body": False}
        for _ in range(FIGURES.kept):
            store.put()
        store.sweep(spare=1)
        return {"type": "http.request", "body": JPEG[:100], "more_body": True}

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "app": None,
             "query_string": b""}  # fmt: skip
    sent = get(Request(scope, come), store)
    assert (store.path(sent.id) / ORIGINAL).read_bytes() == JPEG


def test_a_full_store_takes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> str:
        raise Busy("full")

    monkeypatch.setattr(store, "put", full)
    with pytest.raises(Busy, match="full"):
        get(request([JPEG]), store)
