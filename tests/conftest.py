"""What every test gets: no network, no stray settings, repeatable examples, data if any."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The same examples every run; a deadline would only measure how busy the machine is.
settings.register_profile("kolorit", deadline=None, derandomize=True, database=None)
settings.load_profile("kolorit")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Opening an internet socket or looking up a name fails the test, even where errors are caught.

    pytest.fail raises a BaseException, so an `except Exception` on the way cannot hide it; what
    was caught is also kept in the list given here, and fails the test at its end.
    """
    caught: list[str] = []
    create = socket.socket.__init__

    def refuse(what: str) -> None:
        caught.append(what)
        pytest.fail(f"the network was touched: {what}")

    def guarded(
        self: socket.socket,
        family: int = -1,
        type: int = -1,
        proto: int = -1,
        fileno: int | None = None,
    ) -> None:
        if fileno is None and family in (-1, socket.AF_INET, socket.AF_INET6):
            refuse("socket()")
        create(self, family, type, proto, fileno)

    monkeypatch.setattr(socket.socket, "__init__", guarded)
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        monkeypatch.setattr(socket, name, lambda *_, name=name, **__: refuse(f"{name}()"))
    yield caught
    if caught:
        pytest.fail(f"the network was touched, and the failure swallowed: {', '.join(caught)}")


@pytest.fixture(autouse=True)
def no_stray_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests do not reach them; data folders may."""
    for name in list(os.environ):
        if name.startswith("KOLORIT_") and name not in ("KOLORIT_DATA", "KOLORIT_WEIGHTS"):
            monkeypatch.delenv(name)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") is not None:
        torch = pytest.importorskip("torch")  # here and not above: it costs seconds
        if not torch.cuda.is_available():
            pytest.skip("no CUDA device here")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with photos, eval, food101 and others; skips where there is none."""
    return _folder("KOLORIT_DATA")


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """The folder with pretrained weights; skips where there is none."""
    return _folder("KOLORIT_WEIGHTS")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that get drawn, kept."""
    from matplotlib.figure import Figure

    kept: list[Any] = []
    real = Figure.savefig

    def keep(figure: Figure, *args: Any, **more: Any) -> None:
        kept.append(figure)
        real(figure, *args, **more)

    monkeypatch.setattr(Figure, "savefig", keep)
    return kept


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    folder = Path(value)
    if not folder.is_dir():
        pytest.fail(f"{variable} names {folder}, which is no folder")
    return folder
