"""uvicorn around the application, with the patience that it lacks, and a graceful stop.

uvicorn waits for ever for headers and for bodies. Here each phase of a connection has a deadline:

    first byte or connection -> header_seconds -> body_seconds, and body_rate -> answer -> next
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from types import FrameType

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kolorit.errors import AddressInUse, ConfigInvalid
from kolorit.web.figures import Figures
from kolorit.web.gate import HEADER_BYTES, RAW_HEADERS, App
from kolorit.web.problems import MEDIA_TYPE, Refused, body_of, problem_of

LINGER_SECONDS = 2.0  # how long the rest of a refused body is read and thrown away
_LINGER_BYTES = 65_536  # and how far beyond the largest body that is allowed
_SLOW_START = 5.0  # seconds before the rate of a body counts
_BACKLOG = 128


class Punctual(H11Protocol):
    """uvicorn's protocol with deadlines for headers, bodies and readers that do not read.

    Of the connections without a request at most ``figures.connections`` are kept: a newcomer takes
    the place of the one that has waited longest.
    """

    figures = Figures()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._phase = ""
        self._alarm: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._began = self._idle_since = self.loop.time()
        self._came = 0  # bytes of the body under way
        self._make_room()
        self._enter("header")

    def data_received(self, data: bytes) -> None:
        if self._phase in ("body", "linger"):
            self._came += len(data)
        super().data_received(data)
        if not self._phase and self.conn.their_state is h11.IDLE:  # blank lines, or a body's end
            self._enter("header")
        if self._phase == "linger" and self._came > self.figures.body + _LINGER_BYTES:
            self.transport.close()

    def handle_events(self) -> None:
        super().handle_events()
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            self._enter("linger" if self.cycle.response_complete else "body")
        elif state is h11.IDLE and self.conn.trailing_data[0]:
            self._enter("header")
        else:
            self._enter("")

    def on_response_complete(self) -> None:
        self._idle_since = self.loop.time()
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and self._phase == "body":
            self._enter("linger")

    def connection_lost(self, exc: Exception | None) -> None:
        self._enter("")
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall = self.loop.call_later(self.figures.body_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._give_up(Refused(400, "this is no HTTP request"))

    @property
    def waits(self) -> bool:
        """Whether there is no request under way."""
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        others = [one for one in self.connections if isinstance(one, Punctual) and one.waits]
        if len(others) > self.figures.connections:
            min(others, key=lambda one: one._idle_since).transport.abort()

    def _enter(self, phase: str) -> None:
        """Begin a phase; a phase that goes on keeps its deadline."""
        if phase == self._phase:
            return
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if phase != "linger":
            self._came = 0
        self._phase, self._began = phase, self.loop.time()
        if phase == "header":
            self._alarm = self.loop.call_later(self.figures.header_seconds, self._late_header)
        elif phase == "body":
            self._alarm = self.loop.call_later(self._tick, self._check_body)
        elif phase == "linger":
            self._alarm = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    @property
    def _tick(self) -> float:
        return min(1.0, self.figures.body_seconds / 10)

    def _late_header(self) -> None:
        if self.conn.trailing_data[0]:
            self._give_up(Refused(408, "the headers took too long"))
        else:
            self.transport.close()

    def _check_body(self) -> None:
        took = self.loop.time() - self._began
        due = self.figures.body_rate * (took - _SLOW_START)
        if took >= self.figures.body_seconds or (self._came < due and not self.flow.read_paused):
            self._give_up(Refused(408, "the body came too slowly"))
        else:
            self._alarm = self.loop.call_later(self._tick, self._check_body)

    def _give_up(self, error: Refused) -> None:
        """Say why, if an answer has not begun, and close."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            for event in _events(error, head=self._asked_head()):
                if output := self.conn.send(event):
                    self.transport.write(output)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _asked_head(self) -> bool:
        begun = self.conn.our_state is h11.SEND_RESPONSE
        return begun and bool(self.scope["method"] == "HEAD")


@dataclass(frozen=True)
class Address:
    """Where a server listens. url: what a browser on this computer opens."""

    socket: socket.socket
    port: int
    url: str


def listen(host: str, port: int) -> Address:
    """Take an address; port 0 is any free one. Raises AddressInUse, ConfigInvalid."""
    where = f"{host}:{port}"
    try:
        family, kind, protocol, _, at = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        # Its protocol is named, else asyncio would leave Nagle's pauses of 40 ms in.
        taken = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # elsewhere it would let two servers have one port
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(at)
            taken.listen(_BACKLOG)
        except BaseException:
            taken.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse("another program listens there", file=where) from error
        raise ConfigInvalid(
            f"it is not possible to listen there: {error.strerror}",
            file=where,
            remedy="Give an address of this computer with --host, and a port above 1023.",
        ) from error
    number = taken.getsockname()[1]
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    shown = f"[{own}]" if ":" in own else own
    return Address(taken, number, f"http://{shown}:{number}/")


def make_server(app: App, figures: Figures, on_ready: Callable[[], None]) -> Server:
    """A server for ``await server.serve(sockets=[address.socket])``.

    It answers until SIGINT or SIGTERM comes or ``should_exit`` is set; requests under way then get
    most of ``figures.stop_seconds``, the workers the rest. A second SIGINT does not wait. on_ready:
    called when requests are answered.
    """
    config = uvicorn.Config(
        app,
        http=type("Protocol", (Punctual,), {"figures": figures}),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_graceful_shutdown=max(1, int(0.8 * figures.stop_seconds)),
        backlog=_BACKLOG,
    )
    return Server(config, on_ready)


class Server(uvicorn.Server):
    """uvicorn's, which tells when it is ready, and keeps the signal instead of raising it anew."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_ready = on_ready
        self.stopped_by: signal.Signals | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.stopped_by = self.stopped_by or signal.Signals(sig)
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # else they are raised again before the workers have ended


def _events(error: Refused, *, head: bool) -> Iterator[h11.Event]:
    """An answer that closes the connection, for where no application can give one."""
    body = body_of(problem_of(error))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *RAW_HEADERS,
    ]
    reason = HTTPStatus(error.status).phrase.encode()
    yield h11.Response(status_code=error.status, headers=headers, reason=reason)
    yield h11.Data(data=b"" if head else body)
    yield h11.EndOfMessage()
