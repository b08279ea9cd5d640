"""training/sources.py: where sources are, and which files of a folder are taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kolorit.errors import ConfigInvalid, DataCorrupt, LimitExceeded
from kolorit.training.sources import (
    Listing,
    Photograph,
    find_sources,
    list_photographs,
    read_photograph,
)


def listing(folder: Path) -> Listing:
    return list_photographs(find_sources({str(folder): 1.0}))


def keys(folder: Path) -> list[str]:
    return [photograph.key for photograph in listing(folder).photographs]


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


# -- where a source is


def test_a_source_is_a_path_or_a_folder_under_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "data/photos/a.jpg", "here/mine/b.jpg", "home/holiday/c.jpg")
    monkeypatch.setenv("KOLORIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    names = {"photos": 1.0, "mine": 2.0, "~/holiday": 0.5, str(tmp_path / "home"): 1.0, "none": 0.0}
    found = find_sources(names)
    assert [s.name for s in found] == [name for name in names if name != "none"]
    assert [s.weight for s in found] == [1.0, 2.0, 0.5, 1.0]
    files = [[f.name for f in s.files] for s in found]
    assert files == [["a.jpg"], ["b.jpg"], ["c.jpg"], ["holiday/c.jpg"]]
    touch(tmp_path, "here/photos/d.jpg")  # what lies here comes before the data folder
    assert find_sources({"photos": 1.0})[0].files[0].name == "d.jpg"


def test_what_is_no_source_is_said_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KOLORIT_DATA", raising=False)
    with pytest.raises(ConfigInvalid, match="no folder 'photos'") as error:
        find_sources({"photos": 1.0})
    assert "KOLORIT_DATA" in error.value.remedy
    monkeypatch.setenv("KOLORIT_DATA", str(tmp_path))
    with pytest.raises(ConfigInvalid, match=r"no such folder.*photos") as error:
        find_sources({"photos": 1.0})
    assert "KOLORIT_DATA" in error.value.remedy
    touch(tmp_path, "one.jpg")
    with pytest.raises(ConfigInvalid, match=r"a source is a folder.*one\.jpg"):
        find_sources({"one.jpg": 1.0})
    (tmp_path / "empty").mkdir()
    touch(tmp_path, "empty/readme.txt", "empty/deep/x.tar")
    with pytest.raises(DataCorrupt, match=r"no \.tar shards and no photographs.*empty") as broken:
        find_sources({"empty": 1.0})
    assert "jpg" in broken.value.remedy
    assert broken.value.exit_code == 11
    touch(tmp_path, "both/a.tar", "both/deep/a.jpg")
    with pytest.raises(ConfigInvalid, match=r"both \.tar shards and photographs"):
        find_sources({"both": 1.0})
    with pytest.raises(ConfigInvalid, match="no source has a weight"):
        find_sources({"both": 0.0})


# -- plain folders


def test_a_tree_is_searched_for_pictures(tmp_path: Path) -> None:
    names = ["a.jpg", "B.JPEG", "deep/er/c.png", "d.webp", "e.TIF", "f.tiff", "g.bmp"]
    touch(tmp_path, *names, "h.gif", "readme.txt", "jpg", ".hidden.jpg", ".git/i.jpg", "j.jpg.part")
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")  # reading it would wait for ever
    assert keys(tmp_path) == sorted(names)
    first = listing(tmp_path).photographs[0]
    assert read_photograph(first) == first.key.encode()


def test_links_that_lead_outside_are_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "secret/x.jpg", "photos/a.jpg", "photos/.store/b.jpg")
    photos = tmp_path / "photos"
    (photos / "out.jpg").symlink_to(tmp_path / "secret" / "x.jpg")
    (photos / "outside").symlink_to(tmp_path / "secret")
    (photos / "up.jpg").symlink_to("../secret/x.jpg")
    (photos / "inside.jpg").symlink_to(".store/b.jpg")
    (photos / "nothing.jpg").symlink_to("gone.jpg")
    (photos / "loop.jpg").symlink_to("loop.jpg")
    (photos / "again").symlink_to(photos)
    assert keys(photos) == ["a.jpg", "inside.jpg"]
    (tmp_path / "door").symlink_to(photos)  # the source itself may be one
    assert keys(tmp_path / "door") == ["a.jpg", "inside.jpg"]


def test_a_file_of_an_absurd_size_is_not_read(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    with pytest.raises(LimitExceeded):
        read_photograph(Photograph(0, "a.jpg", tmp_path / "a.jpg", 0, 10**10))
