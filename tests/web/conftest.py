"""For tests of the server: loopback sockets, real servers in threads, one with real workers."""

from __future__ import annotations

import asyncio
import io
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from kolorit.web.app import guarded_app
from kolorit.web.figures import Figures
from kolorit.web.gate import App
from kolorit.web.server import Address, listen, make_server
from kolorit.web.service import Service, open_service

DATA = Path(__file__).resolve().parents[1] / "data"
MODEL = str(DATA / "constant.onnx")
FIGURES = replace(Figures(), workers=1, stop_seconds=4)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """In place of the guard that lets no socket be made: these may speak with this computer."""
    caught: list[str] = []

    def guard(owner: Any, name: str, position: int) -> None:
        real = getattr(owner, name)

        def checked(*args: Any, **more: Any) -> Any:
            where = args[position]
            host = where[0] if isinstance(where, tuple) else where
            if host not in LOOPBACK and not (name == "getaddrinfo" and _is_number(host)):
                caught.append(f"{name}({host!r})")
                pytest.fail(f"the network was touched: {caught[-1]}")
            return real(*args, **more)

        monkeypatch.setattr(owner, name, checked)

    guard(socket.socket, "connect", 1)
    guard(socket.socket, "connect_ex", 1)
    guard(socket, "getaddrinfo", 0)
    yield caught
    if caught:
        pytest.fail(f"the network was touched, and the failure swallowed: {', '.join(caught)}")


def _is_number(host: Any) -> bool:
    """Whether nobody has to be asked where this host is."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host in (None, "")
    return True


@contextmanager
def running(app: App, figures: Figures = FIGURES) -> Iterator[Address]:
    """A server in a thread of its own, at a free port, until the end."""
    address = listen("127.0.0.1", 0)
    ready = threading.Event()
    server = make_server(app, figures, ready.set)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[address.socket])), daemon=True
    )
    thread.start()
    try:
        assert ready.wait(20)
        yield address
    finally:
        server.should_exit = True
        thread.join(20)
        address.socket.close()
        assert not thread.is_alive()


class Site:
    """A whole server with workers, the constant model, and a client that speaks with it."""

    def __init__(self, figures: Figures = FIGURES, token: str | None = None) -> None:
        self.figures, self.token = figures, token
        self.client: httpx.Client
        self.service: Service
        self.loop: asyncio.AbstractEventLoop
        self.address: Address

    def do(self, function: Callable[[], Any]) -> Any:
        """Call something where the server's own things may be touched: in its loop."""

        async def call() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(20)

    async def _serve(self, ready: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        self.address = listen("127.0.0.1", 0)
        async with open_service(self.figures, MODEL) as self.service:
            app = guarded_app(self.service, self.address.port, (), self.token)
            self.server = make_server(app, self.figures, ready.set)
            await self.server.serve(sockets=[self.address.socket])

    @contextmanager
    def open(self) -> Iterator[httpx.Client]:
        ready = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        thread.start()
        try:
            assert ready.wait(30)
            with httpx.Client(base_url=self.address.url, timeout=30, trust_env=False) as client:
                yield client
        finally:
            self.server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    site = Site()
    with site.open() as site.client:
        yield site


@pytest.fixture
def client(site: Site) -> httpx.Client:
    return site.client


def photo(format: str = "JPEG", width: int = 64, height: int = 48, **options: Any) -> bytes:
    """A grey photograph of sorts as a file."""
    noise = np.random.default_rng(0).integers(-20, 20, (height, width))
    grey = (np.linspace(40, 210, width)[None] + noise).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, format, **options)
    return stream.getvalue()


def talk(address: Address, *parts: bytes, pause: float = 0.0, wait: float = 5.0) -> bytes:
    """Send parts over a raw socket, with a pause between them; all that comes until it closes."""
    with socket.create_connection(("127.0.0.1", address.port), timeout=wait) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break
            time.sleep(pause)
        found = b""
        try:
            while chunk := connection.recv(65536):
                found += chunk
        except ConnectionResetError:
            pass
        return found
