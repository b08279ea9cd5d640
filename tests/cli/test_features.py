"""``kolorit features`` from the shell's side: names, the file, what is said, bad input."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kolorit.errors import InternalError
from kolorit.features import Encoder

from .conftest import DATA, Kolorit, environment, photo

KEYS = {
    "schema", "output", "pictures", "dimensions", "spread", "model", "model_sha256", "stage",
    "size", "seconds", "failures",
}  # fmt: skip


@pytest.fixture(autouse=True)
def shipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped model, since the constant one has no stages; quickly, at a small size."""
    monkeypatch.setenv("KOLORIT_MODEL", "default")
    monkeypatch.setenv("KOLORIT_SIZE", "32")


@pytest.fixture
def album(folder: Path) -> Path:
    """Three photographs in two folders, and things that are none."""
    photo("album/b.png", seed=1)
    photo("album/a.jpg", seed=2)
    photo("album/inside/c.png", seed=3)
    photo("album/a.color.jpg")
    photo("album/.hidden.png")
    Path("album/notes.txt").write_text("no picture")
    return folder / "album"


def archive(path: str = "features.npz") -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def test_a_folder(kolorit: Kolorit, album: Path) -> None:
    ran = kolorit("features", "album")
    assert ran.code == 0, ran.err
    assert ran.out == "features.npz\n"
    assert ran.err.startswith("3 of 3 pictures, 96 numbers each, in ")
    found = archive()
    assert found["names"].tolist() == ["a.jpg", "b.png", "inside/c.png"]
    encoder = Encoder(size=32)
    for name, features in zip(found["names"], found["features"], strict=True):
        np.testing.assert_array_equal(features, encoder.features(album / name))
    assert (found["model"].item(), found["stage"].item(), found["size"].item()) == (
        "default", "s16", 32,
    )  # fmt: skip
    assert found["model_sha256"].item() == encoder.card.sha256


def test_json_is_one_line(kolorit: Kolorit, album: Path) -> None:
    ran = kolorit("features", "album", "--json", "--stage", "s8", "--size", "64", "-o", "f.npz")
    assert ran.code == 0
    assert set(ran.record) == KEYS
    found = archive("f.npz")
    expected = {"output": "f.npz", "pictures": 3, "dimensions": 32, "stage": "s8", "size": 64}
    assert {name: ran.record[name] for name in expected} == expected
    assert found["features"].shape == (3, 32)
    assert 0 < ran.record["spread"] < 1
    assert ran.record["failures"] == []


def test_one_picture_at_a_time_or_several_give_the_same_bytes(
    kolorit: Kolorit, album: Path
) -> None:
    contents = []
    for jobs in (1, 2, 5):
        assert kolorit("features", "album", "-j", jobs, "-o", f"{jobs}.npz", "-q").code == 0
        contents.append(Path(f"{jobs}.npz").read_bytes())
    assert contents[0] == contents[1] == contents[2]


def test_several_folders_stand_before_the_names(kolorit: Kolorit, album: Path) -> None:
    photo("more/other/a.jpg")
    assert kolorit("features", "album/inside/", "more/other").code == 0
    assert archive()["names"].tolist() == ["inside/c.png", "other/a.jpg"]
    ran = kolorit("features", "album", "./album", "-o", "twice.npz")
    assert (ran.code, Path("twice.npz").exists()) == (9, False)
    assert "two folders are called 'album'" in ran.err


def test_a_folder_called_dash(kolorit: Kolorit) -> None:
    photo("-/a.png")
    assert kolorit("features", "--", "-").code == 0
    assert archive()["names"].tolist() == ["a.png"]


def test_names_that_are_no_text(kolorit: Kolorit) -> None:
    name = os.fsdecode(b"caf\xe9\xff.png")
    photo("plain.png")
    Path("odd").mkdir()
    Path("plain.png").rename(Path("odd") / name)
    assert kolorit("features", "odd", "--json").out.isascii()
    assert archive()["names"].tolist() == [name]


def test_broken_files_are_named_and_left_out(kolorit: Kolorit, album: Path) -> None:
    (album / "aa.jpg").write_bytes((album / "a.jpg").read_bytes()[:200])
    (album / "gone.png").symlink_to("nowhere.png")
    ran = kolorit("features", "album", "--json")
    assert ran.code == 1
    assert [failure["input"] for failure in ran.record["failures"]] == [
        os.path.join("album", "aa.jpg"), os.path.join("album", "gone.png"),
    ]  # fmt: skip
    assert {failure["error"]["code"] for failure in ran.record["failures"]} == {3}
    assert "aa.jpg" in ran.err
    assert "error: 2 of 5 failed\n" in ran.err
    assert archive()["names"].tolist() == ["a.jpg", "b.png", "inside/c.png"]


def test_nothing_is_written_when_all_are_broken(kolorit: Kolorit) -> None:
    Path("album").mkdir()
    Path("album/a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    ran = kolorit("features", "album", "--json")
    assert ran.code == 1
    assert "nothing was written" in ran.err
    assert set(ran.record) == KEYS
    assert ran.record["output"] is ran.record["dimensions"] is None
    assert not Path("features.npz").exists()


def test_a_bug_in_one_picture_is_told_as_such(
    kolorit: Kolorit, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Encoder.features

    def planted(self: Encoder, source: Any) -> np.ndarray:
        if source.source.name.endswith("b.png"):
            raise ZeroDivisionError("planted")
        return real(self, source)

    monkeypatch.setattr(Encoder, "features", planted)
    ran = kolorit("features", "album", "--json")
    assert ran.code == 1
    (failure,) = ran.record["failures"]
    assert failure["error"]["slug"] == InternalError.slug
    assert ran.record["pictures"] == 2


def test_a_file_that_is_there_stays_unless_asked(
    kolorit: Kolorit, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("features.npz").write_bytes(b"mine")
    with monkeypatch.context() as patch:
        patch.setattr(Encoder, "features", lambda self, source: pytest.fail("it worked first"))
        ran = kolorit("features", "album")
    assert ran.code == 4
    assert "--overwrite" in ran.err
    assert Path("features.npz").read_bytes() == b"mine"
    assert kolorit("features", "album", "--overwrite").code == 0
    assert len(archive()["names"]) == 3


def test_an_interrupt_ends_the_work_soon_and_leaves_nothing(
    kolorit: Kolorit, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        photo(f"album/{number:02}.png")
    looked: list[str] = []

    def planted(self: Encoder, source: Any) -> np.ndarray:
        looked.append(source.source.name)
        if len(looked) == 1:
            raise KeyboardInterrupt
        time.sleep(0.02)
        return np.zeros(96, np.float32)

    monkeypatch.setattr(Encoder, "features", planted)
    assert kolorit("features", "album", "-j", 1).code == 130
    assert len(looked) < 20
    assert [path.name for path in folder.iterdir()] == ["album"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Name a folder"),
        (("nowhere",), 3, "there is no such folder (nowhere)"),
        (("album/a.jpg",), 3, "this is no folder (album/a.jpg)"),
        (("empty",), 3, "no pictures in this folder"),
        (("album", "nowhere"), 3, "no such folder"),
        (("album", "--stage", "s64"), 9, "stage = 's64'"),
        (("album", "--model", "none"), 5, "no model is called 'none'"),
        (("album", "--model", str(DATA / "constant.onnx")), 5, "none of the stages"),
        (("--list-stages", "--model", str(DATA / "constant.onnx")), 5, "none of the stages"),
        (("album", "--device", "abacus"), 6, "abacus"),
        (("album", "--size", "7"), 2, "--size"),
        (("album", "-o", "features.txt"), 2, ".npz"),
        (("album", "-o", "-"), 2, ".npz"),
        (("album", "-o", "album/a.jpg", "--overwrite"), 2, ".npz"),
        (("album", "-o", "nowhere/f.npz"), 4, "its folder does not exist"),
        (("album", "-o", "folder.npz", "--overwrite"), 4, "this is a folder"),
    ],
)
def test_bad_input(
    kolorit: Kolorit, folder: Path, album: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    Path("empty").mkdir()
    Path("folder.npz").mkdir()
    ran = kolorit("features", *arguments)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert not any(path.is_file() for path in folder.iterdir())


def test_max_pixels(kolorit: Kolorit, album: Path) -> None:
    ran = kolorit("features", "album", "--max-pixels", "1000", "--json")
    assert ran.code == 1
    assert {failure["error"]["code"] for failure in ran.record["failures"]} == {7}


def test_list_stages(kolorit: Kolorit) -> None:
    ran = kolorit("features", "--list-stages")
    assert ran.code == 0
    assert "s16      96 numbers, stride 16 (default)" in ran.out.splitlines()
    listed = kolorit("features", "--list-stages", "--json").record
    assert listed["default"] == "s16"
    assert {"name": "deep", "channels": 256, "stride": 32} in listed["stages"]
    assert len(listed["stages"]) == len(ran.out.splitlines()) == 10


def test_a_stage_that_says_the_same_of_all_is_told(kolorit: Kolorit, album: Path) -> None:
    ran = kolorit("features", "album", "--stage", "s32")
    assert (ran.code, archive()["features"].shape) == (0, (3, 1280))
    assert "note: stage s32 says nearly the same of all these pictures" in ran.err
    assert "note" not in kolorit("features", "album", "--overwrite").err
    assert kolorit("features", "album", "--stage", "s32", "--overwrite", "-q").err == ""


def test_the_base_install_is_enough(album: Path) -> None:
    """As on a bare install: importing the workshop's libraries raises."""
    gone = ("torch", "onnx", "onnxscript", "safetensors", "matplotlib", "timm")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({gone!r}))\n"
        "from kolorit.cli.main import main\nsys.exit(main(['features', 'album']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert len(archive()["names"]) == 3
