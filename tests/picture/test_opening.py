"""What is no picture, by whatever name, is refused in words, and at once."""

from __future__ import annotations

import errno
import io
import os
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kolorit.errors import InputUnreadable, LimitExceeded
from kolorit.picture.decode import decode
from kolorit.picture.limits import Limits
from kolorit.picture.signature import identify


def jpeg(size: tuple[int, int] = (32, 24)) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).save(out, "JPEG")
    return out.getvalue()


def refused(source: Any, *, limits: Limits | None = None) -> InputUnreadable:
    with pytest.raises(InputUnreadable) as caught:
        decode(source, limits or Limits())
    error = caught.value
    assert error.cause and error.remedy and "Traceback" not in error.cause
    if isinstance(source, (str, Path)):
        assert error.file == os.fspath(source) and os.fspath(source) in str(error)
    return error


def test_every_kind_of_source(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    sources = {
        "path": [path, str(path)],
        "bytes": [jpeg()],
        "file": [io.BytesIO(jpeg()), path.open("rb")],
        "pil": [Image.open(path)],
        "array": [np.zeros((4, 5), np.uint8)],
    }
    for kind, several in sources.items():
        for source in several:
            picture = decode(source)
            assert picture.source.kind == kind
            assert picture.source.name == (
                str(path)
                if (hasattr(source, "fileno") and not isinstance(source, io.BytesIO))
                or kind == "path"
                else None
            )


def test_a_file_is_read_from_where_it_stands_and_left_open():
    stream = io.BytesIO(b"header" + jpeg())
    stream.read(6)
    assert decode(stream).width == 32 and not stream.closed


def test_a_pipe_as_file_object_is_read():
    reader, writer = os.pipe()
    os.write(writer, jpeg())
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        assert decode(stream).width == 32


def test_missing():
    assert "no such file" in refused("/nowhere/at/all.jpg").cause


def test_a_folder_named_as_a_picture(tmp_path):
    folder = tmp_path / "x.jpg"
    folder.mkdir()
    assert "folder" in refused(folder).cause


def test_empty(tmp_path):
    path = tmp_path / "empty.jpg"
    path.touch()
    assert "empty" in refused(path).cause
    assert "empty" in refused(b"").cause
    assert "empty" in refused(io.BytesIO()).cause


def test_unreadable(tmp_path, monkeypatch):
    path = tmp_path / "secret.jpg"
    path.write_bytes(jpeg())
    real = os.open

    def refuse(name: Any, *rest: Any, **more: Any) -> int:
        if os.fspath(name) == str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(name))
        return real(name, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    assert "permission" in refused(path).cause


def test_a_failing_disk(tmp_path):
    class Failing(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    assert "Input/output error" in refused(Failing()).cause
    closed = io.BytesIO(jpeg())
    closed.close()
    assert "closed" in refused(closed).cause


def test_truncated(tmp_path):
    path = tmp_path / "half.jpg"
    path.write_bytes(jpeg((300, 200))[:-800])
    error = refused(path)
    assert "truncated" in error.cause and "again" in error.remedy


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Dear diary,\ntoday I took a photograph.\n", "text"),
        ("Liebes Tagebuch, über Straßen".encode(), "text"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing"),
        (b"<!doctype html><title>x</title>", "web page"),
        (b"8BPS\0\1" + bytes(40), "Photoshop"),
        (b"PK\x03\x04" + bytes(40), "ZIP"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp41isom", "film"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(40), "raw file"),
        (b"P6\n2 2\n255\n" + bytes(12), "PNM"),
        (bytes(5000), "zeros"),
        (bytes(range(128, 256)) * 4, "no picture that is known"),
        (b"SIMPLE  =                    T", "FITS"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
    ],
)
def test_other_files_named_as_pictures(tmp_path, content, words):
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    assert words in refused(path).cause


def test_the_name_is_never_asked(tmp_path):
    path = tmp_path / "really a picture.txt"
    path.write_bytes(jpeg())
    assert decode(path).source.format == "JPEG"


def test_a_named_pipe_is_refused_without_waiting(tmp_path):
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)
    assert "pipe" in refused(path).cause


def test_a_pipe_put_in_place_of_a_file_meanwhile_does_not_hang(tmp_path, monkeypatch):
    path = tmp_path / "swapped.jpg"
    path.write_bytes(jpeg())
    real = os.stat

    def stat_then_swap(name: Any, *rest: Any, **more: Any) -> os.stat_result:
        found = real(name, *rest, **more)
        if os.fspath(name) == str(path):
            monkeypatch.setattr(os, "stat", real)
            path.unlink()
            os.mkfifo(path)
        return found

    monkeypatch.setattr(os, "stat", stat_then_swap)
    assert "pipe" in refused(path).cause


def test_devices_and_sockets_are_refused(tmp_path):
    assert "device" in refused("/dev/zero").cause
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert "socket" in refused(path).cause


def test_names(tmp_path):
    for name in ("🖼.jpg", "-rf.jpg", "a\nb.jpg", "x" * 251 + ".jpg", "שלום.jpg", "trailing."):
        path = tmp_path / name
        path.write_bytes(jpeg())
        assert decode(path).width == 32
    raw = os.fsencode(tmp_path) + b"/\xff\xfe.jpg"
    with open(raw, "wb") as file:
        file.write(jpeg())
    assert decode(os.fsdecode(raw)).width == 32
    assert "too long" in refused(str(tmp_path / ("x" * 300))).cause
    assert "character" in refused("a\0b.jpg").cause
    loop = tmp_path / "loop.jpg"
    loop.symlink_to(loop)
    assert "link" in refused(loop).cause
    link = tmp_path / "link.jpg"
    link.symlink_to(tmp_path / "-rf.jpg")
    assert decode(link).width == 32


@pytest.mark.parametrize("value", [None, 3, 2.5, ["a.jpg"], object(), io.StringIO("text")])
def test_what_is_no_source_at_all(value):
    assert refused(value).file is None


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 4), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((2, 2, 5), np.uint8),
        np.zeros((2, 2), np.int64),
        np.zeros((2, 2), complex),
        np.full((2, 2), 1.5),
        np.full((2, 2), np.nan),
        np.array([["a", "b"]]),
    ],
)
def test_arrays_that_are_no_picture(array):
    assert refused(array).remedy


def test_too_many_bytes_stop_early(tmp_path):
    limits = Limits(bytes=1000)
    path = tmp_path / "big.jpg"
    path.write_bytes(bytes(1001))

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return bytes(size)

    endless = Endless()
    for source in (path, bytes(1001), endless):
        with pytest.raises(LimitExceeded, match="MB"):
            decode(source, limits)
    assert endless.given == 1001


def test_identify_needs_only_the_head():
    assert identify(jpeg()[:4]) == "JPEG"
    with pytest.raises(InputUnreadable):
        identify(b"")
