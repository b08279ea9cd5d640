"""Many pictures: one bad one never stops the rest, order is stable, a stopped run can go on."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .conftest import Kolorit, environment, photo
from .test_bad_inputs import bomb, truncated


def mixed(folder: Path, good: int = 12) -> dict[str, int]:
    """A folder of good and bad pictures; name -> exit code of its own."""
    for k in range(good):
        photo(folder / f"p{k:02}.{('jpg', 'png', 'tif')[k % 3]}", seed=k)
    (folder / "p02b.jpg").write_bytes(b"")
    truncated(folder / "p05b.jpg")
    bomb(folder / "p07b.png")
    (folder / "p08b.jpg").write_text("Dear diary", "utf-8")
    (folder / "notes.txt").write_text("Dear diary", "utf-8")  # no picture, and says so
    (folder / "p09b.jpg").mkdir()  # a folder within, whatever its name
    codes = {path.name: 0 for path in folder.iterdir() if path.is_file()}
    del codes["notes.txt"]
    return codes | {"p02b.jpg": 3, "p05b.jpg": 3, "p07b.png": 7, "p08b.jpg": 3}


@pytest.mark.parametrize("jobs", [1, 3])
def test_good_and_bad_together(kolorit: Kolorit, jobs: int) -> None:
    codes = mixed(Path("album"))
    ran = kolorit("-r", "album", "-o", "out", "--json", "--report", "r.jsonl", "-j", jobs)
    assert ran.code == 1
    found = {Path(r["input"]).name: r.get("error", {}).get("code", 0) for r in ran.records}
    assert found == codes
    assert list(found) == sorted(codes)  # told in the order of names, whoever was first
    written = {path.name for path in Path("out").iterdir()}
    assert written == {Path(r["output"]).name for r in ran.records if "error" not in r}
    for path in Path("out").iterdir():
        Image.open(path).load()
    assert [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()] == (
        ran.records
    )
    assert "12 of 16 coloured, 4 failed" in ran.err
    assert ran.err.endswith(
        "error: 4 of 16 pictures failed\nhint: See the lines above; mend them and run again with "
        "--resume.\n"
    )
    ran = kolorit("-r", "album", "-o", "again")
    assert ran.err.endswith("hint: See the lines above.\n")  # there is no report to resume from


def test_results_do_not_depend_on_how_many_at_a_time(kolorit: Kolorit) -> None:
    for k in range(6):
        photo(f"album/p{k}.jpg", seed=k)
    for jobs in (1, 4):
        assert kolorit("-r", "album", "-o", f"out{jobs}/", "-j", jobs).code == 0
    for k in range(6):
        one, four = (Path(f"out{jobs}/p{k}.color.jpg").read_bytes() for jobs in (1, 4))
        assert one == four


def test_a_batch_of_one_has_its_own_code(kolorit: Kolorit) -> None:
    bomb(photo("album/p.png"))
    assert kolorit("-r", "album").code == 7


def test_the_model_runs_on_one_thread_when_pictures_run_side_by_side(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kolorit.runtime import model

    asked: list[Any] = []
    load = model.load_model

    def spy(name: str, device: str, threads: int | None) -> Any:
        asked.append(threads)
        return load(name, device, threads)

    monkeypatch.setattr("kolorit.colorizer.load_model", spy)
    for k in range(2):
        photo(f"p{k}.jpg")
    kolorit("p0.jpg", "p1.jpg", "-j", 2)
    kolorit("p0.jpg", "p1.jpg", "-j", 1, "--overwrite")
    kolorit("p0.jpg", "p1.jpg", "-j", 2, "--threads", 3, "--overwrite")
    assert asked == [1, None, 3]  # and one Colorizer a run


def test_resume(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed(Path("album"), good=4)
    again = ["-r", "album", "-o", "out", "--report", "r.jsonl", "--json"]
    first = kolorit(*again)
    assert first.code == 1
    before = {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    for name in ("p02b.jpg", "p05b.jpg", "p07b.png", "p08b.jpg"):
        Path("album", name).unlink()
    photo("album/p02b.jpg")  # mended

    ran = kolorit(*again, "--resume")
    assert ran.code == 0
    finished = [r["input"] for r in ran.records if r.get("skipped") == "finished"]
    coloured = [r["input"] for r in ran.records if "skipped" not in r]
    assert len(finished) == 4
    assert coloured == ["album/p02b.jpg"]
    assert {p: p.stat().st_mtime_ns for p in before} == before

    assert kolorit(*again, "--resume").code == 0  # nothing left to do
    ran = kolorit(*again, "--resume", "--strength", "0.5")  # other options: not finished
    assert ran.code == 1
    assert {r["error"]["code"] for r in ran.records} == {4}  # and what is there stays


def test_resume_after_a_kill_between_the_result_and_its_line(kolorit: Kolorit) -> None:
    photo("album/a.jpg")
    photo("album/b.jpg", seed=1)
    again = ["-r", "album", "-o", "out/", "--report", "r.jsonl", "--json"]
    assert kolorit(*again).code == 0
    lines = Path("r.jsonl").read_bytes().splitlines(keepends=True)
    Path("r.jsonl").write_bytes(lines[0] + lines[1][:40])  # cut off in the middle
    ran = kolorit(*again, "--resume")
    assert ran.code == 0, ran.err
    assert ["skipped" in r for r in ran.records] == [True, False]
    assert kolorit(*again, "--resume").code == 0


def test_a_result_that_is_gone_is_made_again(kolorit: Kolorit) -> None:
    photo("a.jpg")
    kolorit("a.jpg", "--report", "r.jsonl")
    Path("a.color.jpg").unlink()
    assert kolorit("a.jpg", "--report", "r.jsonl", "--resume").code == 0
    assert Path("a.color.jpg").exists()


def test_a_full_disk_ends_the_run(
    kolorit: Kolorit, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for k in range(20):
        photo(f"album/p{k:02}.jpg")
    sync, calls = os.fsync, [0]

    def fail(handle: int) -> None:
        calls[0] += 1
        if calls[0] > 6:  # a file and its folder for each of three pictures
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    monkeypatch.setattr("kolorit.picture.save.os.fsync", fail)
    ran = kolorit("-r", "album", "-o", "out/", "--json", "-j", 1)
    assert ran.code == 4
    assert "the disk is full" in ran.err
    assert len(ran.records) < 20  # it stopped
    assert "error" in ran.records[-1]
    left = list((folder / "out").iterdir())
    assert len(left) == sum("error" not in r for r in ran.records)


def test_another_failing_write_does_not(kolorit: Kolorit) -> None:
    for k in range(3):
        photo(f"p{k}.jpg")
    Path("out").mkdir()
    Path("out/p1.color.jpg").write_bytes(b"mine")
    ran = kolorit("p0.jpg", "p1.jpg", "p2.jpg", "-o", "out/", "--json")
    assert ran.code == 1
    assert [r.get("error", {}).get("code") for r in ran.records] == [None, 4, None]


def test_skip_existing_makes_what_is_missing(kolorit: Kolorit) -> None:
    photo("p.jpg")
    assert kolorit("p.jpg").code == 0
    before = Path("p.color.jpg").read_bytes()
    more = ("p.jpg", "--skip-existing", "--compare", "slider", "--strength", "0.2")
    assert kolorit(*more).code == 0
    assert Path("p.color.compare.html").stat().st_size > 0
    assert Path("p.color.jpg").read_bytes() == before
    Path("p.color.jpg").unlink()
    page = Path("p.color.compare.html").read_bytes()
    assert kolorit(*more, "--saturation", "2").code == 0
    assert Path("p.color.jpg").exists()
    assert Path("p.color.compare.html").read_bytes() == page


def test_skip_existing_in_a_batch(kolorit: Kolorit) -> None:
    for k in range(3):
        photo(f"p{k}.jpg")
    kolorit("p1.jpg")
    ran = kolorit("p0.jpg", "p1.jpg", "p2.jpg", "--skip-existing", "--json", "-v")
    assert ran.code == 0
    assert [r.get("skipped") for r in ran.records] == [None, "exists", None]
    assert "p1.jpg: left as it is, exists" in ran.err


def test_a_bug_in_one_picture_does_not_stop_the_rest(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kolorit.colorizer import Colorizer

    for k in range(3):
        photo(f"p{k}.png", seed=k)
    run, lock, seen = Colorizer.run, threading.Lock(), [0]

    def broken(self: Colorizer, *args: Any, **options: Any) -> Any:
        with lock:
            seen[0] += 1
            first = seen[0] == 1
        if first:
            raise ZeroDivisionError("oh")
        return run(self, *args, **options)

    monkeypatch.setattr(Colorizer, "run", broken)
    ran = kolorit("p0.png", "p1.png", "p2.png", "--json", "-j", 1)
    assert ran.code == 1
    assert [r.get("error", {}).get("code") for r in ran.records] == [70, None, None]


def test_nothing_to_colour_needs_no_model(kolorit: Kolorit) -> None:
    assert kolorit("gone.jpg", "--model", "none").code == 3


def test_a_report_that_cannot_be_written_stops_before_the_work(kolorit: Kolorit) -> None:
    photo("p.jpg")
    before = Path("p.jpg").read_bytes()
    for report in ("gone/r.jsonl", ".", "p.jpg"):
        assert kolorit("p.jpg", "--report", report).code == 4
    assert Path("p.jpg").read_bytes() == before
    assert not Path("p.color.jpg").exists()
    assert kolorit("p.jpg", "--resume").code == 2


@pytest.mark.parametrize("moment", [0.03, 0.11, 0.23])
def test_killed_at_any_moment(kolorit: Kolorit, folder: Path, moment: float) -> None:
    """After SIGKILL every result is whole, and --resume finishes the rest."""
    for k in range(30):
        photo(f"album/p{k:02}.png", seed=k)
    again = ["-r", "album", "-o", "out/", "--report", "r.jsonl"]
    command = [sys.executable, "-m", "kolorit", *again]
    process = subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not list(folder.glob("out/*.color.png")) and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(moment)
    process.kill()
    process.wait(60)
    for path in folder.glob("out/*.color.png"):
        Image.open(path).load()
    assert kolorit(*again, "--resume").code == 0
    assert len(list(folder.glob("out/*.color.png"))) == 30
