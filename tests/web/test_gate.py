"""web/gate.py: who comes in, how much they may bring, and what every answer says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from kolorit.web.figures import Figures
from kolorit.web.gate import HEADERS, JSON_BYTES, Gate, address_of, is_here

FIGURES = replace(Figures(), body=1000)
PORT = 8765


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        return found


class Inside:
    """The application behind the gate: reads all, answers with the number of bytes."""

    def __init__(self) -> None:
        self.called = 0
        self.read = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.called += 1
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            self.read += len(message["body"])
            if not message["more_body"]:
                break
        headers = [(b"cache-control", b"no-cache")] if scope["path"] == "/static/a" else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"%d" % self.read})


def ask(
    gate: Gate,
    *headers: tuple[str, str],
    method: str = "GET",
    path: str = "/v1/models",
    body: Iterable[bytes] = (b"",),
    host: str | None = f"127.0.0.1:{PORT}",
    client: str = "127.0.0.1",
) -> Answer:
    sent: list[Any] = []
    chunks = list(body)

    async def receive() -> Any:
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def send(message: Any) -> None:
        sent.append(message)

    given = [*headers, *([("host", host)] if host is not None else [])]
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in given]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    scope["client"] = (client, 5)
    asyncio.run(gate(scope, receive, send))
    assert [m["type"] for m in sent] == ["http.response.start", "http.response.body"]
    said = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert len(said) == len(sent[0]["headers"])  # nothing twice
    return Answer(sent[0]["status"], said, sent[1]["body"])


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("127.0.0.1:8765", True),
        ("localhost:8765", True),
        ("LocalHost:8765", True),
        ("[::1]:8765", True),
        ("photos.example", True),  # --allow-host without a port
        ("photos.example:8765", True),
        ("PHOTOS.example:443", True),
        ("museum.example:9000", True),  # --allow-host with one
        ("museum.example:8765", False),
        ("museum.example", False),
        ("127.0.0.1", False),  # port 80
        ("localhost", False),
        ("127.0.0.1:80", False),
        ("127.0.0.1:8766", False),
        ("127.0.0.1:08765", False),
        ("127.0.0.1:", False),
        ("127.0.0.1:8765:8765", False),
        ("127.0.0.2:8765", False),
        ("0.0.0.0:8765", False),
        ("[::]:8765", False),
        ("::1:8765", False),
        ("[::1]", False),
        ("[::1%lo]:8765", False),
        ("[0:0:0:0:0:0:0:1]:8765", False),  # no browser writes it so
        ("localhost.:8765", False),
        ("localhost.evil.example:8765", False),
        ("evil.example:8765", False),
        ("photos.example.evil.example", False),
        ("evilphotos.example", False),
        ("user@localhost:8765", False),
        ("localhost:8765@evil.example", False),
        ("localhost:8765/", False),
        ("localhost:8765,evil.example", False),
        ("http://localhost:8765", False),
        ("2130706433:8765", False),
        ("0x7f.1:8765", False),
        ("", False),
        (" ", False),
        ("local\xadhost:8765", False),
        (None, False),
    ],
)
def test_hosts(host: str | None, good: bool) -> None:
    inside = Inside()
    gate = Gate(inside, FIGURES, PORT, ("photos.example", "museum.example:9000"))
    answer = ask(gate, host=host)
    assert answer.status == (200 if good else 421)
    assert inside.called == good
    if not good:
        assert answer.problem["code"] == "misdirected-request"


def test_two_hosts_are_none() -> None:
    assert ask(Gate(Inside(), FIGURES, PORT), ("host", f"127.0.0.1:{PORT}")).status == 421


def test_port_80_needs_no_number() -> None:
    gate = Gate(Inside(), FIGURES, 80)
    assert [ask(gate, host=h).status for h in ("localhost", "localhost:80", "[::1]")] == [200] * 3


OWN = f"http://127.0.0.1:{PORT}"


@pytest.mark.parametrize(
    ("headers", "good"),
    [
        ([], True),  # a program
        ([("Origin", OWN)], True),
        ([("Origin", OWN), ("Sec-Fetch-Site", "same-origin")], True),
        ([("Sec-Fetch-Site", "none")], True),  # typed by the user
        ([("Origin", OWN.upper())], True),
        ([("Origin", f"https://127.0.0.1:{PORT}")], True),  # behind a proxy
        ([("Origin", "null")], False),
        ([("Origin", "")], False),
        ([("Origin", "http://evil.example")], False),
        ([("Origin", "http://127.0.0.1")], False),
        ([("Origin", "http://127.0.0.1:8766")], False),
        ([("Origin", f"http://localhost:{PORT}")], False),  # not the Host that was used
        ([("Origin", f"{OWN}.evil.example")], False),
        ([("Origin", f"{OWN}/")], False),
        ([("Origin", f"ftp://127.0.0.1:{PORT}")], False),
        ([("Origin", OWN), ("Origin", "http://evil.example")], False),
        ([("Origin", OWN), ("Origin", OWN)], False),
        ([("Sec-Fetch-Site", "cross-site")], False),
        ([("Sec-Fetch-Site", "same-site")], False),
        ([("Sec-Fetch-Site", "sideways")], False),
        ([("Origin", OWN), ("Sec-Fetch-Site", "cross-site")], False),
    ],
)
def test_origins(headers: list[tuple[str, str]], good: bool) -> None:
    for method in ("POST", "DELETE", "PUT", "PATCH", "BREW"):
        answer = ask(Gate(Inside(), FIGURES, PORT), *headers, method=method)
        assert answer.status == (200 if good else 403)
        if not good:
            assert answer.problem["code"] == "foreign-origin"
    assert ask(Gate(Inside(), FIGURES, PORT), *headers, method="GET").status == 200


@pytest.mark.parametrize(
    ("given", "good"),
    [
        ("Bearer secret-secret-se", True),
        ("bearer secret-secret-se", True),
        ("Bearer  secret-secret-se ", True),
        ("Bearer secret-secret-sf", False),
        ("Bearer secret-secret-s", False),
        ("Bearer secret-secret-see", False),
        ("Bearer", False),
        ("Basic secret-secret-se", False),
        ("secret-secret-se", False),
        ("Bearer s\xe9cret", False),
        ("", False),
        (None, False),
    ],
)
def test_tokens(given: str | None, good: bool) -> None:
    gate = Gate(Inside(), FIGURES, PORT, token="secret-secret-se")
    headers = [] if given is None else [("Authorization", given)]
    answer = ask(gate, *headers)
    assert answer.status == (200 if good else 401)
    if not good:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.problem["code"] == "token-needed"


@pytest.mark.parametrize(
    ("path", "open_"),
    [
        ("/", True),
        ("/docs", True),
        ("/static/app.js", True),
        ("/openapi.json", True),
        ("/healthz", True),
        ("/readyz", True),
        ("/metrics", False),
        ("/v1/models", False),
        ("/v1/colorize", False),
        ("//v1/models", False),
        ("/static", False),
        ("/unknown", False),
    ],
)
def test_what_needs_the_token(path: str, open_: bool) -> None:
    gate = Gate(Inside(), FIGURES, PORT, token="secret-secret-se")
    assert ask(gate, path=path).status == (200 if open_ else 401)


def test_two_tokens_are_none() -> None:
    gate = Gate(Inside(), FIGURES, PORT, token="secret-secret-se")
    good = ("Authorization", "Bearer secret-secret-se")
    assert ask(gate, good, good).status == 401


def upload(gate: Gate, *headers: tuple[str, str], body: Iterable[bytes] = (b"",)) -> Answer:
    return ask(gate, *headers, method="POST", path="/v1/colorize", body=body)


def test_a_long_body_is_refused_before_it_is_read() -> None:
    inside = Inside()
    answer = upload(Gate(inside, FIGURES, PORT), ("Content-Length", "1001"))
    assert (answer.status, inside.called) == (413, 0)
    assert answer.problem["code"] == "limit-exceeded"
    assert "0.0 MB" in answer.problem["detail"]
    assert upload(Gate(inside, FIGURES, PORT), ("Content-Length", "1000")).status == 200


def test_a_body_is_counted_as_it_comes() -> None:
    """Chunked, or under a Content-Length that lies."""
    inside = Inside()
    answer = upload(Gate(inside, FIGURES, PORT), body=[b"x" * 300] * 100)
    assert (answer.status, answer.problem["code"]) == (413, "limit-exceeded")
    assert inside.read == 900  # the fourth piece did not get through
    inside = Inside()
    assert upload(Gate(inside, FIGURES, PORT), body=[b"x" * 500] * 2).body == b"1000"


def test_a_body_with_two_lengths_is_refused_and_ends_the_connection() -> None:
    """A proxy before the server could take the rest of it for another client's request."""
    inside = Inside()
    gate = Gate(inside, FIGURES, PORT)
    answer = upload(gate, ("Content-Length", "4"), ("Transfer-Encoding", "chunked"))
    assert (answer.problem["status"], answer.headers["connection"]) == (400, "close")
    assert not inside.called


def test_headers_have_a_bound() -> None:
    """Also where they come in one piece, which h11 does not mind."""
    gate = Gate(Inside(), FIGURES, PORT)
    assert ask(gate, ("A", "x" * 16_000)).status == 200
    answer = ask(gate, ("A", "x" * 8_000), ("B", "x" * 9_000))
    assert (answer.problem["status"], answer.headers["connection"]) == (400, "close")


def test_only_photographs_may_be_large() -> None:
    gate = Gate(Inside(), Figures(), PORT)
    large = ("Content-Length", str(JSON_BYTES + 1))
    assert ask(gate, large, method="POST", path="/v1/zip").status == 413
    for path in ("/v1/colorize", "/v1/jobs", "/v1/views"):
        assert ask(gate, large, method="POST", path=path).status == 200


def test_too_many_at_once_are_told_to_come_back() -> None:
    gate = Gate(Inside(), FIGURES, PORT)
    gate.under_way["127.0.0.1"] = FIGURES.connections
    answer = ask(gate)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert ask(gate, path="/healthz").status == 200
    assert gate.under_way.total() == FIGURES.connections


def test_one_other_computer_leaves_places_for_the_rest() -> None:
    gate = Gate(Inside(), FIGURES, PORT)
    gate.under_way["192.0.2.7"] = gate.under_way["127.0.0.1"] = FIGURES.per_address
    answer = ask(gate, client="192.0.2.7")
    assert (answer.status, answer.problem["code"]) == (429, "too-many")
    assert "retry-after" in answer.headers
    assert ask(gate, client="192.0.2.8").status == ask(gate, client="127.0.0.1").status == 200
    assert set(gate.under_way) == {"192.0.2.7", "127.0.0.1"}


@pytest.mark.parametrize(
    ("client", "address", "here"),
    [
        (("192.0.2.1", 5), "192.0.2.1", False),
        (("::1", 5), "::1", True),
        (("127.0.0.9", 5), "127.0.0.9", True),
        (None, "127.0.0.1", True),  # a socket of this computer's own
        (("strange", 0), "strange", False),
    ],
)
def test_clients_are_told_apart_by_address(client: Any, address: str, here: bool) -> None:
    assert address_of({"client": client}) == address
    assert is_here(address) is here


def test_places_are_given_back() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("planted")

    gate = Gate(broken, FIGURES, PORT)
    with pytest.raises(RuntimeError):
        ask(gate)
    assert not gate.under_way


def test_every_answer_carries_the_headers() -> None:
    gate = Gate(Inside(), FIGURES, PORT)
    for answer in (ask(gate), ask(gate, host="evil.example")):
        for name, value in HEADERS.items():
            assert answer.headers[name.lower()] == value
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert ask(gate, path="/static/a").headers["cache-control"] == "no-cache"
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_web_sockets_are_not_there() -> None:
    inside = Inside()
    asyncio.run(Gate(inside, FIGURES, PORT)({"type": "websocket"}, None, None))  # type: ignore[arg-type]
    assert not inside.called
