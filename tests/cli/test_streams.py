"""Standard input and output as places for pictures; closed and broken ones."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from .conftest import Kolorit, environment, photo


def test_through_pipes(kolorit: Kolorit) -> None:
    content = photo("farm.jpg").read_bytes()
    assert kolorit("farm.jpg").code == 0
    for arguments in (["-"], ["-", "-o", "-"]):
        ran = kolorit(*arguments, stdin=content)
        assert ran.code == 0
        assert ran.stdout == Path("farm.color.jpg").read_bytes()
    assert kolorit("farm.jpg", "-o", "-").stdout == Path("farm.color.jpg").read_bytes()


def test_standard_input_to_a_file(kolorit: Kolorit) -> None:
    content = photo("farm.gif").read_bytes()
    ran = kolorit("-", "-o", "x.jpg", "--json", stdin=content)
    assert ran.code == 0
    assert (ran.record["input"], ran.record["output"]) == ("-", "x.jpg")
    assert Image.open("x.jpg").format == "JPEG"
    assert kolorit("-", "-o", "out/", stdin=content).code == 0
    assert Image.open("out/stdin.color.png").format == "PNG"


def test_format_of_standard_output(kolorit: Kolorit) -> None:
    content = photo("farm.gif").read_bytes()
    assert Image.open(io.BytesIO(kolorit("-", stdin=content).stdout)).format == "PNG"
    ran = kolorit("-", "-f", "webp", stdin=content)
    assert Image.open(io.BytesIO(ran.stdout)).format == "WEBP"


@pytest.mark.parametrize("content", [b"", b"Dear diary"])
def test_no_picture_on_standard_input(kolorit: Kolorit, content: bytes) -> None:
    ran = kolorit("-", "-o", "x.jpg", "--json", stdin=content)
    assert ran.code == 3
    assert ran.record["input"] == "-"


def test_closed_standard_input(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert kolorit("-", "-o", "x.jpg").code == 3
    photo("farm.jpg")
    assert kolorit("farm.jpg").code == 0  # which does not need it


@pytest.mark.parametrize(
    "arguments",
    [
        ["-", "-"],
        ["farm.jpg", "farm2.jpg", "-o", "-"],
        ["farm.jpg", "-o", "-", "--json"],
        ["farm.jpg", "-o", ""],
        ["farm.jpg", "-o", "-", "--compare", "side"],
        ["farm.jpg", "--overwrite", "--skip-existing"],
        ["farm.jpg", "--alternatives", "13"],
        ["farm.jpg", "--compare", "both"],
        ["farm.jpg", "--look", "wild"],
        ["farm.jpg", "--strength", "nan"],
        ["farm.jpg", "--quality", "0"],
        ["farm.jpg", "--format", "gif"],
        ["farm.jpg", "-j", "0"],
        ["farm.jpg", "--merge", "ycc"],
    ],
)
def test_wrong_command_lines(kolorit: Kolorit, folder: Path, arguments: list[str]) -> None:
    photo("farm.jpg")
    photo("farm2.jpg")
    ran = kolorit(*arguments, stdin=b"x")
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert "\nhint: " in ran.err
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("arguments", [["farm.jpg", "-o", "-"], ["-"]])
def test_no_picture_is_written_to_a_terminal(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    content = photo("farm.jpg").read_bytes()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    ran = kolorit(*arguments, stdin=content)
    assert (ran.code, ran.stdout) == (2, b"")
    assert "terminal" in ran.err


def test_a_terminal_holds_no_picture(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert kolorit("-", "-o", "x.jpg").code == 2


def test_standard_output_closed_early(folder: Path) -> None:
    for k in range(4):
        photo(f"p{k}.jpg")
    names = [f"p{k}.jpg" for k in range(4)]
    process = subprocess.Popen(
        [sys.executable, "-m", "kolorit", *names, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    words = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) == 141
    assert words == ""
    assert not list(folder.glob(".kolorit-*"))


def test_all_streams_closed_at_once(folder: Path) -> None:
    photo("farm.jpg")
    command = f'"{sys.executable}" -m kolorit farm.jpg 0<&- 1>&- 2>&-'
    ran = subprocess.run(["sh", "-c", command], env=environment(), check=False, timeout=60)
    assert ran.returncode == 0
    assert Image.open(folder / "farm.color.jpg").size == (64, 48)
