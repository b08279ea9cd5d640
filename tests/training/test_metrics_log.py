"""training/metrics_log.py: whole lines through kills, no step twice, plain words."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kolorit.errors import DataCorrupt, OutputUnwritable
from kolorit.training import metrics_log as log

TRAIN = {
    "step": 200,
    "total": 3.5,
    "classification": 2.911,
    "smooth_l1": 12.34,
    "lr": 6e-4,
    "seconds": 165.5,
    "images_per_second": 54.2,
    "waiting": 0.02,
}
VALID = {"step": 500, "val_loss": 2.71, "val_l2": 280.0, "val_ab_rmse": 14.2, "val_grey_rmse": 16.9}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    for row in rows:
        log.append(path, row)
    return path


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    path = write(tmp_path / "metrics.jsonl", TRAIN, VALID, {"step": 501, "total": 1.0})
    assert log.read(path) == [TRAIN, VALID, {"step": 501, "total": 1.0}]
    assert json.loads(path.read_text().splitlines()[0]) == TRAIN
    assert log.read(tmp_path / "none.jsonl") == []


def test_no_number_is_null_in_the_file_and_nan_in_python(tmp_path: Path) -> None:
    path = write(tmp_path / "m.jsonl", {"step": 1, "l2": math.nan, "l1": math.inf})
    assert path.read_text() == '{"step": 1, "l2": null, "l1": null}\n'
    (row,) = log.read(path)
    assert math.isnan(row["l2"]) and math.isnan(row["l1"])


def test_a_kill_at_any_byte_loses_one_row_at_most(tmp_path: Path) -> None:
    """Whatever part of the last line was written: the rows before stand, and the log goes on."""
    before = write(tmp_path / "a.jsonl", TRAIN).read_bytes()
    whole = write(tmp_path / "a.jsonl", VALID).read_bytes()
    for size in range(len(before), len(whole)):
        path = tmp_path / "b.jsonl"
        path.write_bytes(whole[:size])
        assert log.read(path) == [TRAIN]
        log.append(path, VALID)
        assert path.read_bytes() == whole
        path.write_bytes(whole[:size])
        log.cut(path, 10**9)
        assert path.read_bytes() == before
    (tmp_path / "b.jsonl").write_bytes(b'{"step"')  # in the very first row
    log.append(tmp_path / "b.jsonl", TRAIN)
    assert log.read(tmp_path / "b.jsonl") == [TRAIN]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 20), max_size=12), st.integers(-1, 21))
def test_cut_drops_what_comes_after(tmp_path_factory: pytest.TempPathFactory, steps, at) -> None:
    path = tmp_path_factory.mktemp("log") / "m.jsonl"
    rows = [{"step": step, "l2": float(k)} for k, step in enumerate(steps)]
    write(path, *rows)
    log.cut(path, at)
    assert log.read(path) == [row for row in rows if row["step"] <= at]


def test_cut_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "m.jsonl", TRAIN, VALID)
    content = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        with pytest.raises(OutputUnwritable, match="disk is full"):
            log.cut(path, 200)
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["m.jsonl"]
    node = path.stat().st_ino
    log.cut(path, 500)  # nothing to drop: not written anew
    assert path.stat().st_ino == node
    log.cut(path, 200)
    assert log.read(path) == [TRAIN]
    log.cut(tmp_path / "none.jsonl", 3)
    assert not (tmp_path / "none.jsonl").exists()


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[1]", b'{"step": 1}{"step": 2}', b"\x00\x00"])
def test_a_broken_line_within_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"step": 1}\n' + line + b'\n{"step": 2}\n')
    with pytest.raises(DataCorrupt, match="line 2") as caught:
        log.read(path)
    assert caught.value.file == str(path)


def test_rows_without_a_step_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.jsonl", {"l2": 1.0})
    for use in (lambda: log.cut(path, 1), lambda: log.write_csv(path)):
        with pytest.raises(DataCorrupt, match="no step"):
            use()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_told() -> None:
    with pytest.raises(OutputUnwritable, match="No space left"):
        log.append(Path("/dev/full"), TRAIN)


def test_csv_has_a_row_a_step(tmp_path: Path) -> None:
    path = write(
        tmp_path / "metrics.jsonl",
        {"step": 20, "total": 2.5, "l2": 2.5, "lr": 1e-3},
        {"step": 40, "total": 2.0, "l2": 2.0, "lr": 5e-4},
        {"step": 40, "val_loss": 2.25, "val_l2": 2.25},
        {"step": 60, "total": math.nan, "l2": math.nan, "critic": 0.5, "lr": 1e-5},
        {"step": 30, "val_loss": 2.75},
    )
    with path.open("ab") as file:
        file.write(b'{"step": 80, "tot')
    table = log.write_csv(path)
    assert table == tmp_path / "metrics.csv"
    assert table.read_bytes() == (
        b"step,total,l2,lr,critic,val_loss,val_l2\n"
        b"20,2.5,2.5,0.001,,,\n"
        b"30,,,,,2.75,\n"
        b"40,2.0,2.0,0.0005,,2.25,2.25\n"
        b"60,nan,nan,1e-05,0.5,,\n"
    )
    log.write_csv(path)  # over the old one
    assert log.write_csv(tmp_path / "none.jsonl").read_text() == "step\n"


def test_progress_in_words() -> None:
    assert log.progress_line(TRAIN, 6000) == (
        "step 200 of 6,000 | classification 2.91, smooth_l1 12.3 | rate 0.0006 | 54.2 pictures/s"
        " | 1 h 20 min left"
    )
    assert log.progress_line(VALID, 6000, best=True) == (
        "step 500: validation 2.71 (best so far), ab rmse 14.2 (grey 16.9)"
    )
    assert "best" not in log.progress_line(VALID, 6000)
    assert log.progress_line({"step": 4, "l2": math.nan}, 4) == "step 4 of 4 | l2 no number"


def test_time_left_counts_from_where_this_process_began() -> None:
    row = {"step": 150, "seconds": 50.0}
    assert log.progress_line(row, 200, start=100).endswith("| 50 s left")
    assert log.progress_line(row, 200).endswith("| 17 s left")
    assert "left" not in log.progress_line(row, 150)
    assert "left" not in log.progress_line(row, 200, start=150)


def test_waiting_is_told_when_it_is_much() -> None:
    assert "waiting" not in log.progress_line(TRAIN | {"waiting": 0.09}, 6000)
    line = log.progress_line(TRAIN | {"waiting": 0.23}, 6000)
    assert "| 23 % of the time waiting for pictures |" in line


def test_the_best_row_is_the_least_and_the_first_of_equals() -> None:
    rows = [
        {"step": 10, "val_loss": 3.0, "val_l2": 1.0},
        {"step": 20, "val_loss": 1.0, "val_l2": 2.0},
        {"step": 25, "total": 0.1},
        {"step": 30, "val_loss": 1.0, "val_l2": 0.5},
        {"step": 40, "val_loss": math.nan, "val_l2": 9.0},
    ]
    assert log.best_row(rows) is rows[1]
    assert log.best_row(rows, "l2") is rows[3]
    assert log.best_row(rows, "ab_rmse") is None
    assert log.best_row(rows[4:]) is None


def test_a_sitting_ends_where_the_clock_falls() -> None:
    rows = [{"seconds": s, "step": k} for k, s in enumerate((10.0, 20.0, 5.0, 5.0, 15.0, 2.0))]
    rows.append({"step": 9, "val_loss": 3.0})
    assert [row["step"] for row in log.sittings(rows)] == [1, 4, 5]
    assert log.sittings([]) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (2.911, "2.91"),
        (12.34, "12.3"),
        (6e-4, "0.0006"),
        (2.31e-6, "2.31e-06"),
        (54.0, "54"),
        (999.4, "999"),
        (999.6, "1,000"),
        (-6123.4, "-6,123"),
        (0.0, "0"),
        (math.inf, "no number"),
    ],
)
def test_short_numbers(value: float, words: str) -> None:
    assert log.short(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (3569, "59 min"),
        (3571, "1 h 00 min"),
        (4800, "1 h 20 min"),
        (172_700, "47 h 58 min"),
        (172_800, "2 days 0 h"),
        (200_000, "2 days 8 h"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert log.duration(seconds) == words
