"""evaluate/sets.py: exact stems, one hash anywhere, nothing guessed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from kolorit.errors import DataCorrupt, InputUnreadable
from kolorit.evaluate.sets import find_photographs, find_set, read_truth
from kolorit.picture.rgb import encode_rgb


def fill(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rgb = np.full((40, 60, 3), (number, 90, 200), np.uint8)
        path.write_bytes(encode_rgb(rgb, "PNG"))
    return folder


def test_stems_are_paths_in_order_and_other_files_do_not_count(tmp_path: Path) -> None:
    folder = fill(tmp_path / "s", "b.png", "a.x.png", "deep/b.PNG", ".hidden.png")
    (folder / "README.md").write_text("no picture")
    found = find_set(str(folder))
    assert [p.stem for p in found.photographs] == ["a.x", "b", "deep/b"]
    assert found.name == "s"
    assert [p.stem for p in find_set(str(folder), first=2).photographs] == ["a.x", "b"]


def test_the_hash_is_of_stems_and_bytes_alone(tmp_path: Path) -> None:
    folder = fill(tmp_path / "one", "a.png", "b.png")
    copy = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    first = find_set(str(folder)).sha256
    assert find_set(str(copy)).sha256 == first
    (copy / "a.png").rename(copy / "c.png")
    assert find_set(str(copy)).sha256 != first
    fill(copy, "x.png", "b.png")
    (copy / "x.png").unlink()
    assert find_set(str(folder), first=1).sha256 != first


def test_one_stem_twice_is_refused(tmp_path: Path) -> None:
    folder = fill(tmp_path, "a.png")
    (folder / "a.jpg").write_bytes(b"x")
    with pytest.raises(DataCorrupt, match=r"a\.jpg and a\.png have one stem, 'a'"):
        find_photographs(folder)


def test_what_is_no_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataCorrupt, match="no photographs"):
        find_photographs(tmp_path)
    monkeypatch.setenv("KOLORIT_DATA", str(tmp_path))
    with pytest.raises(DataCorrupt, match="no such folder"):
        find_set("gone")
    fill(tmp_path / "eval" / "mine", "a.png")
    assert find_set("mine").name == "mine"
    monkeypatch.delenv("KOLORIT_DATA")
    with pytest.raises(DataCorrupt, match="no such folder") as caught:
        find_set("gone")
    assert "KOLORIT_DATA/eval" in caught.value.remedy
    assert caught.value.file == "gone"


@pytest.mark.parametrize(
    ("size", "short", "read"),
    [((40, 60), 32, (32, 48)), ((92, 60), 32, (49, 32)), ((40, 60), 64, (40, 60))],
)
def test_the_truth_has_at_most_the_short_side_and_is_never_cropped(
    tmp_path: Path, size: tuple[int, int], short: int, read: tuple[int, int]
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode_rgb(np.full((*size, 3), (200, 50, 10), np.uint8), "PNG"))
    rgb = read_truth(path, short)
    assert rgb.shape == (*read, 3)
    assert (rgb == (200, 50, 10)).all()
    path.write_bytes(b"broken")
    with pytest.raises(InputUnreadable):
        read_truth(path, short)


def test_what_is_too_small_is_no_photograph(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode_rgb(np.full((31, 90, 3), 9, np.uint8), "PNG"))
    with pytest.raises(InputUnreadable, match="90 x 31 pixels are too few"):
        read_truth(path, 256)


def test_names_of_odd_bytes_links_and_hidden_folders(tmp_path: Path) -> None:
    folder = fill(tmp_path / "s", "a.png", ".thumbs/b.png", "deep/c.png")
    odd = os.fsdecode(b"caf\xe9.png")
    (folder / odd).write_bytes((folder / "a.png").read_bytes())
    (folder / "again").symlink_to(folder / "deep")  # seen once
    (folder / "round").symlink_to(folder)
    elsewhere = fill(tmp_path / "elsewhere", "d.png")
    (folder / "linked").symlink_to(elsewhere)
    found = find_set(str(folder))
    stems = [p.stem for p in found.photographs]
    assert sorted(stems) == sorted(["a", odd[:-4], "linked/d", "deep/c"])
    assert len(found.sha256) == 64


def test_first_keeps_in_mind_what_else_there_is(tmp_path: Path) -> None:
    found = find_set(str(fill(tmp_path / "s", "a.png", "b.png", "c.png")), first=1)
    assert [p.stem for p in found.photographs] == ["a"]
    assert found.stems == {"a", "b", "c"}


def test_kinds_that_are_not_read_are_no_secret(tmp_path: Path) -> None:
    folder = fill(tmp_path / "s", "a.png")
    (folder / "b.avif").write_bytes(b"something")
    one, other = find_photographs(folder)
    assert (one.stem, other.stem) == ("a", "b")
    with pytest.raises(InputUnreadable):
        read_truth(other.path, 64)


def test_all_stems_that_stand_twice_are_counted(tmp_path: Path) -> None:
    folder = fill(tmp_path, "a.png", "b.png")
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(b"x")
    with pytest.raises(DataCorrupt, match="'a'; 2 stems in all"):
        find_photographs(folder)
