"""The child: what it may not take, what it says when something goes wrong, when it ends."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kolorit.errors import (
    Busy,
    InputUnreadable,
    KoloritError,
    LimitExceeded,
    ModelUnavailable,
    NotThere,
)
from kolorit.web import work, worker
from kolorit.web.figures import Figures
from kolorit.web.process import Died, Process
from kolorit.web.tasks import Colour, Open, Suggest, Wanted

linux = pytest.mark.skipif(sys.platform != "linux", reason="the bounds are Linux's")
OPEN = Figures(pixels=10**9, memory=10**12)  # whose header checks let everything pass


def with_worker(use: Callable[[Process], Awaitable[None]], figures: Figures = OPEN) -> None:
    """Run a coroutine on a worker of its own."""

    async def go() -> None:
        process = await Process.start(figures, "default")
        try:
            await use(process)
        finally:
            await process.end()

    asyncio.run(go())


def webp_bomb(width: int, height: int) -> bytes:
    """A lossless WebP of one colour: its size is two numbers in the header, its pixels no bits."""
    out = io.BytesIO()
    Image.new("RGB", (16, 16), "white").save(out, "WEBP", lossless=True)
    bomb = bytearray(out.getvalue())
    assert bomb[12:16] == b"VP8L"
    (bits,) = struct.unpack("<I", bomb[21:25])
    bomb[21:25] = struct.pack("<I", bits & ~0xFFFFFFF | (width - 1) | (height - 1) << 14)
    return bytes(bomb)


def jpeg(size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).save(out, "JPEG")
    return out.getvalue()


def colour(folder: Path, content: bytes, name: str = "original") -> Colour:
    (folder / name).write_bytes(content)
    return Colour(folder / name, folder / "result", Wanted())


def peak(pid: int) -> int:
    """Bytes that a process held at most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


@linux
def test_a_bomb_that_the_header_checks_pass(tmp_path: Path) -> None:
    """34 bytes that want 1.3 GB: the worker's own bound stops it, and it works on."""
    bomb = webp_bomb(9400, 9400)
    assert len(bomb) <= 40

    async def use(process: Process) -> None:
        for _ in range(3):
            with pytest.raises((LimitExceeded, InputUnreadable)):
                await process.ask(colour(tmp_path, bomb), 20)
            good = await process.ask(colour(tmp_path, jpeg()), 20)
            assert good.media_type == "image/jpeg"
        assert peak(process.pid) < OPEN.worker_memory + 200_000_000
        assert not (tmp_path / "result.part").exists()

    with_worker(use)


def test_a_bomb_ends_at_the_header(tmp_path: Path) -> None:
    """With the usual figures hardly anything of it is decoded."""

    async def use(process: Process) -> None:
        before = peak(process.pid) if sys.platform == "linux" else 0
        for size in ((9400, 9400), (7000, 7000)):  # past the pixels; and past their memory only
            with pytest.raises(LimitExceeded) as caught:
                await process.ask(colour(tmp_path, webp_bomb(*size)), 20)
            assert "--" not in caught.value.remedy  # no advice about a command line
            assert caught.value.file is None  # and no path of the server
        assert not process.hurt
        if sys.platform == "linux":
            assert peak(process.pid) - before < 20_000_000

    with_worker(use, Figures())


@linux
def test_running_out_of_memory_is_told(tmp_path: Path) -> None:
    """In the decoder and in the network alike, so that the worker gets replaced."""
    tight = Figures(pixels=10**9, memory=10**12, worker_memory=330_000_000)

    async def use(process: Process) -> None:
        out = io.BytesIO()
        Image.new("L", (9000, 9000)).save(out, "PNG")
        with pytest.raises(LimitExceeded, match="memory"):
            await process.ask(colour(tmp_path, out.getvalue()), 20)
        assert process.hurt
        small = colour(tmp_path, jpeg())
        await process.ask(small, 20)
        assert not process.hurt
        with pytest.raises(LimitExceeded, match="memory"):
            await process.ask(Colour(small.original, small.out, Wanted(size=1024)), 20)
        assert process.hurt

    with_worker(use, tight)


@linux
def test_the_bounds_are_set() -> None:
    async def use(process: Process) -> None:
        await process.ask(None, 30)
        text = Path(f"/proc/{process.pid}/limits").read_text()
        soft = {line[:26].strip(): line[26:].split()[0] for line in text.splitlines()[1:]}
        assert soft["Max data size"] == str(OPEN.worker_memory)
        assert soft["Max open files"] == "64"
        assert soft["Max file size"] == "300000000"
        assert soft["Max core file size"] == "0"
        assert 30 < int(soft["Max cpu time"]) < 40
        assert "NoNewPrivs:\t1" in Path(f"/proc/{process.pid}/status").read_text()

    with_worker(use)


@linux
def test_time_is_bounded_in_the_process_itself() -> None:
    """Should the server itself hang or be gone."""
    program = "from kolorit.web.worker import allow; allow(0.1)\nwhile True: pass"
    ended = subprocess.run([sys.executable, "-c", program], timeout=20, env=_path())
    assert ended.returncode == -signal.SIGXCPU


@linux
def test_a_file_too_large(tmp_path: Path) -> None:
    program = (
        "import resource; from pathlib import Path; from kolorit.web import work\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"try: work._write(Path({str(tmp_path / 'result')!r}), bytes(2000))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=_path()
    )
    assert said.stdout.startswith("LimitExceeded the coloured file would be larger")
    assert os.listdir(tmp_path) == []


def test_signals_for_the_server_do_not_end_it(tmp_path: Path) -> None:
    async def use(process: Process) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(process.pid, number)
        await process.ask(None, 5)
        assert os.getsid(process.pid) == process.pid  # Ctrl-C does not even reach it

    with_worker(use)


def test_it_ends_with_the_server() -> None:
    """Also one that was killed and said nothing: the pipe closes."""

    async def use(process: Process) -> None:
        pipe = process._transport.get_pipe_transport(0)
        assert pipe is not None
        pipe.close()
        await asyncio.wait_for(asyncio.shield(process.gone), 5)
        assert process._transport.get_returncode() == 0
        with pytest.raises(Died):
            await process.ask(None, 1)

    with_worker(use)


def test_nothing_of_the_folder_it_starts_in_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('taken over')")
    monkeypatch.chdir(tmp_path)

    async def use(process: Process) -> None:
        await process.ask(None, 5)

    with_worker(use)


def test_a_model_that_does_not_load() -> None:
    async def go() -> None:
        with pytest.raises(ModelUnavailable, match="no model is called 'nosuch'"):
            await Process.start(Figures(), "nosuch")

    asyncio.run(go())


def test_errors_of_a_task_arrive(tmp_path: Path) -> None:
    async def use(process: Process) -> None:
        with pytest.raises(InputUnreadable, match="text file"):
            await process.ask(colour(tmp_path, b"no photograph\n"), 5)
        with pytest.raises(NotThere):
            await process.ask(Open(tmp_path / "gone", tmp_path, 1000), 5)
        with pytest.raises(NotThere):
            await process.ask(Suggest(tmp_path / "gone", 0.5, 0.5), 5)
        (tmp_path / "original").write_bytes(jpeg())
        with pytest.raises(NotThere):
            away = tmp_path / "gone" / "result"
            await process.ask(Colour(tmp_path / "original", away, Wanted()), 5)

    with_worker(use)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LimitExceeded("c", file="/store/x", remedy="Or --max-pixels."), ("limit-exceeded", "c")),
        (Busy("c"), ("busy", "c")),
        (MemoryError(), ("limit-exceeded", "this takes more memory than the server gives")),
        (ModelUnavailable("bad_alloc"), ("limit-exceeded", "this takes more memory than the ")),
    ],
)
def test_errors_are_told_without_paths(error: Any, said: tuple[str, str]) -> None:
    told = worker.describe(error)
    assert (told["slug"], told["cause"][: len(said[1])]) == said
    assert "/store" not in json.dumps(told)
    assert "--" not in told.get("remedy", "")
    assert told["hurt"] == (not isinstance(error, KoloritError) or error.slug.startswith("model"))


def test_a_bug_is_one_answer(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The client learns that it is one; the trace goes to the server's log."""

    def broken(bench: Any, task: Any) -> None:
        raise RuntimeError("in /a/private/path")

    monkeypatch.setattr(work, "WORK", {Suggest: broken})
    told = worker.answer(None, Suggest(Path(), 0, 0))  # type: ignore[arg-type]
    assert (told["ok"], told["slug"]) == (False, "internal-error")
    assert "private" not in told["cause"]
    assert "RuntimeError: in /a/private/path" in capfd.readouterr().err


def _path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
