"""web/answers.py: parts of files, entity tags, HEAD; against the cases of RFC 9110, section 14."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from kolorit.web.answers import has_it, parse_range, send_file
from kolorit.web.problems import Refused

CONTENT = bytes(range(250)) * 4000  # a million bytes


@pytest.mark.parametrize(
    ("value", "part"),
    [
        # RFC 9110, 14.1.2, for 10,000 bytes
        ("bytes=0-499", (0, 500)),
        ("bytes=500-999", (500, 1000)),
        ("bytes=-500", (9500, 10_000)),
        ("bytes=9500-", (9500, 10_000)),
        ("bytes=0-0", (0, 1)),
        ("bytes=0-99999999", (0, 10_000)),
        ("bytes=-99999999", (0, 10_000)),
        ("BYTES=0-499", (0, 500)),
        ("bytes= 0-499 ", (0, 500)),
        ("bytes=0-0,-1", None),  # several: all of it
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=a-b", None),
        ("bytes=--5", None),
        ("bytes=1.5-2", None),
        ("lines=0-5", None),
        ("0-5", None),
        ("bytes=" + "9" * 5000 + "-", None),
        ("", None),
        (None, None),
    ],
)
def test_ranges(value: str | None, part: tuple[int, int] | None) -> None:
    assert parse_range(value, 10_000) == part


@pytest.mark.parametrize("value", ["bytes=10000-", "bytes=10000-10001", "bytes=-0"])
def test_ranges_behind_the_end(value: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_range(value, 10_000)
    assert caught.value.status == 416
    assert caught.value.headers == {"Content-Range": "bytes */10000"}


@pytest.mark.parametrize(
    ("given", "has"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ("", False),
        (None, False),
    ],
)
def test_entity_tags(given: str | None, has: bool) -> None:
    assert has_it(given, "a") is has


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "a").write_bytes(CONTENT)
    return tmp_path / "a"


def send(path: Path, method: str = "GET", *, unlink: bool = False, tag: str | None = "a",
         after: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/", "headers": raw}
    response = send_file(
        Request(scope), path, "image/png", tag=tag, headers={"A": "b"}, after=after
    )
    if unlink:
        path.unlink()
    sent: list[Any] = []

    async def run() -> None:
        async def receive() -> Any:
            await asyncio.sleep(60)

        async def keep(message: Any) -> None:
            sent.append(message)

        await response(scope, receive, keep)

    asyncio.run(run())
    given = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert given["a"] == "b"
    return sent[0]["status"], given, b"".join(message.get("body", b"") for message in sent[1:])


def test_whole(path: Path) -> None:
    status, headers, body = send(path)
    assert (status, body) == (200, CONTENT)
    assert (headers["content-length"], headers["etag"]) == ("1000000", '"a"')
    assert headers["accept-ranges"] == "bytes"


def test_a_file_that_is_deleted_meanwhile(path: Path) -> None:
    assert send(path, unlink=True)[2] == CONTENT


def test_a_part(path: Path) -> None:
    status, headers, body = send(path, range="bytes=300000-699999")
    assert (status, body) == (206, CONTENT[300_000:700_000])
    assert headers["content-range"] == "bytes 300000-699999/1000000"
    assert headers["content-length"] == "400000"


def test_the_parts_make_the_whole(path: Path) -> None:
    ends = range(0, len(CONTENT), 123_457)
    parts = [send(path, range=f"bytes={at}-{at + 123_456}")[2] for at in ends]
    assert b"".join(parts) == CONTENT


def test_head(path: Path) -> None:
    assert send(path, "HEAD")[::2] == (200, b"")
    status, headers, body = send(path, "HEAD", range="bytes=0-9")
    assert (status, headers["content-length"], body) == (200, "1000000", b"")


def test_what_the_client_has_is_not_sent(path: Path) -> None:
    assert send(path, if_none_match='"a"')[::2] == (304, b"")
    assert send(path, if_none_match='"b"')[0] == 200


def test_a_part_of_what_it_has_no_more(path: Path) -> None:
    assert send(path, range="bytes=0-9", if_range='"a"')[0] == 206
    assert send(path, range="bytes=0-9", if_range='"b"')[0] == 200
    assert send(path, range="bytes=0-9", if_range="Wed, 21 Oct 2015 07:28:00 GMT")[0] == 200


def test_without_a_tag_there_are_no_parts(path: Path) -> None:
    status, headers, body = send(path, tag=None, range="bytes=0-9")
    assert (status, body) == (200, CONTENT)
    assert "etag" not in headers


def test_something_afterwards(path: Path) -> None:
    """In the same thread: a store is for one."""
    called: list[int] = []
    send(path, after=lambda: called.append(threading.get_ident()))
    assert called == [threading.get_ident()]


def test_who_goes_away_leaves_no_file_open(path: Path) -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    response = send_file(Request(scope), path, "image/png")
    file = response._file  # type: ignore[attr-defined]

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async def stall(message: Any) -> None:
        await asyncio.sleep(60)

    asyncio.run(response(scope, gone, stall))
    assert file.closed


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        send(tmp_path / "none")
