"""What the page does when something goes wrong on the way, done by a browser."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

READY = ".desk[data-state=ready]"


@pytest.fixture
def breaking() -> Iterator[str]:
    """The address of a server that promises 1000 bytes and hangs up after four."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    caller, _ = listening.accept()
                except OSError:
                    return
                with caller:
                    caller.recv(65536)
                    caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfour")
                    caller.shutdown(socket.SHUT_WR)
                    while caller.recv(65536):
                        pass

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)


def forget(page: Any) -> None:
    """As if the server had been started again."""
    page.evaluate(
        "import('/static/desk.js').then(({ desk }) =>"
        " fetch(`/v1/views/${desk.current.view.id}`, { method: 'DELETE' }))"
    )


def uploads(seen: Any) -> int:
    return sum(r.method == "POST" and r.url.endswith("/v1/views") for r in seen.requests)


def until_missed(page: Any, act: Any) -> None:
    """Until the server has said that it does not know the photograph."""
    with page.expect_response(lambda answer: answer.status in (404, 410)):
        act()


def test_several_calls_send_a_forgotten_photograph_once(
    page: Any, photograph: Path, seen: Any
) -> None:
    seen.allowed = ("404",)
    page.set_input_files("#files", photograph)
    page.wait_for_selector(READY)
    forget(page)
    calls: list[Any] = []
    sendings: list[Any] = []
    asking = re.compile(r"/(confidence|result)$")
    page.route(asking, lambda route: calls.append(route))
    page.route("**/v1/views", lambda route: sendings.append(route))
    shown = page.get_attribute("#shown", "src")
    page.click("#sureness")
    page.click("#download")
    while len(calls) < 2:  # both ask before either knows
        page.wait_for_timeout(20)
    for call in calls:
        until_missed(page, call.continue_)
    page.unroute(asking)
    page.fill("#strength", "50")  # these two join, and the second ends the first
    page.fill("#strength", "60")
    page.click("#saving-stop")  # who is cancelled does not take it from the others
    page.wait_for_function("() => document.querySelector('#status').textContent === 'Stopped.'")
    [sending] = sendings
    sending.continue_()
    page.wait_for_selector("#doubt")
    page.wait_for_function("(old) => document.getElementById('shown').src !== old", arg=shown)
    assert seen.posted("/picture")[-1]["strength"] == 0.6
    assert uploads(seen) == 2


def test_a_sending_that_nobody_waits_for_ends(page: Any, photograph: Path, seen: Any) -> None:
    seen.allowed = ("404", "ERR_")
    page.set_input_files("#files", photograph)
    page.wait_for_selector(READY)
    forget(page)
    page.route("**/v1/views", lambda route: None)
    until_missed(page, lambda: page.click("#download"))
    with page.expect_event("requestfailed", lambda r: r.url.endswith("/v1/views")):
        page.click("#saving-stop")
    page.unroute("**/v1/views")
    with page.expect_download():
        page.click("#download")
    assert uploads(seen) == 3


def test_a_download_that_breaks_off_is_told(
    page: Any, photograph: Path, seen: Any, breaking: str
) -> None:
    seen.allowed = ("ERR_",)
    page.set_input_files("#files", photograph)
    page.wait_for_selector(READY)
    page.route("**/result", lambda route: route.continue_(url=breaking))
    page.click("#download")
    page.wait_for_selector("#status.wrong.seen")
    said = page.inner_text("#status")
    assert said.startswith("The connection broke off before everything had come. Try again")
    page.unroute("**/result")
    with page.expect_download():
        page.click("#download")


def test_what_cannot_be_used_looks_so(page: Any, photograph: Path, seen: Any) -> None:
    seen.allowed = ("415", "422", "400")
    text = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Dear diary, " * 40}
    page.set_input_files("#files", [text])
    page.wait_for_selector("#failed")

    def opacities() -> set[float]:
        parts = page.query_selector_all("#tools .group, #settings, #reference summary")
        return {float(part.evaluate("(e) => getComputedStyle(e).opacity")) for part in parts}

    assert max(opacities()) < 0.7
    page.set_input_files("#files", photograph)
    page.click("#strip li:nth-child(2) .thumb")
    page.wait_for_selector(READY)
    assert opacities() == {1}
