"""cli/serve.py: the command, in processes of its own where it has to be."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest

from kolorit.cli import serve as module
from kolorit.cli.serve import serve

from .conftest import DATA, Kolorit, environment

MODEL = DATA / "constant.onnx"
RUN = "import sys; from kolorit.cli.main import main; sys.exit(main())"


@contextmanager
def served(*arguments: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and the first line that it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "serve", "--model", str(MODEL), "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**more),
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().rstrip("\n")
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


FETCH = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1] + "readyz", timeout=10) as answer:
    print(answer.status, answer.read().decode())
"""


def fetched(url: str) -> str:
    """What a process that may use sockets gets."""
    return subprocess.check_output([sys.executable, "-c", FETCH, url], text=True)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_serves_until_a_signal(number: signal.Signals, code: int, tmp_path: Path) -> None:
    (temporary := tmp_path / "temporary").mkdir()
    with served(TMPDIR=str(temporary)) as (process, url):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
        assert '{"status":"ready"}' in fetched(url)
        assert list(temporary.glob("kolorit*"))
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=15)
        assert time.monotonic() - began < 5
    assert (process.returncode, out) == (code, "")
    assert err == "Ctrl-C ends it.\n"
    assert list(temporary.glob("kolorit*")) == []  # no photograph stays behind


def test_quiet_says_only_the_address() -> None:
    with served("--quiet", "--token", "auto") as (process, line):
        url, token = line.split("#token=")
        assert len(token) >= 32
        assert "ready" in fetched(url)
        process.terminate()
        assert process.communicate(timeout=15) == ("", "")


def test_an_address_in_use(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as (_, url):
        port = url.rstrip("/").rpartition(":")[2]
        ran = subprocess.run(
            [sys.executable, "-c", RUN, "serve", "--port", port],
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
        )
    assert ran.returncode == 8
    assert ran.stderr.startswith(f"error: another program listens there (127.0.0.1:{port})\nhint:")


def test_a_model_that_is_not_there() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", RUN, "serve", "--port", "0", "--model", "none"],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
    )
    assert (ran.returncode, ran.stdout) == (5, "")
    assert "no model is called 'none'" in ran.stderr


def test_without_the_extra(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kolorit.cli.extras.find_spec", lambda name: None)
    ran = kolorit("serve")
    assert ran.code == 6
    assert "pip install 'kolorit[web]'" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "65536"),
        ("--port", "-1"),
        ("--port", "http"),
        ("--workers", "0"),
        ("--token", "short"),
        ("--token", "with blanks in it, long"),
        ("--token", "ungewöhnlich-lang-und-deutsch"),
        ("--allow-host", "http://photos.example"),
        ("--allow-host", ""),
        ("--allow-host", "*"),
        ("--allow-host", "photos.example:abc"),
        ("--allow-host", "user@photos.example"),
        ("photo.jpg",),
    ],
    ids=" ".join,
)
def test_wrong_command_lines(kolorit: Kolorit, arguments: tuple[str, ...]) -> None:
    assert kolorit("serve", *arguments).code == 2


def test_help(kolorit: Kolorit) -> None:
    ran = kolorit("serve", "--help")
    assert ran.code == 0
    assert "kolorit serve --open" in ran.out


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("photos.example", False),
    ],
)
def test_what_is_loopback(host: str, loopback: bool) -> None:
    assert module._is_loopback(host) is loopback


def test_names_that_it_answers_to() -> None:
    assert module._name_of("192.168.1.5", 80) == ("192.168.1.5:80",)
    assert module._name_of("fe80::1", 80) == ("[fe80::1]:80",)
    assert module._name_of("0.0.0.0", 80) == module._name_of("::", 80) == ()


@pytest.mark.parametrize(
    ("arguments", "said", "not_said"),
    [
        ([], ["warning: ", "--token auto", "--allow-host"], []),
        (["--token", "auto"], ["warning: ", "--allow-host"], ["--token auto"]),
        (["--token", "auto", "--allow-host", "a.example"], ["warning: "], ["hint: "]),
    ],
)
def test_others_in_the_network_are_warned_of(
    kolorit: Kolorit,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: list[str],
    not_said: list[str],
) -> None:
    """Up to where the server would begin."""

    class Ended(Exception):
        pass

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    class Socket:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    from kolorit.web.server import Address

    address = Address(Socket(), 5, "http://127.0.0.1:5/")  # type: ignore[arg-type]
    monkeypatch.setattr("kolorit.web.server.listen", lambda host, port: address)
    monkeypatch.setattr(module, "_run", end)
    ran = kolorit("serve", "--host", "0.0.0.0", *arguments)
    assert ran.code == 130
    assert all(word in ran.err for word in said)
    assert not any(word in ran.err for word in not_said)


def test_flags_are_documented() -> None:
    options = [one for one in serve.params if isinstance(one, click.Option)]
    assert all(one.help for one in options)
    assert {"--host", "--port", "--token", "--allow-host", "--model", "--workers", "--open"} <= {
        name for one in options for name in one.opts
    }
