"""Odd names: the right result or the right refusal, and JSON that is always JSON."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Kolorit, environment, photo

NAMES = {
    "emoji": "\N{FAMILY}\U0001f468\u200d\U0001f469.png",
    "right to left": "\u05e9\u05dc\u05d5\u05dd.png",
    "direction override": "a\u202egnp.exe.png",
    "newline": "a\nb.png",
    "escape": "a\x1b[2Jb.png",
    "tab and bell": "a\t\x07.png",
    "quote": "a'\"`$(x).png",
    "backslash": "a\\b.png",
    "decomposed": "cafe\u0301.png",
    "trailing dot": "a.png.",
    "only spaces": "   .png",
    "not UTF-8": os.fsdecode(b"caf\xe9\xff.png"),
    "percent": "%s{0}.png",
}


@pytest.mark.parametrize("kind", NAMES)
def test_name(kolorit: Kolorit, folder: Path, kind: str) -> None:
    name = NAMES[kind]
    photo("plain.png").rename(name)
    ran = kolorit(name, "--json", "-v")
    assert ran.code == 0, ran.err
    assert ran.out.isascii()
    assert ran.record["input"] == name
    assert Path(ran.record["output"]).is_file()
    assert {path.name for path in folder.iterdir()} == {name, ran.record["output"]}
    assert "\x1b" not in ran.err
    assert "\u202e" not in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("kind", NAMES)
def test_name_of_what_is_missing(kolorit: Kolorit, kind: str) -> None:
    ran = kolorit(NAMES[kind], "--json")
    assert ran.code == 3
    assert ran.record["input"] == NAMES[kind]
    assert len(ran.err.splitlines()) == 2
    assert not any(ord(char) < 32 for line in ran.err.splitlines() for char in line)


def test_leading_dash(kolorit: Kolorit) -> None:
    photo("plain.png").rename("-r.png")
    assert kolorit("./-r.png").code == 0
    assert kolorit("--overwrite", "--", "-r.png").code == 0
    assert Path("-r.color.png").is_file()
    assert kolorit("-z.png").code == 2


def test_255_bytes(kolorit: Kolorit, folder: Path) -> None:
    name = "x" * 251 + ".png"
    photo("plain.png").rename(name)
    ran = kolorit(name)
    assert ran.code == 4
    assert "name is too long" in ran.err
    assert kolorit(name, "-o", "short.png").code == 0
    assert kolorit("y" * 300 + ".png").code == 3
    assert {path.name for path in folder.iterdir()} == {name, "short.png"}


def test_bytes_that_are_no_text_come_through_a_process(folder: Path) -> None:
    photo("plain.png").rename(os.fsdecode(b"caf\xe9.png"))
    command = [sys.executable, "-m", "kolorit", b"caf\xe9.png", "--json"]
    ran = subprocess.run(command, capture_output=True, env=environment(LC_ALL="C"), check=False)
    assert ran.returncode == 0, ran.stderr
    assert b"caf\\udce9.png" in ran.stdout
    assert b"caf\\xe9.color.png" in ran.stderr
    assert (os.fsencode(folder) + b"/caf\xe9.color.png") in [
        os.fsencode(path) for path in folder.iterdir()
    ]
