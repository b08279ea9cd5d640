"""cli/study.py: the shipped studies described, run in their small size, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Kolorit

pytest.importorskip("torch", reason="the extra 'train' is not installed")
pytest.importorskip("diffusers", reason="the extra 'train' is not installed")

from kolorit.training.representation import run as running
from kolorit.training.representation.study_file import shipped_studies


@pytest.fixture
def foods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """KOLORIT_DATA/food101: eight classes of colours, twenty pictures to train, ten to test."""
    folder = tmp_path / "data" / "food101"
    rng = np.random.default_rng(0)
    for k in range(8):
        colour = rng.integers(60, 200, 3)
        for side, count in (("train", 20), ("test", 10)):
            (folder / side / f"class{k}").mkdir(parents=True)
            for i in range(count):
                noise = rng.normal(0, 20, (32, 32, 3))
                picture = Image.fromarray((colour + noise).clip(0, 255).astype(np.uint8))
                picture.save(folder / side / f"class{k}" / f"{side}{i}.png")
    monkeypatch.setenv("KOLORIT_DATA", str(tmp_path / "data"))
    return folder


@pytest.mark.parametrize("name", shipped_studies())
def test_every_study_in_its_small_size(
    kolorit: Kolorit,
    foods: Path,
    folder: Path,
    weights_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr(running, "draw_figures", lambda *_: {})  # longer than all else together
    asked = ["study", name, "--smoke", "-o", "run"]
    for change in ("training.seeds=[0]", "probe.seeds=[0]", "px=32", "training.crop=0"):
        asked += ["--set", change]
    if name == "study-seed-b-labels":
        asked += ["--set", "probe.map_fractions=[1.0]"]
    ran = kolorit(*asked)
    assert ran.code == 0, ran.err
    assert ran.out == "run/results.json\nrun/report.md\n"
    results = json.loads((folder / "run" / "results.json").read_text())
    assert {row["arm"] for row in results["rows"]} >= {"raw", "latent"} or len(results["best"]) >= 8
    written = (folder / "run" / "report.md").read_text()
    assert written.startswith(f"# {name}\n")
    again = kolorit(*asked, "-q")
    assert (again.code, again.err) == (0, "")
    assert (folder / "run" / "report.md").read_text() == written


def test_the_faithful_study_describes_itself(kolorit: Kolorit, foods: Path) -> None:
    found = json.loads(kolorit("study", "seed-b-faithful", "--describe").out)
    assert found["arms"]["latent"]["parameters"] == 1_287_631
    assert found["data"] == {
        **{"name": "food101", "folder": str(foods), "classes": 8, "train": 160, "test": 80},
        "problem": "split.held_out = 20 of 8 classes",
    }
    assert found["study"]["defects"]["out_is_in"] is True
    assert found["runs"] == {"encoders taught": 1, "steps": 28_016, "probes": 4}
    assert "not LPIPS" in found["perceptual"]


def test_the_probes_of_the_second_study(kolorit: Kolorit, data_folder: Path) -> None:
    found = json.loads(kolorit("study", "seed-b-faithful", "--describe").out)
    probe = found["probes"]["two-conv"]
    assert (probe["3 channels"], probe["4 channels"]) == (325_093, 326_245)
    inside, outside = (found["data"]["domains"][name] for name in ("in", "out"))
    assert len(inside["classes"]) == len(outside["classes"]) == 83  # its own mistake
    mended = kolorit("study", "seed-b-faithful", "--describe", "--set", "defects.out_is_in=false")
    outside = json.loads(mended.out)["data"]["domains"]["out"]
    assert len(outside["classes"]) == 18 and "peking_duck" in outside["classes"]


def test_a_small_study_describes_its_own_classes(kolorit: Kolorit, foods: Path) -> None:
    found = json.loads(kolorit("study", "food101-fair", "--smoke", "--describe").out)
    assert len(found["data"]["domains"]["in"]["classes"]) == 5
    assert found["probes"]["linear"]["classes"] == 5
    assert found["probes"]["two-conv"]["3 channels"] == 325_093 - 96 * 257


def test_the_fair_study_describes_itself_without_data(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KOLORIT_DATA", raising=False)
    monkeypatch.delenv("KOLORIT_WEIGHTS", raising=False)
    found = json.loads(kolorit("study", "food101-fair", "--describe").out)
    assert found["data"]["folder"] is None and "KOLORIT_DATA" in found["data"]["problem"]
    assert found["encoder"] == 258_460
    arms = found["arms"]
    shared = {name: arm["parts"]["encoder"] for name, arm in arms.items()
              if "encoder" in arm.get("parts", {})}  # fmt: skip
    assert set(shared.values()) == {258_460} and len(shared) == 5
    assert arms["autoencoder"]["weights"]["found"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nothing",), 9, "no study 'nothing'"),
        (("food101-fair", "--set", "pixels=1"), 9, "unknown key 'pixels'"),
        (("food101-fair", "--set", "data=drinks"), 9, "no such folder"),
        (("food101-fair", "--smoke", "--set", "split.train_per_class=3"), 9, "too few pictures"),
        (("food101-fair", "--device", "cuda:9"), 9, "no such device"),
        (("food101-fair", "--device", "gpu"), 9, "device = 'gpu'"),
        (("food101-fair", "--device", ""), 9, "device = ''"),
        (("food101-fair", "--set", "probe.stages=['middle']"), 9, "probe.stages = 'middle'"),
    ],
)
def test_what_goes_wrong(
    kolorit: Kolorit, foods: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ran = kolorit("study", *arguments)
    assert ran.code == code
    assert words in ran.err
    assert "hint: " in ran.err


def test_help(kolorit: Kolorit) -> None:
    shown = kolorit("study", "--help").out
    assert "kolorit study food101-fair -o runs/fair" in shown
