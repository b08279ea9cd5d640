"""Files come whole or not at all, and never onto something unasked."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kolorit.errors import OutputUnwritable
from kolorit.picture import save as saving
from kolorit.picture.save import remove_leftovers, save

NEW, OLD = b"new" * 1000, b"old"
CALLS = ("open", "write", "fsync", "close", "take", "folder open", "folder fsync")
ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_file_and_only_it(tmp_path):
    path = tmp_path / "a.jpg"
    assert save(NEW, path) == path
    assert path.read_bytes() == NEW and names(tmp_path) == ["a.jpg"]


def test_the_mode_follows_umask(tmp_path):
    old = os.umask(0o027)
    try:
        path = save(NEW, tmp_path / "a.jpg")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o640


def test_an_existing_file_stays_unless_asked(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(OLD)
    with pytest.raises(OutputUnwritable, match="exists") as caught:
        save(NEW, path)
    assert "--overwrite" in caught.value.remedy and path.read_bytes() == OLD
    save(NEW, path, overwrite=True)
    assert path.read_bytes() == NEW and names(tmp_path) == ["a.jpg"]


def test_a_file_that_appears_meanwhile_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.jpg"
    real = os.fsync

    def and_another_writes(handle: int) -> None:
        real(handle)
        path.write_bytes(OLD)

    monkeypatch.setattr(os, "fsync", and_another_writes)
    with pytest.raises(OutputUnwritable, match="exists"):
        save(NEW, path)
    assert path.read_bytes() == OLD and names(tmp_path) == ["a.jpg"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("way", ["same", "link", "hard link", "dots"])
def test_never_onto_the_input_whatever_its_name(tmp_path, way, overwrite):
    source = tmp_path / "a.jpg"
    source.write_bytes(OLD)
    target = tmp_path / "b.jpg"
    if way == "link":
        target.symlink_to(source)
    elif way == "hard link":
        target.hardlink_to(source)
    elif way == "dots":
        (tmp_path / "sub").mkdir()
        target = tmp_path / "sub" / ".." / "a.jpg"
    else:
        target = source
    with pytest.raises(OutputUnwritable, match="photograph it is made from"):
        save(NEW, target, overwrite=overwrite, source=source)
    assert source.read_bytes() == OLD


def test_a_source_that_is_gone_or_another_is_no_hindrance(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(OLD)
    save(NEW, path, overwrite=True, source=tmp_path / "gone.jpg")
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("place", ["folder", "no folder", "file as folder", "long", "nul", "loop"])
def test_places_where_nothing_can_be_written(tmp_path, place):
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    target, words = {
        "folder": (tmp_path, "folder"),
        "no folder": (tmp_path / "none" / "a.jpg", "does not exist"),
        "file as folder": (tmp_path / "file" / "a.jpg", "not a folder"),
        "long": (tmp_path / ("x" * 300), "too long"),
        "nul": (str(tmp_path) + "/a\0b.jpg", "character"),
        "loop": (tmp_path / "loop", "back to itself"),
    }[place]
    with pytest.raises(OutputUnwritable, match=words) as caught:
        save(NEW, target)
    assert caught.value.file and caught.value.remedy
    assert names(tmp_path) == ["file", "loop"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_file_is_never_replaced(tmp_path, overwrite):
    """Else an administrator who writes to /dev/null has none afterwards."""
    pipe = tmp_path / "a.jpg"
    os.mkfifo(pipe)
    with pytest.raises(OutputUnwritable, match="pipe, socket or device") as caught:
        save(NEW, pipe, overwrite=overwrite)
    assert "standard output" in caught.value.remedy
    assert pipe.is_fifo() and names(tmp_path) == ["a.jpg"]


def test_a_link_that_leads_nowhere_is_an_existing_name(tmp_path):
    link = tmp_path / "a.jpg"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputUnwritable, match="exists"):
        save(NEW, link)
    assert link.is_symlink()


class Failing:
    """Makes the n-th of the calls that `save` makes fail, and counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: str, number: int) -> None:
        self.hit = False
        real_open, real_fsync = os.open, os.fsync
        folders: set[int] = set()

        def failing(name: str, call: Any) -> Any:
            def run(*given: Any, **more: Any) -> Any:
                self._maybe(name, at, number)
                return call(*given, **more)

            return run

        def opened(path: Any, flags: int, *rest: Any, **more: Any) -> int:
            folder = os.path.isdir(path)
            self._maybe("folder open" if folder else "open", at, number)
            handle = real_open(path, flags, *rest, **more)
            if folder:
                folders.add(handle)
            return handle

        def synced(handle: int) -> None:
            self._maybe("folder fsync" if handle in folders else "fsync", at, number)
            real_fsync(handle)

        monkeypatch.setattr(os, "open", opened)
        monkeypatch.setattr(os, "fsync", synced)
        for name in ("write", "close"):
            monkeypatch.setattr(os, name, failing(name, getattr(os, name)))
        for name in ("replace", "link", "rename"):
            monkeypatch.setattr(os, name, failing("take", getattr(os, name)))

    def _maybe(self, name: str, at: str, number: int) -> None:
        if name == at and not self.hit:
            self.hit = True
            raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", ERRORS)
@pytest.mark.parametrize("at", CALLS)
@pytest.mark.parametrize("overwrite", [False, True])
def test_an_error_at_each_call(tmp_path, monkeypatch, at, number, overwrite):
    path = tmp_path / "a.jpg"
    if overwrite:
        path.write_bytes(OLD)
    with monkeypatch.context() as patch:
        failing = Failing(patch, at, number)
        if at.startswith("folder") and number == errno.EACCES:
            save(NEW, path, overwrite=overwrite)  # such folders cannot be opened or flushed
        else:
            with pytest.raises(OutputUnwritable) as caught:
                save(NEW, path, overwrite=overwrite)
            assert caught.value.exit_code == 4 and caught.value.file == str(path)
            if number == errno.ENOSPC:
                assert "full" in caught.value.cause and "MB" in caught.value.cause
        assert failing.hit
    if at.startswith("folder"):  # the name is taken by then, with the whole content
        assert path.read_bytes() == NEW and names(tmp_path) == ["a.jpg"]
    elif overwrite:
        assert path.read_bytes() == OLD and names(tmp_path) == ["a.jpg"]
    else:
        assert names(tmp_path) == []


def test_short_writes_go_on(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, part: real(handle, bytes(part[:7])))
    assert save(NEW, tmp_path / "a.jpg").read_bytes() == NEW


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_file_systems_without_second_names(tmp_path, monkeypatch, number):
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    path = save(NEW, tmp_path / "a.jpg")
    assert path.read_bytes() == NEW and names(tmp_path) == ["a.jpg"]
    with pytest.raises(OutputUnwritable, match="exists"):
        save(OLD, path)


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(NEW, tmp_path / "a.jpg")
    assert names(tmp_path) == []


WRITER = """
import sys
from kolorit.picture.save import save
content = bytes(range(256)) * 4096
print("ready", flush=True)
for at in range(100_000):
    save(content, f"{sys.argv[1]}/{at}.jpg")
"""


def killed(folder: Path, times: int, seed: int) -> None:
    """Kill a process that saves files, at random moments; each final name must be whole."""
    rng = random.Random(seed)
    environment = os.environ | {"PYTHONPATH": str(Path(saving.__file__).parents[2])}
    for run in range(times):
        place = folder / str(run)
        place.mkdir()
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(place)], stdout=subprocess.PIPE, env=environment
        )
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        time.sleep(rng.uniform(0, 0.05))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        for entry in place.iterdir():
            if entry.name.startswith("."):
                assert saving.TEMPORARY.fullmatch(entry.name)
                os.utime(entry, (0, 0))
            else:
                assert entry.read_bytes() == bytes(range(256)) * 4096
        remove_leftovers(place)
        assert not any(name.startswith(".") for name in names(place))


def test_a_killed_process_leaves_no_part_under_a_final_name(tmp_path):
    killed(tmp_path, 6, seed=1)


@pytest.mark.slow
def test_five_hundred_killed_processes(tmp_path):
    killed(tmp_path, 500, seed=2)


def test_leftovers_of_the_living_and_the_young_stay(tmp_path):
    dead = 2**22 + 1  # more than Linux numbers processes
    stay = [f".kolorit-{os.getpid()}-{'0' * 16}.part", f".kolorit-{dead}-{'1' * 16}.part", ".other"]
    go = f".kolorit-{dead}-{'2' * 16}.part"
    for name in (*stay, go):
        (tmp_path / name).write_bytes(b"x")
    for name in (stay[0], stay[2], go):
        os.utime(tmp_path / name, (0, 0))
    assert remove_leftovers(tmp_path) == 1
    assert names(tmp_path) == sorted(stay)
    assert remove_leftovers(tmp_path / "none") == 0


@pytest.mark.parametrize("name", ["🖼.jpg", "-rf.jpg", "a\nb.jpg", "x" * 255, "trailing."])
def test_names(tmp_path, name):
    assert save(NEW, tmp_path / name).read_bytes() == NEW
    assert names(tmp_path) == [name]
