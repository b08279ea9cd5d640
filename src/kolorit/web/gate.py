"""The gate before every route: who may come in, how much they may bring, what every answer says.

    Host -> Origin -> token -> room -> size of the body, known or counted -> the application

A page of another site that a browser has open can send requests here, even under a name that it
made point here. So the Host must be one of ours, and what changes anything must come from a page
of ours or from no page at all. There are no cookies and no CORS headers.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from kolorit.errors import Busy, LimitExceeded, TooMany
from kolorit.picture.limits import megabytes
from kolorit.web.figures import Figures
from kolorit.web.problems import MEDIA_TYPE, Refused, body_of, problem_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN_NAMES = ("127.0.0.1", "[::1]", "localhost")
OPEN = ("/", "/docs", "/openapi.json", "/healthz", "/readyz")  # and /static/: no token needed
HEALTH = ("/healthz", "/readyz")  # answered however many requests are under way
UPLOADS = ("/v1/colorize", "/v1/jobs", "/v1/views")  # take a photograph
HEADER_BYTES = 16_384
JSON_BYTES = 4_000_000  # the largest body of the others
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")  # methods that change nothing

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; font-src 'none'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=()",
    "Cache-Control": "no-store",
}
RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

# A proxy before this server may think that the next request begins elsewhere.
CLOSE = {"Connection": "close"}

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([1-9]\d{0,4}))?")


class Gate:
    """An ASGI application around another one.

    port: where the server listens. hosts: further names for it; one with a port is good with that
    port only, one without with any. token: what requests must carry, or None.
    """

    def __init__(
        self,
        app: App,
        figures: Figures,
        port: int,
        hosts: Iterable[str] = (),
        token: str | None = None,
    ) -> None:
        self.app, self.figures = app, figures
        ours = {f"{name}:{port}" for name in OWN_NAMES}
        self.hosts = {*ours, *(host.lower() for host in hosts)}
        if port == 80:
            self.hosts |= set(OWN_NAMES)
        self.token = token
        self.under_way: Counter[str] = Counter()  # requests by the client's address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # no web sockets here
            return
        try:
            most = self._let_in(scope)
        except (Refused, Busy, LimitExceeded) as error:
            await refuse(error, scope["path"], send)
            return
        client = address_of(scope)
        self.under_way[client] += 1
        try:
            await self._pass_on(scope, receive, send, most)
        finally:
            self.under_way[client] -= 1
            self.under_way += Counter()  # forgets those who have none

    def _let_in(self, scope: Scope) -> int:
        """The largest body for this request, or the error that keeps it out."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        method, path = scope["method"], scope["path"]
        if sum(len(name) + len(value) for name, value in headers) > HEADER_BYTES:
            raise Refused(400, "the headers are too long", headers=CLOSE)
        host = self._check_host(_all(headers, b"host"))
        if method not in SAFE:
            check_origin(host, _all(headers, b"origin"), _all(headers, b"sec-fetch-site"))
        if path not in OPEN and not path.startswith("/static/"):
            self._check_token(_all(headers, b"authorization"))
        if path not in HEALTH:
            self._check_room(address_of(scope))
        most = self.figures.body if path in UPLOADS else min(JSON_BYTES, self.figures.body)
        lengths = _all(headers, b"content-length")
        if lengths and _all(headers, b"transfer-encoding"):
            raise Refused(400, "the body has two lengths", headers=CLOSE)
        if any(int(length) > most for length in lengths):
            raise _too_long(most)
        return most

    def _check_room(self, client: str) -> None:
        """Raises Busy where all places are taken, and TooMany where one other computer has its
        share of them; those on this one are a single user's.
        """
        taken = self.under_way.total()
        if taken >= self.figures.connections:
            raise Busy(f"{taken} requests are under way", retry_after=1)
        if self.under_way[client] >= self.figures.per_address and not is_here(client):
            raise TooMany(f"{self.under_way[client]} requests of yours are under way")

    def _check_host(self, given: list[str]) -> str:
        """The host and port that the client thinks it speaks to. Raises Refused 421."""
        host = given[0].lower() if len(given) == 1 else ""
        match = HOST.fullmatch(host)
        if match is None or not {host, match[1]} & self.hosts:
            raise Refused(421, "this server does not answer to that Host")
        return host

    def _check_token(self, given: list[str]) -> None:
        """Raises Refused 401. Takes the same time for every wrong token of a length."""
        if self.token is None:
            return
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        right = hmac.compare_digest(token.strip().encode(), self.token.encode())
        if scheme.lower() != "bearer" or not right:
            raise Refused(
                401, "the token is missing or wrong", headers={"WWW-Authenticate": "Bearer"}
            )

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        """Run the application with a receive that counts and a send that adds the headers.

        Past ``most`` bytes the application sees the client go, and the client is told 413.
        """
        came = 0
        begun = False

        async def counted() -> Message:
            nonlocal came
            message = await receive() if came <= most else {"type": "http.disconnect"}
            came += len(message.get("body", b""))
            return message if came <= most else {"type": "http.disconnect"}

        async def guarded(message: Message) -> None:
            nonlocal begun
            if came > most and not begun:
                return
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": with_headers(message.get("headers", []))}
            await send(message)

        try:
            await self.app(scope, counted, guarded)
        except asyncio.CancelledError:  # the server stops, and has waited long enough
            if not begun:
                await refuse(Busy("the server stops"), scope["path"], send)
            raise
        if came > most and not begun:
            await refuse(_too_long(most), scope["path"], send)


def check_origin(host: str, origins: list[str], sites: list[str]) -> None:
    """Raises Refused 403 for a request that another site's page makes.

    host: as in the Host header. origins, sites: the Origin and Sec-Fetch-Site headers; programs
    that are no browsers send neither.
    """
    own = {f"{scheme}://{host}" for scheme in ("http", "https")}
    if any(origin.lower() not in own for origin in origins) or len(origins) > 1:
        raise Refused(403, "the request comes from a page of another site")
    if any(site.lower() not in ("same-origin", "none") for site in sites):
        raise Refused(403, "the request comes from a page of another site")


def address_of(scope: Scope) -> str:
    """The address of the other side; one behind a proxy is the proxy."""
    client = scope.get("client")
    return str(client[0]) if client else "127.0.0.1"


def is_here(address: str) -> bool:
    """Whether an address is this computer's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def with_headers(given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Headers of an answer and those that all have; what an answer says itself stays."""
    own = list(given)
    names = {name.lower() for name, _ in own}
    return own + [(name, value) for name, value in RAW_HEADERS if name not in names]


async def refuse(error: Refused | Busy | LimitExceeded, path: str, send: Send) -> None:
    """Answer with a problem."""
    problem = problem_of(error, path)
    body = body_of(problem)
    more = dict(error.headers) if isinstance(error, Refused) else {}
    if isinstance(error, Busy):
        more["Retry-After"] = str(error.retry_after)
    headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **more}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    start = {"type": "http.response.start", "status": problem["status"]}
    await send({**start, "headers": with_headers(raw)})
    await send({"type": "http.response.body", "body": body})


def _all(headers: list[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key == name]


def _too_long(most: int) -> LimitExceeded:
    return LimitExceeded(f"the body has more than the {megabytes(most)} allowed here")
