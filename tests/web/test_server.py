"""web/server.py: nobody may be slow for long, and the end is graceful. Raw sockets throughout."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from kolorit.errors import AddressInUse, ConfigInvalid
from kolorit.web.figures import Figures
from kolorit.web.gate import Gate
from kolorit.web.server import Address, listen, make_server

from .conftest import FIGURES, running, talk

QUICK = replace(
    FIGURES, header_seconds=0.4, body_seconds=0.5, body=200_000, connections=4, stop_seconds=2
)
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body and says how long it was; /refuse answers without reading."""
    size = 0
    status = 200
    if scope["path"] == "/refuse":
        status = 413
    else:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message["body"])
            if not message["more_body"]:
                break
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    body = f"{size} bytes".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with running(echo, QUICK) as address:
        yield address


def took(address: Address, *parts: bytes, pause: float = 0.0) -> tuple[float, bytes]:
    began = time.monotonic()
    answer = talk(address, *parts, pause=pause)
    return time.monotonic() - began, answer


def problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head
    found: dict[str, Any] = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % found["status"])
    return found


def test_it_answers(address: Address) -> None:
    answer = talk(address, GET, LAST)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert b"server:" not in answer.lower()


def test_a_silent_client_is_closed(address: Address) -> None:
    seconds, answer = took(address)
    assert 0.3 < seconds < 1.3
    assert answer == b""


def test_dripping_headers_are_closed(address: Address) -> None:
    drops = [b"GET / HTTP/1.1\r\n", *[b"A: b\r\n"] * 8]
    seconds, answer = took(address, *drops, pause=0.1)
    assert 0.3 < seconds < 1.5
    assert problem(answer)["code"] == "request-timeout"


def test_the_second_request_has_a_deadline_too(address: Address) -> None:
    seconds, answer = took(address, GET, b"GET / HTTP/1.1\r\n")
    assert 0.3 < seconds < 1.3
    assert b"HTTP/1.1 200 OK" in answer
    assert b"HTTP/1.1 408 " in answer


def test_blank_lines_keep_no_connection_open(address: Address) -> None:
    seconds, _ = took(address, GET, b"\r\n")
    assert seconds < 1.5


def test_a_dripping_body_is_closed(address: Address) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    seconds, answer = took(address, head, *[b"x"] * 8, pause=0.1)
    assert 0.4 < seconds < 2
    assert problem(answer)["code"] == "request-timeout"


def test_a_body_below_the_rate_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kolorit.web.server._SLOW_START", 0.2)
    figures = replace(QUICK, body_seconds=3, body_rate=100_000)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n"
    with running(echo, figures) as address:
        seconds, answer = took(address, head, *[b"x" * 500] * 12, pause=0.1)
        assert seconds < 2
        assert b"HTTP/1.1 408 " in answer
        pieces = [b"x" * 15_000] * 10
        _, answer = took(address, head.replace(b"Host", b"Connection: close\r\nHost"), *pieces,
                         pause=0.05)  # fmt: skip
        assert answer.endswith(b"150000 bytes")


def test_a_steady_client_beside_drippers_is_unharmed(address: Address) -> None:
    """As many that drip as there are places, in headers and in bodies."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for start in [head] * 3 + [b"GET / HT"] * 4:
            one = socket.create_connection(("127.0.0.1", address.port))
            stack.enter_context(one).sendall(start)
        seconds, answer = took(address, LAST)
    assert seconds < 0.4
    assert b"200 OK" in answer


def test_who_waits_longest_makes_room(address: Address) -> None:
    time.sleep(0.1)
    with contextlib.ExitStack() as stack:
        waiting = []
        for _ in range(6):
            one = socket.create_connection(("127.0.0.1", address.port), timeout=0.3)
            waiting.append(stack.enter_context(one))
            time.sleep(0.02)
        for one in waiting[:2]:
            with contextlib.suppress(ConnectionResetError):
                assert one.recv(1) == b""  # closed long before its deadline
        for one in waiting[2:]:
            one.sendall(LAST)
            assert one.recv(100).startswith(b"HTTP/1.1 200")


def test_a_refused_body_is_read_away_and_the_connection_lives(address: Address) -> None:
    head = b"POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    answer = talk(address, head + b"x" * 50_000, b"x" * 50_000, LAST, pause=0.05)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"HTTP/1.1 200 OK" in answer


def test_a_refused_body_without_end_is_cut(address: Address) -> None:
    head = b"POST /refuse HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", address.port), timeout=5) as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
        with contextlib.suppress(ConnectionError):
            while sent < 50_000_000:
                connection.sendall(chunk)
                sent += len(chunk)
    assert sent < 50_000_000  # the kernel's buffers take some


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nhello",
        b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 600_000 + b"\r\n\r\n",
    ],
    ids=["nonsense", "no host", "two hosts", "two lengths", "below zero", "long header"],
)
def test_what_is_no_http_is_400(address: Address, request_: bytes) -> None:
    found = problem(talk(address, request_))
    assert (found["status"], found["code"]) == (400, "malformed-request")


def test_a_reader_that_does_not_read_is_closed() -> None:
    ended = threading.Event()

    async def pour(scope: Any, receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(10_000):
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
                if not (await asyncio.sleep(0)) and ended.is_set():
                    return
        finally:
            ended.set()

    with running(pour, QUICK) as address:
        with socket.create_connection(("127.0.0.1", address.port)) as connection:
            connection.sendall(GET)
            assert ended.wait(4)  # the connection is gone, so sends end at once


def test_what_is_under_way_ends_before_the_server() -> None:
    answers: list[bytes] = []
    with running(echo, QUICK) as address:
        asking = LAST.replace(b"GET /", b"GET /slow")
        thread = threading.Thread(target=lambda: answers.append(talk(address, asking)))
        thread.start()
        time.sleep(0.2)
    thread.join()
    assert b"200 OK" in answers[0]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", address.port))


def test_the_end_waits_for_nobody_too_long() -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(60)

    gate = Gate(never, QUICK, 80, ("a",))
    with running(gate, QUICK) as address:
        connection = socket.create_connection(("127.0.0.1", address.port))
        connection.sendall(GET)
        time.sleep(0.1)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    with connection:
        head, _, body = connection.recv(5000).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert json.loads(body)["code"] == "busy"


def test_an_address_in_use() -> None:
    with listen("127.0.0.1", 0).socket as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse) as caught:
            listen("127.0.0.1", port)
    assert caught.value.file == f"127.0.0.1:{port}"
    assert "--port" in caught.value.remedy


def test_an_address_of_another_computer() -> None:
    with pytest.raises(ConfigInvalid, match="not possible to listen"):
        listen("192.0.2.7", 0)


def test_addresses_as_a_browser_opens_them() -> None:
    for host, shown in (("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")):
        address = listen(host, 0)
        address.socket.close()
        assert address.url == f"http://{shown}:{address.port}/"


def test_a_signal_is_kept_and_not_raised_again() -> None:
    import signal

    server = make_server(echo, Figures(), lambda: None)
    server.handle_exit(signal.SIGTERM, None)
    assert (server.stopped_by, server.should_exit) == (signal.SIGTERM, True)
    server.handle_exit(signal.SIGINT, None)  # impatience; the first signal decides
    assert (server.stopped_by, server.force_exit) == (signal.SIGTERM, True)
    assert server._captured_signals == []
