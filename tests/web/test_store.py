"""Ids that cannot be guessed, paths that clients cannot choose, and nothing that stays behind."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kolorit.errors import Busy, NotThere
from kolorit.web.figures import Figures
from kolorit.web.store import Store, new_folder


class Clock:
    """A clock that goes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def store(folder: Path, clock: Clock, **figures: float) -> Store:
    return Store(folder, Figures(**figures), clock)  # type: ignore[arg-type]


def test_ids_are_long_and_folders_private(tmp_path: Path, clock: Clock) -> None:
    kept = store(tmp_path, clock)
    ids = {kept.put() for _ in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch("[0-9a-f]{32}", id) for id in ids)
    for id in ids:
        folder = kept.path(id)
        assert folder.parent == tmp_path
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "../etc", "/etc/passwd", "lock", "a" * 31, "a" * 33, "A" * 32, "a" * 32,
        "a" * 32 + "\n", "٣" * 32, "a" * 31 + "\0", "../" + "a" * 29, "%2e%2e%2f" + "a" * 23,
    ],
)  # fmt: skip
def test_no_other_name_becomes_a_path(tmp_path: Path, clock: Clock, name: str) -> None:
    """Not even that of a folder which is there but was never put."""
    kept = store(tmp_path, clock)
    (tmp_path / ("a" * 32)).mkdir()
    with pytest.raises(NotThere):
        kept.path(name)
    with pytest.raises(NotThere):
        kept.hold(name)
    assert name not in kept
    kept.drop(name)
    assert tmp_path.is_dir()
    assert (tmp_path / "lock").exists()


def test_what_is_not_asked_for_goes(tmp_path: Path, clock: Clock) -> None:
    kept = store(tmp_path, clock, kept_seconds=900)
    old, used = kept.put(), kept.put()
    (kept.path(old) / "original").write_bytes(b"x")
    clock.now += 600
    kept.path(used)
    clock.now += 301
    kept.sweep()
    assert kept.path(used).is_dir()
    with pytest.raises(NotThere):
        kept.path(old)
    assert not (tmp_path / old).exists()


def test_too_many_go_by_when_they_were_asked_for(tmp_path: Path, clock: Clock) -> None:
    kept = store(tmp_path, clock, kept=3)
    first, second, third = (kept.put() for _ in range(3))
    clock.now += 1
    kept.path(first)
    fourth = kept.put()
    assert [id in kept for id in (first, second, third, fourth)] == [True, False, True, True]


def test_too_many_bytes_go(tmp_path: Path, clock: Clock) -> None:
    """Also between two sweeps from outside: whoever sends quickly cannot fill the disk."""
    kept = store(tmp_path, clock, kept_bytes=250)
    ids = [kept.put() for _ in range(3)]
    for id in ids:
        (kept.path(id) / "original").write_bytes(bytes(100))
    clock.now += 2
    new = kept.put()
    assert [id in kept for id in (*ids, new)] == [False, True, True, True]


def test_what_is_held_stays(tmp_path: Path, clock: Clock) -> None:
    kept = store(tmp_path, clock, kept=2, kept_seconds=10)
    held, other = kept.put(), kept.put()
    kept.hold(held)
    kept.hold(held)
    kept.release(held)
    clock.now += 11
    kept.sweep()
    assert held in kept
    assert other not in kept
    kept.hold(kept.put())
    with pytest.raises(Busy) as caught:  # all is held: there is no room at all
        kept.put()
    assert caught.value.retry_after >= 1
    kept.release(held)
    clock.now += 9
    kept.sweep()
    assert held in kept  # it ages from its release
    clock.now += 2
    kept.sweep()
    assert held not in kept


def test_dropping_what_is_held(tmp_path: Path, clock: Clock) -> None:
    kept = store(tmp_path, clock)
    id = kept.put()
    kept.hold(id)
    kept.drop(id)
    kept.release(id)
    assert id not in kept


def test_what_a_worker_writes_too_late_goes(tmp_path: Path, clock: Clock) -> None:
    kept = store(tmp_path, clock)
    id = kept.put()
    kept.drop(id)
    (tmp_path / id).mkdir()
    (tmp_path / id / "result.part").write_bytes(b"x")
    kept.sweep()
    assert os.listdir(tmp_path) == ["lock"]


def test_a_disk_that_fails_is_busy(tmp_path: Path, clock: Clock) -> None:
    kept = store(tmp_path, clock)
    kept.put()
    shutil.rmtree(tmp_path)
    with pytest.raises(Busy, match="cannot keep"):
        kept.put()
    kept.sweep()


def test_closing_leaves_nothing(tmp_path: Path) -> None:
    kept = Store(new_folder(tmp_path), Figures())
    (kept.path(kept.put()) / "original").write_bytes(b"x")
    kept.close()
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="the lock is flock")
def test_a_killed_server_leaves_no_photographs(tmp_path: Path) -> None:
    """The next one removes them, but touches nothing of one that lives, or of another make."""
    program = (
        "import os, sys; from pathlib import Path; from kolorit.web.figures import Figures\n"
        "from kolorit.web.store import Store, new_folder\n"
        "s = Store(new_folder(Path(sys.argv[1])), Figures())\n"
        "(s.path(s.put()) / 'original').write_bytes(b'x'); os.kill(os.getpid(), 9)"
    )
    living = Store(new_folder(tmp_path), Figures())
    foreign = tmp_path / "kolorit-serve-notes"
    foreign.mkdir()
    (tmp_path / "kolorit-serve-link").symlink_to(foreign)
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=_path())
    assert killed.returncode == -9
    assert len(list(tmp_path.glob("kolorit-serve-*"))) == 4
    folder = new_folder(tmp_path)
    left = {living.folder, foreign, tmp_path / "kolorit-serve-link", folder}
    assert set(tmp_path.glob("kolorit-serve-*")) == left
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    living.close()


def _path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
