"""layouts.py: the same pictures by four layouts; what is missing or doubled is told."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kolorit.errors import DataCorrupt, InputUnreadable
from kolorit.training.representation.layouts import find_set

from .conftest import CLASSES, food, write_foods


def as_lists(foods: Path, folder: Path) -> Path:
    """torchvision's Food-101 of it, its classes not in the order of their names."""
    (folder / "meta").mkdir(parents=True)
    order = [CLASSES[1], CLASSES[0], *CLASSES[2:]]
    (folder / "meta" / "classes.txt").write_text("\n".join(order) + "\n")
    for side in ("train", "test"):
        names = []
        for of_class in order:
            for path in sorted((foods / side / of_class).iterdir()):
                target = folder / "images" / of_class / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
                names.append(f"{of_class}/{path.stem}")
        (folder / "meta" / f"{side}.txt").write_text("\n".join(names) + "\n")
    return folder


def test_two_sides(foods: Path) -> None:
    found = find_set(foods)
    assert found.classes == CLASSES
    assert sum(entry.test for entry in found.entries) == 36
    assert len(found.entries) == 156
    entry = next(e for e in found.entries if e.name == "curry/003")
    assert (entry.label, entry.test) == (2, False)
    assert np.array_equal(entry.read(), food(2, 3))


def test_one_side_has_a_quarter_as_its_test_whatever_is_added(tmp_path: Path, foods: Path) -> None:
    shutil.copytree(foods / "train", tmp_path / "plain")
    first = {e.name: e.test for e in find_set(tmp_path / "plain").entries}
    assert sum(first.values()) == 30
    shutil.copytree(foods / "test" / "apple", tmp_path / "plain" / "zucchini")
    second = {e.name: e.test for e in find_set(tmp_path / "plain").entries}
    assert {name: second[name] for name in first} == first


@pytest.mark.parametrize("below", ["", "food-101"])
def test_lists(tmp_path: Path, foods: Path, below: str) -> None:
    as_lists(foods, tmp_path / "set" / below)
    found = find_set(tmp_path / "set")
    assert found.classes[:2] == ("bread", "apple")
    assert len(found.entries) == 156
    entry = next(e for e in found.entries if e.name == "apple/021")
    assert (entry.label, entry.test) == (1, True)
    assert np.array_equal(entry.read(), food(0, 21))
    assert [e.name for e in found.entries][:2] == ["bread/000", "bread/001"]  # the lists' order


def test_a_listed_picture_that_is_missing(tmp_path: Path, foods: Path) -> None:
    folder = as_lists(foods, tmp_path / "set")
    (folder / "images" / "eggs" / "004.png").unlink()
    with pytest.raises(DataCorrupt, match=r"1 of 156 listed pictures are missing.*eggs/004"):
        find_set(folder)


def test_a_listed_class_that_is_unknown(tmp_path: Path, foods: Path) -> None:
    folder = as_lists(foods, tmp_path / "set")
    (folder / "meta" / "classes.txt").write_text("apple\nbread\n")
    with pytest.raises(DataCorrupt, match=r"not in classes\.txt"):
        find_set(folder)


def sheets(folder: Path, classes: int = 3, tiles: int = 12) -> Path:
    folder.mkdir()
    lines = ["split,label,class,tile,image_id"]
    with tarfile.open(folder / "set.tar", "w") as tar:
        for side in ("train", "test"):
            for k, name in enumerate(CLASSES[:classes]):
                sheet = np.zeros((64, 320, 3), np.uint8)
                for t in range(tiles):
                    y, x = 32 * (t // 10), 32 * (t % 10)
                    sheet[y : y + 32, x : x + 32] = food(k, t + (side == "test") * 100)
                    lines.append(f"{side},{k},{name},{t},{side}{t}")
                png = io.BytesIO()
                Image.fromarray(sheet).save(png, "PNG")
                info = tarfile.TarInfo(f"{side}/{name}.jpg")
                info.size = len(png.getvalue())
                tar.addfile(info, io.BytesIO(png.getvalue()))
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    (folder / "classes.txt").write_text("\n".join(CLASSES[:classes]) + "\n")
    return folder


def test_sheets(tmp_path: Path) -> None:
    found = find_set(sheets(tmp_path / "sheets"))
    assert found.classes == CLASSES[:3]
    for name, of_class, k in (("bread/train11", 1, 11), ("curry/test0", 2, 100)):
        entry = next(e for e in found.entries if e.name == name)
        assert entry.test == name.startswith("curry")
        assert np.array_equal(entry.read(), food(of_class, k))


def test_a_sheet_without_the_tile(tmp_path: Path) -> None:
    folder = sheets(tmp_path / "sheets")
    index = folder / "index.csv"
    index.write_text(index.read_text() + "train,0,apple,20,extra\n")
    entry = find_set(folder).entries[-1]
    with pytest.raises(InputUnreadable, match="no tile 20"):
        entry.read()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("index.csv", "split,label\ntrain,0\n"),
        ("index.csv", "split,label,class,tile,image_id\ntrain,1,apple,0,a\ntrain,0,bread,0,b\n"),
        ("classes.txt", ""),
    ],
)
def test_sheets_that_do_not_fit(tmp_path: Path, file: str, text: str) -> None:
    folder = sheets(tmp_path / "sheets")
    (folder / file).write_text(text)
    with pytest.raises(DataCorrupt, match="sheets"):
        find_set(folder)


def test_the_real_sheets(data_folder: Path) -> None:
    found = find_set(data_folder / "food101")
    assert len(found.classes) == 101
    sides = [sum(e.test == test for e in found.entries) for test in (False, True)]
    assert sides == [9898, 2525]
    entry = found.entries[-1]
    assert (entry.name.partition("/")[0], entry.test) == ("waffles", True)
    assert entry.read().shape == (64, 64, 3)


@pytest.mark.parametrize(("side", "lacking"), [("test", "test"), ("train", "train")])
def test_a_class_that_is_missing_on_one_side(tmp_path: Path, side: str, lacking: str) -> None:
    folder = write_foods(tmp_path / "set", train=2, test=2, classes=3)
    shutil.rmtree(folder / side / "bread")
    with pytest.raises(DataCorrupt, match=rf"1 of 3 classes have no {lacking} .*'bread'") as told:
        find_set(folder)
    assert "both sides" in told.value.remedy


def test_one_class_is_no_set(tmp_path: Path) -> None:
    folder = write_foods(tmp_path / "set", train=2, test=2, classes=1)
    with pytest.raises(DataCorrupt, match="1 classes"):
        find_set(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataCorrupt, match="0 classes"):
        find_set(tmp_path / "empty")


def test_two_pictures_of_one_name(tmp_path: Path) -> None:
    folder = write_foods(tmp_path / "set", train=2, test=2, classes=2)
    shutil.copy(folder / "train" / "apple" / "000.png", folder / "test" / "apple" / "000.png")
    with pytest.raises(DataCorrupt, match="two pictures are called apple/000"):
        find_set(folder)
