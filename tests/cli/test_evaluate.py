"""``kolorit evaluate`` from the shell's side: rows, files, bad input."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kolorit.cli.contestants import Order, as_hints, find_contestants
from kolorit.errors import ConfigInvalid, ModelUnavailable
from kolorit.evaluate.judge import answer
from kolorit.evaluate.self_test import Finding
from kolorit.evaluate.systems import Spot, grey_of
from kolorit.evaluate.view import View
from kolorit.picture.rgb import encode_rgb

from .conftest import DATA, Kolorit

CONSTANT = str(DATA / "constant.onnx")


@pytest.fixture
def photos(folder: Path) -> Path:
    """Two colour photographs, 40 x 56."""
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir()
    for name in ("a", "b"):
        low = rng.integers(30, 225, (5, 7, 3)).astype(float)
        rgb = np.kron(low, np.ones((8, 8, 1))) + rng.normal(0, 3, (40, 56, 1))
        content = encode_rgb(np.clip(rgb, 0, 255).astype(np.uint8), "PNG")
        (folder / "photos" / f"{name}.png").write_bytes(content)
    return folder / "photos"


def judge(kolorit: Kolorit, *more: object, code: int = 0) -> dict[str, object]:
    ran = kolorit("evaluate", "photos", "--short-side", 40, "-j", 1, "-o", "out", *more)
    assert ran.code == code, ran.err
    return json.loads(Path("out/scores.json").read_text())


def test_a_report_of_a_model_and_a_folder(kolorit: Kolorit, photos: Path) -> None:
    shutil.copytree(photos, "true")
    record = judge(kolorit, "-m", CONSTANT, "-m", "folder:true", "--hints", "1,3")
    (of_set,) = record["sets"]
    rows = of_set["rows"]
    systems = ["constant, vivid", "constant, faithful", "folder: true"]
    assert list(rows)[:4] == ["truth", "grey", "tint", "half-chroma"]
    assert sorted(list(rows)[4:]) == sorted(systems) == sorted(record["systems"])
    assert rows["folder: true"]["ciede2000"] == [0, 0, 0]
    for name in ("report.html", "report.md", "scores.csv", "pictures.csv"):
        assert (Path("out") / name).stat().st_size > 200
    lines = list(csv.DictReader(Path("out/pictures.csv").open()))
    assert len(lines) == 2 * len(rows)
    grey = [float(x["ciede2000"]) for x in lines if x["row"] == "grey"]
    assert np.mean(grey) == pytest.approx(rows["grey"]["ciede2000"][0], abs=1e-4)
    assert record["systems"]["folder: true"] == {"folder": "true"}


def test_one_process_or_several_give_the_same_files(kolorit: Kolorit, photos: Path) -> None:
    files = ("scores.csv", "pictures.csv")
    judge(kolorit, "-m", CONSTANT, "--hints", "2")
    one = [(Path("out") / name).read_bytes() for name in files]
    judge(kolorit, "-m", CONSTANT, "--hints", "2", "-j", 2, "--overwrite")
    assert [(Path("out") / name).read_bytes() for name in files] == one


def test_failures_are_told_and_scored(kolorit: Kolorit, photos: Path) -> None:
    shutil.copytree(photos, "other")
    Path("other/a.png").rename("other/c.png")  # so that one truth and one answer stand alone
    record = judge(kolorit, "-m", "folder:other", "-q", code=1)
    assert record["without_truth"] == {"folder: other": ["c"]}
    assert "1 picture without a truth: c" in Path("out/report.md").read_text()
    (of_set,) = record["sets"]
    (failure,) = of_set["failures"]
    assert failure["picture"] == "a"
    assert "a" in Path("out/report.md").read_text()


def test_an_older_report_is_not_replaced_unasked(kolorit: Kolorit, photos: Path) -> None:
    judge(kolorit, "-m", CONSTANT, "--hints", "0")
    before = Path("out/scores.json").read_text()
    ran = kolorit("evaluate", "photos", "-o", "out")
    assert ran.code == 4
    assert "--overwrite" in ran.err
    assert Path("out/scores.json").read_text() == before
    judge(kolorit, "-m", CONSTANT, "--hints", "0", "--overwrite")


def test_what_was_not_judged_is_told(kolorit: Kolorit, photos: Path) -> None:
    (photos / "z.png").write_bytes(b"no picture")
    shutil.copytree(photos, "other")
    (Path("other") / "a.png").rename("other/extra.png")
    options = ("--short-side", 40, "-j", 1, "-o", "out", "--first", 1)
    ran = kolorit("evaluate", "photos", "-m", "folder:other", *options)
    assert ran.code == 1  # a has no answer
    assert (
        "folder: other: 1 without a truth, not judged: extra" in ran.err
    )  # not b: its turn was not
    ran = kolorit("evaluate", "photos", "-m", CONSTANT, *options[:-2], "--overwrite")
    assert ran.code == 0
    assert "photos: 1 left out: z (its truth cannot be read" in ran.err


def test_a_folder_that_cannot_be_written_to_costs_no_work(
    kolorit: Kolorit, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(*_: object) -> None:
        raise AssertionError("judged before the folder was tried")

    monkeypatch.setattr("kolorit.cli.evaluate.judge_sets", judged)
    (photos.parent / "out" / "report.html").mkdir(parents=True)
    ran = kolorit("evaluate", "photos", "-m", CONSTANT, "-o", "out", "--overwrite")
    assert ran.code == 4
    monkeypatch.setattr("tempfile.TemporaryFile", lambda dir: Path(dir, "x/y").open("w"))
    ran = kolorit("evaluate", "photos", "-m", CONSTANT, "-o", "other")
    assert ran.code == 4
    assert "cannot be written to" in ran.err


def test_an_interrupt_leaves_no_empty_folder(
    kolorit: Kolorit, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kolorit.cli.evaluate.judge_sets", interrupted)
    assert kolorit("evaluate", "photos", "-m", CONSTANT, "-o", "out").code == 130
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "Name a set"),
        (("empty",), 11, "no photographs"),
        (("gone",), 11, "no such folder"),
        (("photos", "-m", "gone.onnx"), 5, "gone"),
        (("photos", "-m", "folder:gone"), 5, "no such folder of coloured pictures"),
        (("photos", "-m", CONSTANT, "--look", "loud"), 9, "has no look 'loud'"),
        (("photos", "-m", "folder:"), 5, "no such folder of coloured pictures"),
        (("photos", "-m", "empty"), 5, "holds no model.onnx"),
        (("photos", "-m", "folder:empty"), 11, "no photographs"),
        (("photos", "-m", CONSTANT, "-m", CONSTANT), 9, "two rows would be called"),
        (("photos", "photos", "-m", CONSTANT), 9, "two sets are called"),
        (("photos", "--hints", "few"), 9, "hints = few"),
        (("photos", "--hints=-3"), 9, "hints = -3"),
        (("twice",), 11, "have one stem"),
        (("broken",), 11, "no picture of broken can be judged"),
    ],
)
def test_bad_input_is_one_clear_error(
    kolorit: Kolorit,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    monkeypatch.setenv("KOLORIT_DATA", str(photos.parent))
    for name in ("empty", "twice", "broken"):
        Path(name).mkdir()
    shutil.copy(photos / "a.png", "twice/a.png")
    shutil.copy(photos / "a.png", "twice/a.jpg")
    Path("broken/a.png").write_bytes(b"no picture")
    ran = kolorit("evaluate", *arguments, "-j", 1, "-o", "out")
    assert (ran.code, words in ran.err) == (code, True), ran.err
    assert "Traceback" not in ran.err
    assert not list(Path().glob("out/*"))


def test_the_self_test_says_what_it_planted(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        Finding("bytes that wrap", "they wrap", "22.5 dB", "29.4 dB", "more", True),
        Finding("FID", "no weights", "needs weights", "no number", "less", None),
    ]
    monkeypatch.setattr("kolorit.evaluate.self_test.run", lambda pictures, put: found)
    ran = kolorit("evaluate", "--self-test")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == ["ok", "skipped"]
    found.append(Finding("swapped", "truth for answer", "1", "1", "a difference", False))
    ran = kolorit("evaluate", "--self-test")
    assert ran.code == 70
    assert "the judge falls for swapped" in ran.err


def test_rows_are_called_after_what_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "mine"
    run.mkdir()
    for suffix in (".onnx", ".toml"):
        shutil.copy(DATA / f"constant{suffix}", run / f"model{suffix}")
    for name in (run, run / "model.onnx"):
        assert [c.row for c in find_contestants([str(name)], ["vivid"])] == ["mine, vivid"]
    assert find_contestants(["default"], ["faithful"])[0].row == "default, faithful"
    with pytest.raises(ModelUnavailable):
        find_contestants([str(tmp_path)])
    with pytest.raises(ConfigInvalid, match="loud"):
        find_contestants(["default"], ["vivid", "loud"])
    (tmp_path / "default").mkdir()  # an older report, say
    monkeypatch.chdir(tmp_path)
    assert [c.row for c in find_contestants(["default"], ["vivid"])] == ["default, vivid"]


def test_the_shipped_pipeline_sees_no_truth() -> None:
    """Exchanging the truth for another of the same grey bytes changes no pixel of any look."""
    rng = np.random.default_rng(5)
    truth = np.kron(rng.integers(40, 216, (6, 8, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    other = np.repeat(grey_of(truth).luma[..., None], 3, -1)
    rows = [c.row for c in find_contestants(["default"])]
    bench = Order(tuple(find_contestants(["default"])), 256, (), False)()
    first, second = (answer(bench, "a", View(rgb), (0.0, 0.0))[0] for rgb in (truth, other))
    assert (first["truth"].rgb != second["truth"].rgb).any()
    for row in ("grey", *rows):
        assert (first[row].rgb == second[row].rgb).all(), row


def test_spots_become_hints_of_their_colours() -> None:
    colours = ((40.0, 20.0), (-30.0, 30.0), (0.0, -40.0), (0.0, 0.0))
    hints = as_hints([Spot(0.25, 0.5, 0.02, ab) for ab in colours])
    for hint, ab in zip(hints, colours, strict=True):
        assert np.abs(hint.ab - ab).max() < 1
        assert (hint.x, hint.y, hint.radius) == (0.25, 0.5, 0.02)
    assert as_hints([]) == ()
