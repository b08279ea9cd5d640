"""``kolorit serve``: joins the command line and the web."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import signal
import sys
import webbrowser
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from kolorit.cli import words
from kolorit.cli.command import Command
from kolorit.cli.extras import need
from kolorit.cli.settings import resolve

if TYPE_CHECKING:
    from kolorit.web.figures import Figures
    from kolorit.web.server import Address

_EXAMPLES = (
    ("kolorit serve --open", "a page in your browser; pictures stay here"),
    ("kolorit serve --port 0", "at any port that is free"),
    ("kolorit serve --host 192.168.1.5 --token auto", "for your network; needs the token"),
)
_TOKEN = 16  # letters that a token has at least


@click.command(cls=Command, examples=_EXAMPLES)
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True,
    help="Where to listen; by itself nobody else can reach it.",
)  # fmt: skip
@click.option(
    "--port", metavar="N", default=8765, show_default=True, type=click.IntRange(0, 65535),
    help="The port; 0 takes a free one.",
)  # fmt: skip
@click.option("--token", metavar="T", help="A secret that requests must carry; auto makes one.")
@click.option(
    "--allow-host", metavar="NAME", multiple=True,
    help="Another name under which it is reached; may be given again.",
)  # fmt: skip
@click.option("--model", metavar="M", help="A name of `kolorit models`, or an .onnx file.")
@click.option(
    "--workers", metavar="N", type=click.IntRange(1, 64), help="Pictures at a time (default: 2)."
)
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@click.option("-q", "--quiet", is_flag=True, help="Say errors only; the address is printed.")
@click.option("--debug", is_flag=True, help="Print the trace of an error.")
def serve(
    host: str,
    port: int,
    token: str | None,
    allow_host: tuple[str, ...],
    model: str | None,
    workers: int | None,
    opened: bool,
    quiet: bool,
    debug: bool,
) -> int:
    """Colour photographs on a page in the browser, or over HTTP.

    The first line of standard output is the address. docs/http.md describes the interface for
    programs; the running server does too, at /docs. Ctrl-C ends it.
    """
    need("web")
    from kolorit.web.figures import Figures
    from kolorit.web.server import listen

    chosen = resolve({"model": model})["model"].value
    secret = _read_token(token)
    figures = Figures() if workers is None else replace(Figures(), workers=workers)
    names = [_checked_name(name) for name in allow_host]
    address = listen(host, port)
    hosts = (*names, *_name_of(host, address.port))
    if not _is_loopback(host):
        _warn(secret, bool(hosts))
    _log_to_stderr(debug)

    def tell() -> None:
        url = address.url + (f"#token={quote(secret)}" if secret else "")
        words.print_line(url)
        if not quiet:
            words.say("Ctrl-C ends it.")
        if opened:
            Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    with address.socket:
        stopped_by = asyncio.run(_run(figures, chosen, address, hosts, secret, tell))
    if stopped_by is not None:
        signal.raise_signal(stopped_by)  # main knows what it means
    return 0


async def _run(
    figures: Figures,
    model: str,
    address: Address,
    hosts: tuple[str, ...],
    token: str | None,
    tell: Any,
) -> signal.Signals | None:
    """Serve until a signal comes; gives it."""
    from kolorit.web.app import guarded_app
    from kolorit.web.server import make_server
    from kolorit.web.service import open_service

    async with open_service(figures, model) as service:
        app = guarded_app(service, address.port, hosts, token)
        server = make_server(app, figures, tell)
        await server.serve(sockets=[address.socket])
    return server.stopped_by


def _read_token(given: str | None) -> str | None:
    if given == "auto":
        return secrets.token_urlsafe(24)
    if given is not None and (len(given) < _TOKEN or not given.isascii() or " " in given):
        raise click.BadParameter(
            f"A token has {_TOKEN} letters or more, without blanks; `auto` makes one.",
            param_hint="--token",
        )
    return given


def _checked_name(name: str) -> str:
    from kolorit.web.gate import HOST

    if not HOST.fullmatch(name.lower()):
        raise click.BadParameter(
            f"{name!r} is no host, as in photos.example or 192.168.1.5:8765.",
            param_hint="--allow-host",
        )
    return name


def _name_of(host: str, port: int) -> tuple[str, ...]:
    """The Host of an address at which it listens alone, as browsers write it."""
    if host in ("0.0.0.0", "::", ""):
        return ()
    return (f"[{host}]:{port}" if ":" in host else f"{host}:{port}",)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _warn(token: str | None, named: bool) -> None:
    words.say("warning: others in your network can reach this server, without encryption")
    if token is None:
        words.say("hint: With --token auto only those can use it who have its whole address.")
    if not named:
        words.say("hint: Others need --allow-host too, with the name or address that they type.")


def _log_to_stderr(debug: bool) -> None:
    """Bugs of the server as a line each; with debug their traces, and what uvicorn has to say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line(debug))
    for name, level in (
        ("kolorit.web", logging.INFO),
        ("uvicorn.error", logging.INFO if debug else logging.CRITICAL),
        ("python_multipart", logging.INFO if debug else logging.CRITICAL),  # of broken forms
    ):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


class _Line(logging.Formatter):
    """error: what happened, in signs that cannot move the cursor."""

    def __init__(self, debug: bool) -> None:
        super().__init__()
        self.debug = debug

    def format(self, record: logging.LogRecord) -> str:
        said = f"{record.levelname.lower()}: {words.plain(record.getMessage())}"
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            said += words.plain(f": {type(error).__name__}: {error}")
            if self.debug:
                said += "\n" + self.formatException(record.exc_info)
        return said
