"""training/store.py: tar shards to one array of squares."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from kolorit.errors import DataCorrupt
from kolorit.picture.rgb import decode_rgb
from kolorit.training.store import open_store, read_shards, square


def test_every_picture_is_there_once(shards: Path, tmp_path: Path) -> None:
    folder = shards / "photos"
    store = open_store([folder], 48, tmp_path / "cache")
    expected = {square(decode_rgb(data), 48).tobytes() for _, data in read_shards([folder])}
    assert store.shape == (20, 48, 48, 3)
    assert {s.tobytes() for s in np.asarray(store)} == expected
    assert len(expected) == 20


def test_the_store_is_built_once_and_again_for_other_shards(shards: Path, tmp_path: Path) -> None:
    cache, folder = tmp_path / "cache", shards / "photos"
    open_store([folder], 48, cache)
    first = sorted(cache.iterdir())
    open_store([folder], 48, cache)
    assert sorted(cache.iterdir()) == first
    (folder / "b.tar").unlink()
    assert len(open_store([folder], 48, cache)) == 10
    assert all(p.suffix == ".npy" for p in cache.iterdir())


def test_square_takes_the_middle() -> None:
    rgb = np.zeros((40, 100, 3), np.uint8)
    rgb[:, 30:70] = 200
    assert (square(rgb, 40) == 200).all()


def test_members_that_point_elsewhere_are_not_taken(shards: Path) -> None:
    path = shards / "photos" / "c.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("../evil.jpg", "folder/x.jpg"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert not [key for key, _ in read_shards([shards / "photos"]) if "/c/" in key]


def test_broken_shards_are_refused_and_named(shards: Path, tmp_path: Path) -> None:
    whole = (shards / "photos" / "a.tar").read_bytes()
    (shards / "photos" / "a.tar").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataCorrupt, match=r"a\.tar"):
        open_store([shards / "photos"], 48, tmp_path / "cache")
    with pytest.raises(DataCorrupt, match="nowhere"):
        list(read_shards([shards / "nowhere"]))


def test_more_than_one_broken_picture_in_a_hundred_is_too_many(
    shards: Path, tmp_path: Path
) -> None:
    with tarfile.open(shards / "photos" / "c.tar", "w") as tar:
        info = tarfile.TarInfo("000.jpg")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"none"))
    with pytest.raises(DataCorrupt, match="1 of 21"):
        open_store([shards / "photos"], 48, tmp_path / "cache")
