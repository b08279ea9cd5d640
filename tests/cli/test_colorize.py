"""``kolorit photo.jpg`` and its options, one photograph at a time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Kolorit, grey, photo

STAGES = ["decode", "shrink", "network", "look", "merge", "encode", "save"]


def chroma(path: str) -> np.ndarray:
    """Mean Cb, Cr of a picture, 0 = grey."""
    planes = np.asarray(Image.open(path).convert("YCbCr"), np.float64)
    return np.asarray(planes[..., 1:].mean((0, 1)) - 128)


def test_one_photograph(kolorit: Kolorit) -> None:
    photo("farm.png")
    ran = kolorit("farm.png")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("farm.color.png (")
    coloured = Image.open("farm.color.png").convert("RGB")
    luma = np.asarray(coloured.convert("L"), int)
    assert np.abs(luma - grey()).max() <= 1  # the photograph's grey values are kept
    cb, cr = chroma("farm.color.png")
    assert cb < -3  # warm: brick, as the constant model says
    assert cr > 3


def test_json_tells_everything_and_nothing_else(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    ran = kolorit("farm.jpg", "--json")
    record = ran.record
    assert ran.code == 0
    assert record["input"] == "farm.jpg"
    assert record["output"] == "farm.color.jpg"
    assert (record["width"], record["height"]) == (64, 48)
    assert record["model"] == "constant"
    assert len(record["model_sha256"]) == 64
    assert list(record["seconds"]) == STAGES
    assert all(0 <= seconds < 60 for seconds in record["seconds"].values())
    assert 0 < record["confidence"] <= 1
    assert record["warnings"] == []


def test_notes_are_warnings(kolorit: Kolorit) -> None:
    photo("farm.gif")
    ran = kolorit("farm.gif", "--json")
    assert "GIF is not written: the result is a PNG" in ran.record["warnings"]
    assert "note: GIF is not written: the result is a PNG (farm.gif)" in ran.err
    assert Image.open("farm.color.png").format == "PNG"


def test_quiet_says_nothing(kolorit: Kolorit) -> None:
    photo("farm.gif")
    ran = kolorit("-q", "farm.gif")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_strength_and_saturation_and_look_reach_the_picture(kolorit: Kolorit) -> None:
    photo("farm.png")
    for name, options in {
        "none": ["--strength", "0"],
        "half": ["--strength", "0.5"],
        "more": ["--saturation", "1.5"],
        "faithful": ["--look", "faithful"],
        "plain": [],
    }.items():
        assert kolorit("farm.png", "-o", f"{name}.png", *options).code == 0
    size = {
        name: float(np.hypot(*chroma(f"{name}.png")))
        for name in ("none", "half", "plain", "more", "faithful")
    }
    assert size["none"] < 0.5
    assert size["half"] == pytest.approx(size["plain"] / 2, rel=0.15)
    assert size["more"] > size["plain"] * 1.2
    assert size["faithful"] < size["plain"] * 0.8  # its card says gain = 0.5


def test_warmth_reaches_the_picture(kolorit: Kolorit) -> None:
    photo("farm.png")
    for name, warmth in {"warm": "1", "plain": "0", "cool": "-1"}.items():
        assert kolorit("farm.png", "-o", f"{name}.png", "--warmth", warmth).code == 0
    blue = {name: chroma(f"{name}.png")[0] for name in ("warm", "plain", "cool")}
    assert blue["warm"] < blue["plain"] - 2 < blue["cool"] - 4


def test_strip_takes_place_and_people_out(kolorit: Kolorit) -> None:
    exif = Image.Exif()
    exif[0x0110], exif[0x013B] = "Leica III", "Ada Muster"
    photo("farm.jpg")
    Image.open("farm.jpg").save("signed.jpg", exif=exif)
    for name, options in {"kept": [], "stripped": ["--strip"]}.items():
        assert kolorit("signed.jpg", "-o", f"{name}.jpg", *options).code == 0
    kept, stripped = (Path(f"{name}.jpg").read_bytes() for name in ("kept", "stripped"))
    assert b"Ada Muster" in kept and b"Ada Muster" not in stripped
    assert b"Leica III" in kept and b"Leica III" in stripped


def test_hints_reach_the_picture(kolorit: Kolorit) -> None:
    photo("farm.png")
    hint = {"x": 0.5, "y": 0.5, "radius": 0.5, "colour": "#2040c0"}
    Path("blue.json").write_text(json.dumps({"version": 1, "hints": [hint]}), "utf-8")
    assert kolorit("farm.png", "--hints", "blue.json").code == 0
    middle = np.asarray(Image.open("farm.color.png").convert("YCbCr"), int)[20:28, 28:36, 1:]
    assert middle[..., 0].mean() > 140  # blue, where the model alone says brick


def test_merge_lab_keeps_lightness_instead(kolorit: Kolorit) -> None:
    from skimage.color import rgb2lab

    photo("farm.png")
    assert kolorit("farm.png", "--merge", "lab").code == 0
    before = rgb2lab(np.dstack([grey()] * 3))[..., 0]
    after = rgb2lab(np.asarray(Image.open("farm.color.png").convert("RGB")))[..., 0]
    assert np.abs(after - before).max() < 1.5


@pytest.mark.parametrize(
    ("options", "name", "format"),
    [
        (["--format", "webp"], "farm.color.webp", "WEBP"),
        (["-f", "JPG"], "farm.color.jpg", "JPEG"),
        (["-o", "x.tif"], "x.tif", "TIFF"),
        (["-o", "new/"], "new/farm.color.png", "PNG"),
        (["-o", "x.avif", "--quality", "40"], "x.avif", "AVIF"),
    ],
)
def test_out_and_format(kolorit: Kolorit, options: list[str], name: str, format: str) -> None:
    photo("farm.png")
    assert kolorit("farm.png", *options).code == 0
    assert Image.open(name).format == format


def test_quality_makes_smaller_files(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    for quality in (20, 95):
        assert kolorit("farm.jpg", "-o", f"{quality}.jpg", "--quality", quality).code == 0
    assert Path("20.jpg").stat().st_size < Path("95.jpg").stat().st_size


def test_the_mark_is_there_unless_unwanted(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    kolorit("farm.jpg", "-o", "with.jpg")
    kolorit("farm.jpg", "-o", "without.jpg", "--no-mark")
    mark = b"compositeWithTrainedAlgorithmicMedia"
    assert mark in Path("with.jpg").read_bytes()
    assert mark not in Path("without.jpg").read_bytes()


def test_further_results(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    ran = kolorit("farm.jpg", "--alternatives", 2, "--confidence", "--compare", "side", "--json")
    assert ran.code == 0
    assert ran.record["more"] == {
        "1": "farm.color.1.jpg",
        "2": "farm.color.2.jpg",
        "side": "farm.color.side.jpg",
        "confidence": "farm.color.confidence.png",
    }
    confidence = Image.open("farm.color.confidence.png")
    assert (confidence.mode, confidence.size) == ("L", (64, 48))
    assert np.asarray(confidence).mean() / 255 == pytest.approx(ran.record["confidence"], abs=0.01)
    side = Image.open("farm.color.side.jpg")
    assert side.height == 48
    assert side.width == 64 + 1 + 64
    halves = np.asarray(side.convert("YCbCr"), int)[..., 1:] - 128
    assert np.abs(halves[:, :60]).max() <= 2  # before is grey
    assert np.abs(halves[:, 70:].mean((0, 1))).max() > 3
    assert not np.allclose(chroma("farm.color.1.jpg"), chroma("farm.color.2.jpg"), atol=1)


def test_size_decides_how_closely_the_model_looks(kolorit: Kolorit) -> None:
    photo("farm.png")
    assert kolorit("farm.png", "--size", 32).code == 0
    assert kolorit("farm.png", "-o", "x.png", "--size", 31).code == 2


def test_max_pixels(kolorit: Kolorit) -> None:
    photo("farm.png")
    ran = kolorit("farm.png", "--max-pixels", 64 * 48 - 1, "--json")
    assert ran.code == 7
    assert ran.record["error"]["slug"] == "limit-exceeded"
    assert kolorit("farm.png", "--max-pixels", 64 * 48).code == 0


def test_existing_results_stay(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    Path("farm.color.jpg").write_bytes(b"mine")
    ran = kolorit("farm.jpg")
    assert ran.code == 4
    assert "error: a file of this name exists (farm.color.jpg)\nhint: Pass --overwrite" in ran.err
    assert kolorit("farm.jpg", "--skip-existing").code == 0
    assert Path("farm.color.jpg").read_bytes() == b"mine"
    assert kolorit("farm.jpg", "--overwrite").code == 0
    assert Image.open("farm.color.jpg").size == (64, 48)


def test_one_existing_further_result_stops_all(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    Path("farm.color.confidence.png").write_bytes(b"mine")
    assert kolorit("farm.jpg", "--confidence").code == 4
    assert not Path("farm.color.jpg").exists()


def test_the_photograph_itself_is_never_replaced(kolorit: Kolorit) -> None:
    before = photo("farm.jpg").read_bytes()
    Path("link.jpg").symlink_to("farm.jpg")
    for out in ("farm.jpg", "./farm.jpg", "link.jpg"):
        ran = kolorit("farm.jpg", "-o", out, "--overwrite")
        assert ran.code == 4, out
        assert "photograph" in ran.err
    assert Path("farm.jpg").read_bytes() == before


def test_dry_run_touches_nothing(kolorit: Kolorit, folder: Path) -> None:
    photo("farm.jpg")
    photo("bad.jpg").write_bytes(b"")
    before = sorted(folder.rglob("*"))
    ran = kolorit("farm.jpg", "bad.jpg", "-o", "new/", "--dry-run", "--compare", "slider",
                  "--report", "r.jsonl")  # fmt: skip
    assert ran.code == 1
    assert ran.out == "farm.jpg -> new/farm.color.jpg, new/farm.color.compare.html\n"
    ran = kolorit("farm.jpg", "-o", "new/", "--dry-run", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.record["output"] == "new/farm.color.jpg"
    assert ran.record["planned"] is True
    assert sorted(folder.rglob("*")) == before


def test_no_input_is_a_wrong_command_line(kolorit: Kolorit) -> None:
    ran = kolorit()
    assert ran.code == 2
    assert "kolorit farm.jpg" in ran.err


def test_verbs_are_reached_as_files_with_a_path(kolorit: Kolorit) -> None:
    photo("models.png").rename("models")
    assert kolorit("./models").code == 0
    assert Image.open("models.color.png").size == (64, 48)
    assert "constant" not in kolorit("models").out  # the verb, which lists what is shipped
