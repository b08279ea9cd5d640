"""evaluate/sets.py: exact stems, one hash anywhere, nothing guessed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from kolorit.errors import ConfigInvalid, DataCorrupt, InputUnreadable
from kolorit.evaluate.sets import find_photographs, find_set, read_truth
from kolorit.picture.rgb import encode_rgb


def fill(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rgb = np.full((20, 30, 3), (number, 90, 200), np.uint8)
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
    with pytest.raises(ConfigInvalid, match="KOLORIT_DATA"):
        find_set("gone")


@pytest.mark.parametrize(
    ("size", "short", "read"),
    [((40, 60), 20, (20, 30)), ((61, 40), 20, (30, 20)), ((10, 10), 32, (32, 32))],
)
def test_the_truth_has_the_short_side_and_is_never_cropped(
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
