"""cli/train.py: each shipped recipe from photographs to a model that colours; what goes wrong."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .conftest import Kolorit, Ran, environment, photo

pytest.importorskip("torch", reason="the extra 'train' is not installed")

from kolorit.colorizer import Colorizer
from kolorit.training.recipe_file import load_recipe, shipped_recipes

# A network of some thousand weights, for what does not depend on the recipe.
SMALL = (
    *("unet-l2", "--smoke", "--set", "net_config.base=2", "--set", "log_every=1"),
    *("--set", 'net_config.norm="none"'),
)


def colours(seed: int, size: tuple[int, int] = (96, 80)) -> Image.Image:
    """A photograph of sorts: soft patches of colour."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """KOLORIT_DATA/photos, with 24 photographs."""
    found = tmp_path / "data" / "photos"
    found.mkdir(parents=True)
    for k in range(24):
        colours(k).save(found / f"{k:02d}.jpg", quality=90)
    monkeypatch.setenv("KOLORIT_DATA", str(tmp_path / "data"))
    return found


# every recipe


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_recipe_from_photographs_to_colours(
    kolorit: Kolorit, photos: Path, folder: Path, name: str
) -> None:
    import torch

    from kolorit.training.as_run import as_run_input
    from kolorit.training.checkpoint import load_checkpoint
    from kolorit.training.export import load_trained
    from kolorit.training.metrics_log import read

    ran = kolorit("train", name, "--smoke", "-o", "run")
    assert ran.code == 0, ran.err
    assert ran.out == "run/model.onnx\nrun/report.html\n"
    assert "best so far" in ran.err
    recipe, run = load_recipe(name, smoke=True), folder / "run"
    assert 2 <= recipe.steps <= 10
    rows = read(run / "metrics.jsonl")
    assert rows[-1]["step"] == recipe.steps
    assert rows[-1]["val_loss"] > 0
    report = (run / "report.html").read_text()
    assert name in report and "data:image/" in report

    # each weight that is trained got a gradient: several processes wait for them all
    net, _, _ = load_trained(run / "best.safetensors")
    kept = load_checkpoint(run / "last.safetensors").optimiser
    trained = [p for p in net.parameters() if p.requires_grad]
    assert {key.partition(".")[0] for key in kept} == {str(k) for k in range(len(trained))}

    # the model says what the network says, and colours
    colorizer = Colorizer(run / "model.onnx")
    grey = photo("farm.png")
    seen = colorizer.predict(grey, mirror=False)
    L = torch.from_numpy(seen.L)[None, None]
    with torch.no_grad():
        fed = as_run_input(L) if recipe.lab == "as-run" else L
        want = net(fed, torch.zeros(1, 3, *L.shape[2:]))["ab"][0].numpy()
    np.testing.assert_allclose(seen.ab, want, atol=max(0.2, 0.02 * np.abs(want).max()))
    for look in recipe.looks:
        assert (
            kolorit(grey, "--model", "run/model.onnx", "--look", look, "-o", f"{look}.png").code
            == 0
        )
        assert Image.open(f"{look}.png").mode == "RGB"
    more = kolorit(grey, "--model", "run/model.onnx", "--alternatives", 2, "-o", "more.png")
    if seen.logits is None:
        assert (seen.confidence == 1).all()
        assert (more.code, "no alternatives" in more.err) == (9, True)
    else:
        assert more.code == 0


# counted once from the networks' definitions: seeds of the facts, and each one's own test
PARAMETERS = {
    "seed-a-faithful": 62_934_754,
    "seed-a-as-run": 62_934_754,
    "eccv16": 32_236_011,
    "hinted-default": None,
}


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_recipe_describes_itself(
    kolorit: Kolorit, photos: Path, folder: Path, name: str
) -> None:
    ran = kolorit("train", name, "--describe", "--set", "steps=777")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["recipe"]["name"] == name
    assert found["recipe"]["steps"] == 777
    assert found["recipe"]["patience"] == 3  # a default that no file names
    parts = found["network"]["parts"].values()
    assert found["network"]["parameters"] == sum(part["parameters"] for part in parts) > 100_000
    assert all(part["trained"] <= part["parameters"] for part in parts)
    if PARAMETERS.get(name):
        assert found["network"]["parameters"] == PARAMETERS[name]
    assert (found["critic"] is not None) == (name == "seed-a-gan")
    as_run = name == "seed-a-as-run"
    assert found["ranges"]["L"] == ([-70, 100] if as_run else [0, 100])
    assert found["ranges"]["ab"] == ([-230, 230] if as_run else [-110, 110])
    for source in found["data"]:
        if source["name"] == "photos":
            size = sum(file.stat().st_size for file in photos.iterdir())
            assert source == {
                "name": "photos", "folder": str(photos), "kind": "photographs", "files": 24,
                "bytes": size,
            }  # fmt: skip
        else:
            assert source["folder"] is None and "no such folder" in source["problem"]
    assert (found["weights"] is None) == (found["recipe"]["weights"] == "none")
    assert not list(folder.iterdir())  # nothing was trained


# what the command hands on


@pytest.fixture
def quick_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network is exported, which takes seconds; the rest goes its way."""
    monkeypatch.setattr("kolorit.training.export.to_onnx", lambda net, lab: b"a network")


PLACES = ["holidays", 'Straße 🏞 "1"', "a\\b", "tab\there", "~"]


@pytest.mark.parametrize("place", PLACES)
def test_any_name_of_a_folder(kolorit: Kolorit, folder: Path, place: str) -> None:
    (folder / place).mkdir()
    colours(1).save(folder / place / "1.png")
    ran = kolorit("train", *SMALL, "--describe", "--photos", folder / place)
    (data,) = json.loads(ran.out)["data"]
    assert (data["folder"], data["files"]) == (str(folder / place), 1)


def test_photographs_of_ones_own(kolorit: Kolorit, folder: Path, quick_export: None) -> None:
    """A folder of PNGs, without KOLORIT_DATA, then gone on with from elsewhere."""
    place = PLACES[1]
    (folder / place / "deep").mkdir(parents=True)
    for k in range(12):
        colours(k).save(folder / place / "deep" / f"{k}.png")
    ran = kolorit("train", *SMALL, "--photos", place, "-o", "runs/mine", "--set", "steps=1")
    assert ran.code == 0, ran.err
    assert "12 of 12 photographs can be used" in ran.err
    recipe = json.loads((folder / "runs" / "mine" / "recipe.json").read_text())
    assert recipe["sources"] == {str(folder / place): 1.0}
    (folder / "elsewhere").mkdir()
    os.chdir(folder / "elsewhere")
    again = ("--photos", folder / place, "-o", folder / "runs" / "mine", "--resume")
    ran = kolorit("train", *SMALL, *again, "--set", "steps=2")
    assert ran.code == 0, ran.err
    assert "step 2 of 2" in ran.err


def test_several_folders_and_shards(
    kolorit: Kolorit, photos: Path, folder: Path, quick_export: None
) -> None:
    shards = photos.parent / "shards"
    shards.mkdir()
    with tarfile.open(shards / "a.tar", "w") as tar:
        for k in range(100, 106):
            data = io.BytesIO()
            colours(k).save(data, "JPEG")
            info = tarfile.TarInfo(f"{k}.jpg")
            info.size = data.tell()
            data.seek(0)
            tar.addfile(info, data)
    ran = kolorit("train", *SMALL, "--photos", "shards", "--photos", photos, "-o", "run")
    assert ran.code == 0, ran.err
    assert "30 of 30 photographs can be used" in ran.err


def test_what_was_asked_is_handed_on(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    asked: dict[str, Any] = {}

    def train(recipe: object, out: Path, **options: Any) -> Path:
        asked.update(options, out=out, recipe=recipe)
        options["say"]("step 1")
        return out / "best.safetensors"

    exported: list[tuple[object, ...]] = []
    monkeypatch.setattr("kolorit.training.loop.train", train)
    monkeypatch.setattr("kolorit.training.export.export_run", lambda *where: exported.append(where))
    monkeypatch.setattr("kolorit.training.report.write_report", lambda out: exported.append((out,)))
    ran = kolorit("train", "hinted-small", "-o", "run", "--resume", "--devices", 2)
    assert (ran.code, ran.err) == (0, "step 1\n")
    assert ran.out == "run/model.onnx\nrun/report.html\n"
    assert exported == [(Path("run"), asked["recipe"], Path("run/model.onnx")), (Path("run"),)]
    assert (asked["out"], asked["resume"], asked["devices"]) == (Path("run"), True, 2)
    assert kolorit("train", "hinted-small", "-q").err == ""
    assert (asked["out"], asked["resume"], asked["devices"]) == (
        Path("runs/hinted-small"), False, "auto",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "speaks"),
    [
        ({}, True),
        ({"LOCAL_RANK": "0", "NODE_RANK": "0"}, True),
        ({"LOCAL_RANK": "1", "NODE_RANK": "0"}, False),
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, False),
        ({"RANK": "0", "LOCAL_RANK": "0"}, True),
        ({"RANK": "2", "LOCAL_RANK": "0"}, False),
    ],
)
def test_one_of_several_processes_speaks(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], speaks: bool
) -> None:
    for name in ("RANK", "LOCAL_RANK", "NODE_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    exported: list[object] = []
    monkeypatch.setattr("kolorit.training.loop.train", lambda *_, **__: None)
    monkeypatch.setattr("kolorit.training.export.export_run", lambda *_: exported.append(1))
    monkeypatch.setattr("kolorit.training.report.write_report", lambda _: None)
    assert bool(kolorit("train", "hinted-small").out) == bool(exported) == speaks


@pytest.mark.slow
def test_every_way_to_start_two_processes(photos: Path, folder: Path) -> None:
    """Ours, torchrun's and Fabric's: the same run."""
    from kolorit.training.checkpoint import load_checkpoint

    start = {
        "ours": [sys.executable, "-m", "kolorit"],
        "torchrun": [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
            *("--master-port", "29611", "-m", "kolorit"),
        ],
        "fabric": [
            *(sys.executable, "-m", "lightning_fabric.cli", "--accelerator", "cpu"),
            *("--devices", "2", "--main-port", "29612"),
            str(Path(__file__).resolve().parents[2] / "src" / "kolorit" / "__main__.py"),
        ],
    }
    nets = []
    for name, command in start.items():
        more = ["--devices", "2"] if name == "ours" else []
        ran = subprocess.run(
            [*command, "train", *SMALL, "-o", name, *more],
            capture_output=True,
            text=True,
            env=environment(OMP_NUM_THREADS="1"),
            timeout=300,
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout == f"{name}/model.onnx\n{name}/report.html\n"
        assert ran.stderr.count("step 3 of 3") == 1
        nets.append(load_checkpoint(folder / name / "last.safetensors").net)
    assert all((net[key] == nets[0][key]).all() for net in nets for key in nets[0])


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(
    kolorit: Kolorit, photos: Path, folder: Path, quick_export: None
) -> None:
    long = (*SMALL, "--set", "save_every=2", "--set", "validate_every=1000000", "-o", "run")
    process = subprocess.Popen(
        [sys.executable, "-m", "kolorit", "train", *long, "--set", "steps=1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(OMP_NUM_THREADS="1"),
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("step 5 of"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    told = re.fullmatch(
        r"stopped at step (\d+); the same command with --resume goes on from step (\d+)",
        err.splitlines()[-1],
    )
    assert told, err
    done, saved = map(int, told.groups())
    assert 5 <= done <= saved + 2
    ran = kolorit("train", *long, "--resume", "--set", f"steps={saved + 1}")
    assert ran.err.startswith(f"step {saved + 1} of {saved + 1} "), ran.err


# what goes wrong: one clear error, its exit code, and nothing lost


def _grey(folder: Path) -> None:
    for k in range(4):
        Image.fromarray(np.full((80, 96), 40 * k + 20, np.uint8)).save(folder / f"{k}.png")


def _corrupt(folder: Path) -> None:
    (folder / "a.tar").write_bytes(b"\x01" * 5000)


FOLDERS: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "empty": (lambda folder: None, 11, "no .tar shards and no photographs"),
    "grey": (_grey, 11, "grey"),
    "corrupt": (_corrupt, 11, "shard"),
    "broken": (lambda folder: (folder / "a.jpg").write_bytes(b"no"), 11, "photograph"),
    "gone": (lambda folder: folder.rmdir(), 9, "no such folder"),
    "file": (lambda folder: (folder.rmdir(), folder.touch()), 9, "this is none"),
}


def one_error(ran: Ran, code: int, words: str) -> None:
    """Two lines at the end: what and what to do; no trace, no bug."""
    assert ran.code == code, ran.err
    cause, remedy = ran.err.splitlines()[-2:]
    assert cause.startswith("error: ") and words in cause, ran.err
    assert remedy.startswith("hint: ") and len(remedy) > 10
    assert ran.err.count("error: ") == 1
    assert "Traceback" not in ran.err and "bug" not in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("kind", FOLDERS)
def test_photographs_that_will_not_do(
    kolorit: Kolorit, photos: Path, folder: Path, kind: str
) -> None:
    make, code, words = FOLDERS[kind]
    (folder / "bad").mkdir()
    make(folder / "bad")
    one_error(kolorit("train", *SMALL, "--photos", folder / "bad", "-o", "run"), code, words)
    assert not (folder / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["gone"], 9, "no recipe 'gone'"),
        (["gone.toml"], 9, "no recipe"),
        ([*SMALL, "--set", "lr"], 9, "has no '='"),
        ([*SMALL, "--set", "lrr=1"], 9, "unknown key 'lrr'"),
        ([*SMALL, "--set", "lr=-1"], 9, "lr = -1"),
        ([*SMALL, "--set", "losses.l7=1"], 9, "no loss 'l7'"),
        ([*SMALL, "--set", "losses.classification=1"], 9, "logits"),
        ([*SMALL, "--set", "net=vgg"], 9, "no network 'vgg'"),
        ([*SMALL, "--set", "net_config.size=3"], 9, "size"),
        ([*SMALL, "--set", "crops=[48]", "--set", "net_config.depth=5"], 9, "48 px"),
        ([*SMALL, "--set", "weights=gone.safetensors"], 9, "weights"),
        ([*SMALL, "--set", "start=gone"], 5, "gone"),
        ([*SMALL, "--resume"], 9, "no run to go on with"),
        ([*SMALL, "-o", "file"], 4, "file"),
        ([*SMALL, "-o", "file/run"], 4, "file"),
        ([*SMALL, "--set", "optimiser=sgd", "--set", "lr=1e9", "--set", "clip=1e9"], 14, "number"),
        ([], 2, "RECIPE"),
        (["unet-l2", "--devices", "0"], 2, "--devices"),
    ],
)
def test_what_is_refused(
    kolorit: Kolorit,
    photos: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(folder))
    (folder / "file").touch()
    one_error(kolorit("train", *arguments), code, words)


def test_a_run_that_is_there(
    kolorit: Kolorit, photos: Path, folder: Path, quick_export: None
) -> None:
    """Not written over, gone on with, refused where its checkpoint is none or another's."""
    said = kolorit("train", *SMALL, "-o", "run")
    assert said.code == 0, said.err
    before = {p: p.read_bytes() for p in (folder / "run").iterdir() if p.is_file()}
    one_error(kolorit("train", *SMALL, "-o", "run"), 9, "holds a run already")
    another = (*SMALL, "-o", "run", "--resume", "--set", "net_config.base=3")
    one_error(kolorit("train", *another), 12, "another shape")
    one_error(kolorit("train", *SMALL, "-o", "run", "--resume", "--set", "seed=5"), 9, "seed")
    assert {p: p.read_bytes() for p in (folder / "run").iterdir() if p.is_file()} == before
    ran = kolorit("train", *SMALL, "-o", "run", "--resume")
    assert (ran.code, ran.err) == (0, "")  # nothing was left to do
    (folder / "run" / "last.safetensors").write_bytes(b"\x80\x04K\x01.")
    one_error(kolorit("train", *SMALL, "-o", "run", "--resume"), 12, "no checkpoint")


def test_without_its_extra(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kolorit.cli.extras.find_spec", lambda name: None)
    ran = kolorit("train", "hinted-small")
    assert ran.code == 6
    assert "pip install 'kolorit[train]'" in ran.err
    assert "torch" in ran.err
