"""The door: help, verbs, exit codes of signals; each in a process of its own where that matters."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kolorit.cli.command import VERBS

from .conftest import Kolorit, environment, photo


def test_help_begins_with_an_example(kolorit: Kolorit) -> None:
    ran = kolorit("--help")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[2].split() == ["kolorit", "farm.jpg", "writes", "farm.color.jpg", "beside", "it"]
    assert "Usage: kolorit [OPTIONS] INPUT..." in ran.out
    assert max(map(len, lines)) <= 100
    assert kolorit("-h").out == ran.out


def test_every_verb_has_help(kolorit: Kolorit) -> None:
    overview = kolorit("--help").out
    for verb in VERBS:
        ran = kolorit(verb, "--help")
        assert ran.code == 0
        assert f"Usage: kolorit {verb}" in ran.out
        assert f"kolorit {verb}" in overview


def test_the_promised_options_are_there(kolorit: Kolorit) -> None:
    promised = """-o -r --look --strength --saturation --warmth --strip --hints
        --alternatives --compare --confidence --merge --model --size --device --threads --format
        --quality --json --report --resume --overwrite --skip-existing --dry-run --no-mark
        --max-pixels -j -q -v --debug --version"""
    there = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", kolorit("--help").out))
    assert set(promised.split()) - there == set()


def test_help_imports_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys; sys.argv = ['kolorit', '--help']\n"
        "from kolorit.cli.main import main; code = main()\n"
        "heavy = {'numpy', 'PIL', 'onnxruntime', 'torch'} & set(sys.modules)\n"
        "sys.exit(f'{code} {heavy}' if code or heavy else 0)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_version(kolorit: Kolorit) -> None:
    ran = kolorit("--version")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == [
        "kolorit", "model", "onnxruntime", "pillow", "numpy",
    ]  # fmt: skip
    record = kolorit("--version", "--json").record
    assert record["kolorit"] == ran.out.split()[1]
    if record["model"]:
        assert record["model"]["sha256"][:12] in ran.out


def test_a_wrong_option_is_an_object_too(kolorit: Kolorit) -> None:
    ran = kolorit("farm.jpg", "--jsn", "--json")
    assert ran.code == 2
    assert ran.record["error"]["slug"] == "usage-error"
    assert "--json" in ran.record["error"]["message"]  # what was meant
    assert kolorit("--", "--json").out == ""  # a file of that name


def test_a_verb_that_is_nearly_one(kolorit: Kolorit) -> None:
    ran = kolorit("docter")
    assert ran.code == 3
    assert "kolorit doctor" in ran.err


def test_a_bug_outside_of_any_picture(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("kolorit.cli.colorize.make_plan", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ran = kolorit("farm.jpg", "--json")
    assert ran.code == 70
    assert ran.record["error"]["message"] == "ZeroDivisionError: oh"
    assert len(list(tmp_path.glob("kolorit-error-*"))) == 1


SLOW = """
import sys, time
from kolorit.colorizer import Colorizer
run = Colorizer.run
def slow(self, *args, **options):
    time.sleep(0.2)
    return run(self, *args, **options)
Colorizer.run = slow
from kolorit.cli.main import main
sys.exit(main())
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(folder: Path, number: signal.Signals, code: int) -> None:
    for k in range(40):
        photo(f"album/p{k:02}.jpg", seed=k)
    arguments = ["-r", "album", "-o", "out/", "--report", "r.jsonl", "-j", "2"]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments], env=environment(), stderr=subprocess.PIPE
    )
    until = time.monotonic() + 60
    while not list(folder.glob("out/*.color.jpg")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(number)
    words = process.communicate(timeout=60)[1].decode()
    assert process.returncode == code
    assert words == ""  # no trace, nothing else
    lines = (folder / "r.jsonl").read_text("utf-8").splitlines()
    finished = sorted(path.name for path in (folder / "out").iterdir())
    assert len(lines) == len(finished) < 40  # every result has its line, and nothing is half done
    assert all(name.endswith(".color.jpg") for name in finished)


def test_an_interrupt_that_an_import_swallows_is_still_one(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def importing(arguments: list[str]) -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("initialization failed") from None
        return 0

    monkeypatch.setattr("kolorit.cli.main._run", importing)
    assert kolorit("a.jpg").code == 130
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_signal_ends_at_once(folder: Path) -> None:
    photo("farm.jpg")
    hang = SLOW.replace("time.sleep(0.2)", "open('begun', 'w').close(); time.sleep(30)")
    process = subprocess.Popen([sys.executable, "-c", hang, "farm.jpg"], env=environment())
    until = time.monotonic() + 60
    while not (folder / "begun").exists() and time.monotonic() < until:
        time.sleep(0.02)
    began = time.monotonic()
    while process.poll() is None and time.monotonic() < began + 20:
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert process.wait(1) == 130
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "more",
    [
        {"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8"},
        {"LC_ALL": "C", "PYTHONHASHSEED": "7"},
        {"HOME": "/nowhere", "PYTHONUTF8": "0", "LC_ALL": "POSIX"},
    ],
)
def test_surroundings_change_no_pixel(kolorit: Kolorit, more: dict[str, str]) -> None:
    photo("farm.jpg")
    assert kolorit("farm.jpg").code == 0
    command = [sys.executable, "-m", "kolorit", "farm.jpg", "-o", "x.jpg", "-q"]
    ran = subprocess.run(command, env=environment(**more), check=False)
    assert ran.returncode == 0
    assert Path("x.jpg").read_bytes() == Path("farm.color.jpg").read_bytes()


def test_umask_is_kept(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    before = os.umask(0o077)
    try:
        assert kolorit("farm.jpg", "-o", "new/").code == 0
    finally:
        os.umask(before)
    assert Path("new/farm.color.jpg").stat().st_mode & 0o777 == 0o600
    assert Path("new").stat().st_mode & 0o777 == 0o700
