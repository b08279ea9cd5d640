"""The real page on the real server: `kolorit serve` and a chromium without a window."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

# What keeps a browser from speaking to anybody but the page's own server.
SILENT = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-first-run",
    "--no-sandbox",
)
NAMES = ("chromium", "chromium-browser", "google-chrome")
PROBES = Path(__file__).with_name("probes.js")


@dataclass
class Seen:
    """What a page did besides what it was asked for. Errors in `allowed` were meant to happen."""

    server: str
    allowed: tuple[str, ...] = ()
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        page.on("console", lambda said: said.type == "error" and self.errors.append(said.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: (self.errors.append("a dialog"), dialog.dismiss()))
        page.context.on("request", self._note)

    def _note(self, request: Any) -> None:
        self.requests.append(request)
        if not request.url.startswith((self.server, "blob:", "data:")):
            self.outside.append(request.url)

    def posted(self, end: str) -> list[Any]:
        """JSON bodies of the requests to addresses with this end."""
        found = [r for r in self.requests if r.method == "POST" and r.url.endswith(end)]
        return [request.post_data_json for request in found]

    def check(self) -> None:
        unmeant = [e for e in self.errors if not any(words in e for words in self.allowed)]
        assert not unmeant, unmeant
        assert not self.outside, f"the page left this computer: {self.outside}"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running `kolorit serve`."""
    for package in ("fastapi", "uvicorn", "multipart"):
        pytest.importorskip(package, reason="the extra `web` is not installed")
    home = tmp_path_factory.mktemp("server")
    source = Path(__file__).resolve().parents[3] / "src"
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    command = (sys.executable, "-m", "kolorit", "serve", "--port", "0", "--workers", "1")
    with (
        open(home / "said", "w") as said,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=said, text=True, env=environment, cwd=home
        ) as running,
    ):
        assert running.stdout is not None
        try:
            address = running.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), (home / "said").read_text()
            yield address
        finally:
            running.terminate()
            running.wait(timeout=20)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(NAMES)} is installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(SILENT))
        yield browser
        browser.close()


@pytest.fixture
def seen(server: str) -> Iterator[Seen]:
    """What the page did; a test fails for errors and foreign requests that were not allowed."""
    kept = Seen(server)
    yield kept
    kept.check()


@pytest.fixture
def opened(chromium: Any, server: str, seen: Seen) -> Iterator[Callable[..., Any]]:
    """A function that opens the page in a browser of its own; options as for its context."""
    contexts = []

    def open_page(*, fragment: str = "", **options: Any) -> Any:
        chosen = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 800}}
        context = chromium.new_context(**{**chosen, **options})
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        seen.watch(page)
        page.add_init_script(path=PROBES)
        page.goto(server + fragment)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(opened: Callable[..., Any]) -> Any:
    return opened()


@pytest.fixture(scope="session")
def photograph(repository: Path) -> Path:
    return repository / "examples" / "hopper.jpg"
