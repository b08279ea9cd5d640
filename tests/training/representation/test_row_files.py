"""row_files.py: what np.load reads again; a disk that is full; all files or none."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from kolorit.errors import OutputUnwritable
from kolorit.training.representation import row_files as written
from kolorit.training.representation.row_files import row_files

ROWS = np.random.default_rng(0).normal(size=(7, 2, 3)).astype(np.float16)


def test_rows_come_back(tmp_path: Path) -> None:
    paths = [tmp_path / "new" / name for name in ("a.npy", "b.npy")]
    with row_files(paths, 7) as append:
        for part in (ROWS[:3], ROWS[3:]):
            append(paths[0], part)
            append(paths[1], part[:, ::-1])  # not contiguous
    np.testing.assert_array_equal(np.load(paths[0]), ROWS)
    np.testing.assert_array_equal(np.load(paths[1], mmap_mode="r"), ROWS[:, ::-1])
    assert sorted(paths[0].parent.iterdir()) == paths
    np.save(tmp_path / "c.npy", ROWS)
    assert (tmp_path / "c.npy").read_bytes() == paths[0].read_bytes()


def test_an_error_leaves_nothing_and_is_itself(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_text("old")
    with pytest.raises(ZeroDivisionError), row_files([tmp_path / "a.npy"], 7) as append:
        append(tmp_path / "a.npy", ROWS)
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == ["a.npy"]
    assert (tmp_path / "a.npy").read_text() == "old"
    with pytest.raises(FileNotFoundError), row_files([tmp_path / "b.npy"], 7):
        (tmp_path / "nothing").read_bytes()  # of the caller, and none of a file that is written


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """It has room for nothing, which is known at the last when buffers are emptied."""
    paths = [tmp_path / "a.npy", tmp_path / "b.npy"]
    Path(f"{paths[1]}.part").symlink_to("/dev/full")
    with pytest.raises(OutputUnwritable, match="disk is full") as told:
        with row_files(paths, 7) as append:
            for path in paths:
                append(path, ROWS)
    assert told.value.file == str(paths[1])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "a.npy"
    with pytest.raises(OutputUnwritable) as told, row_files([path], 7) as append:
        append(path, ROWS)
    assert told.value.file == str(path)


def test_a_disk_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: int) -> None:
        raise OSError(errno.EIO, "I/O error")

    monkeypatch.setattr(written.os, "fsync", failing)
    with pytest.raises(OutputUnwritable, match="disk failed while writing"):
        with row_files([tmp_path / "a.npy"], 7) as append:
            append(tmp_path / "a.npy", ROWS)
    assert list(tmp_path.iterdir()) == []
