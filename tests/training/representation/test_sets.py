"""sets.py: decoded once, named after what is there; broken pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kolorit.errors import ConfigInvalid, DataCorrupt, OutputUnwritable
from kolorit.training.representation import sets
from kolorit.training.representation.sets import ClassSet, open_set

from .conftest import food, write_foods


def test_what_it_holds(food_set: ClassSet) -> None:
    assert food_set.pictures.shape == (156, 32, 32, 3)
    for row in (0, 77, 155):
        name, k = food_set.names[row].split("/")
        assert food_set.classes[food_set.label[row]] == name
        assert np.array_equal(food_set.pictures[row], food(int(food_set.label[row]), int(k)))
    assert food_set.test.sum() == 36
    assert len(food_set.digest) == 16


def test_it_is_decoded_once(tmp_path: Path, foods: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    first = open_set("foods", 32, tmp_path, say=said.append)
    assert said[0].startswith("decoding 156 pictures")
    monkeypatch.setattr(sets, "_write", lambda *_: pytest.fail("decoded again"))
    again = open_set(str(foods), 32, tmp_path)
    assert again.digest == first.digest
    assert np.array_equal(again.pictures, first.pictures)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", ".npy"]


def test_another_size_another_fit_another_picture_make_another(tmp_path: Path) -> None:
    folder = write_foods(tmp_path / "set", train=2, test=2, classes=2)
    Image.fromarray(np.tile(food(0, 0), (1, 2, 1))).save(folder / "train" / "apple" / "000.png")
    digests = [
        open_set(str(folder), px, tmp_path / "stores", squash=squash).digest
        for px, squash in ((16, False), (32, False), (32, True))
    ]
    Image.fromarray(food(3, 3)).save(folder / "train" / "apple" / "000.png")
    digests.append(open_set(str(folder), 32, tmp_path / "stores").digest)
    assert len(set(digests)) == 4


def test_a_cut_off_store_is_made_again(tmp_path: Path, foods: Path) -> None:
    first = open_set("foods", 32, tmp_path)
    (array,) = tmp_path.glob("*.npy")
    array.write_bytes(array.read_bytes()[:1000])
    assert open_set("foods", 32, tmp_path).digest == first.digest


def test_broken_pictures(tmp_path: Path) -> None:
    folder = write_foods(tmp_path / "set", train=60, test=2, classes=2)
    (folder / "train" / "apple" / "007.png").write_bytes(b"no picture")
    found = open_set(str(folder), 32, tmp_path / "stores")
    assert len(found.label) == 123
    assert [name for name, _ in found.skipped] == ["apple/007"]
    (folder / "train" / "apple" / "008.png").write_bytes(b"no picture")
    with pytest.raises(DataCorrupt, match="more than one in a hundred"):
        open_set(str(folder), 32, tmp_path / "stores")
    assert not list((tmp_path / "stores").glob("building-*"))


def test_there_is_no_such_folder(foods: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="no such folder") as told:
        open_set("drinks", 32, tmp_path)
    assert "--set data=" in told.value.remedy


def test_a_place_that_cannot_be_written(foods: Path, tmp_path: Path) -> None:
    (tmp_path / "stores").write_text("a file")
    with pytest.raises(OutputUnwritable, match="cannot be written"):
        open_set("foods", 32, tmp_path / "stores")


def test_a_cache_in_the_way_of_nothing(foods: Path, tmp_path: Path) -> None:
    open_set("foods", 32, tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (index,) = (tmp_path / "b").glob("*.json")
    index.write_text("{}")  # somebody else's
    assert len(open_set("foods", 32, tmp_path / "b").label) == 156
