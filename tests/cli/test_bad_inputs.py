"""Every kind of bad input has its exit code, two lines for people and an object for programs."""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import DATA, Kolorit, photo


def truncated(path: Path) -> None:
    photo(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def bomb(path: Path) -> None:
    """A PNG of 60000 x 60000 pixels in some hundred bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


BAD: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "empty": (lambda path: path.write_bytes(b""), 3, "empty"),
    "truncated": (truncated, 3, "truncated"),
    "bomb": (bomb, 7, "60000 x 60000"),
    "text renamed": (lambda path: path.write_text("Dear diary", "utf-8"), 3, "text file"),
    "PDF renamed": (lambda path: path.write_bytes(b"%PDF-1.7 ..."), 3, "PDF"),
    "noise": (lambda path: path.write_bytes(bytes(range(128, 256)) * 9), 3, "no picture"),
    "folder": (lambda path: path.mkdir(), 3, "folder"),
    "pipe": (lambda path: os.mkfifo(path), 3, "pipe"),
    "link to nothing": (lambda path: path.symlink_to("gone.jpg"), 3, "no such file"),
    "link to itself": (lambda path: path.symlink_to(path.name), 3, "link"),
    "missing": (lambda path: None, 3, "no such file"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input(kolorit: Kolorit, folder: Path, kind: str) -> None:
    make, code, word = BAD[kind]
    make(folder / "farm.jpg")
    ran = kolorit("farm.jpg", "--json")
    assert ran.code == code, ran.err
    lines = ran.err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("error: ")
    assert lines[0].endswith("(farm.jpg)")
    assert word in lines[0]
    assert lines[1].startswith("hint: ")
    assert ran.record["input"] == "farm.jpg"
    error = ran.record["error"]
    assert (error["code"], "error: " + error["message"]) == (code, lines[0])
    assert error["hint"]
    assert {path.name for path in folder.iterdir()} <= {"farm.jpg"}  # nothing was written


def test_unreadable(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for root, whom no mode keeps out."""
    photo("farm.jpg").chmod(0)
    opened = os.open

    def refuse(path: object, *rest: int) -> int:
        if path == "farm.jpg":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    ran = kolorit("farm.jpg")
    assert ran.code == 3
    assert "permission" in ran.err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("call", ["write", "fsync", "link", "replace"])
def test_a_failing_disk(
    kolorit: Kolorit, folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    photo("farm.jpg")
    arguments = ["farm.jpg", "--confidence"]
    if call == "replace":
        Path("farm.color.jpg").write_bytes(b"old")
        arguments.append("--overwrite")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(f"kolorit.picture.save.os.{call}", fail)
    ran = kolorit(*arguments)
    assert ran.code == 4, ran.err
    left = {path.name for path in folder.iterdir()}
    if call == "replace":
        assert Path("farm.color.jpg").read_bytes() == b"old"
    assert left == {"farm.jpg"} | ({"farm.color.jpg"} if call == "replace" else set())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_standard_output(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    photo("farm.jpg")
    full = open("/dev/full", "w", encoding="utf-8")
    monkeypatch.setattr("sys.stdout", full)
    ran = kolorit("farm.jpg", "-o", "-")
    assert ran.code == 4
    assert "standard output" in ran.err
    with pytest.raises(OSError, match="No space"):
        full.close()


@pytest.mark.parametrize(
    ("out", "word"),
    [
        ("gone/x.jpg", "folder does not exist"),
        (f"{'x' * 300}.jpg", "name is too long"),
        ("farm.jpg/x.jpg", "file, not a folder"),
    ],
)
def test_unwritable(kolorit: Kolorit, out: str, word: str) -> None:
    photo("farm.jpg")
    ran = kolorit("farm.jpg", "-o", out)
    assert ran.code == 4
    assert word in ran.err


def test_a_folder_that_cannot_be_made(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    ran = kolorit("farm.jpg", "-o", "farm.jpg/sub/")
    assert ran.code == 4
    assert "folder cannot be made" in ran.err


def test_missing_model(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    for model, word in (("none", "no model is called"), ("none.onnx", "has no card")):
        ran = kolorit("farm.jpg", "--model", model, "--json")
        assert ran.code == 5
        assert word in ran.err
        assert ran.record["error"]["slug"] == "model-unavailable"


@pytest.mark.parametrize("change", ["bit", "short", "empty", "swapped", "gone"])
def test_altered_model(kolorit: Kolorit, folder: Path, change: str) -> None:
    content = bytearray((DATA / "constant.onnx").read_bytes())
    if change == "bit":
        content[len(content) // 2] ^= 1
    new = {"short": content[:-1], "empty": b"", "swapped": b"x" * len(content)}.get(change, content)
    (folder / "mine.toml").write_bytes((DATA / "constant.toml").read_bytes())
    if change != "gone":
        (folder / "mine.onnx").write_bytes(new)
    photo("farm.jpg")
    ran = kolorit("farm.jpg", "--model", "mine.onnx")
    assert ran.code == 5
    assert "mine.onnx" in ran.err
    assert not Path("farm.color.jpg").exists()


def test_device_that_is_not_there(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    assert kolorit("farm.jpg", "--device", "abacus").code == 6


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        '{"version": 2, "hints": []}',
        '{"version": 1, "hints": [{"x": 2, "y": 0, "colour": "#fff"}]}',
        '{"version": 1, "hints": [{"x": 0, "y": 0, "colour": "red"}]}',
        '{"version": 1, "hints": [{"x": 0, "y": 0}]}',
    ],
)
def test_bad_hints(kolorit: Kolorit, text: str) -> None:
    photo("farm.jpg")
    Path("hints.json").write_text(text, "utf-8")
    ran = kolorit("farm.jpg", "--hints", "hints.json", "--json")
    assert ran.code == 10
    assert "(hints.json)" in ran.err
    assert ran.record["error"]["slug"] == "hints-invalid"


def test_missing_hints(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    assert kolorit("farm.jpg", "--hints", "gone.json").code == 10


def test_too_little_memory(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    photo("farm.jpg")

    def run(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("kolorit.colorizer.Colorizer.run", run)
    ran = kolorit("farm.jpg")
    assert ran.code == 7
    assert "memory" in ran.err


def test_a_bug_is_one_line_and_a_trace_in_a_file(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    photo("farm.jpg")

    def run(*_: object, **__: object) -> None:
        raise TypeError("wrong\nshape")

    monkeypatch.setattr("kolorit.colorizer.Colorizer.run", run)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ran = kolorit("farm.jpg", "--json")
    assert ran.code == 70
    assert ran.record["error"]["slug"] == "internal-error"
    assert "Traceback" not in ran.err
    assert ran.err.startswith("error: TypeError: wrong\\nshape\nhint: ")
    (trace,) = tmp_path.glob("kolorit-error-*.txt")
    assert str(trace) in ran.err
    assert "Traceback" in trace.read_text("utf-8")
    assert "Traceback" in kolorit("farm.jpg", "--debug").err


def test_debug_prints_the_trace_of_a_refusal_too(kolorit: Kolorit) -> None:
    assert "Traceback" not in kolorit("gone.jpg").err
    assert "FileNotFoundError" in kolorit("gone.jpg", "--debug").err
