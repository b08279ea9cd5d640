"""training/loop.py: it learns, says what it does, keeps the best, and stops when it diverges."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kolorit.errors import (
    ConfigInvalid,
    DataCorrupt,
    DeviceUnavailable,
    OutputUnwritable,
    TrainingDiverged,
)
from kolorit.picture.rgb import decode_rgb, encode_rgb
from kolorit.training import checkpoint as module
from kolorit.training import loop
from kolorit.training.checkpoint import load_checkpoint
from kolorit.training.metrics_log import read
from kolorit.training.schedule import share_at

from .conftest import Make, differences, rows_of, run_quietly
from .test_update import CASES, adversary, plant

# what a run gives


def test_it_learns(small: Make, tmp_path: Path) -> None:
    """That all but a corner is brown: the error falls far below that of grey."""
    from .conftest import jpeg

    (tmp_path / "brown").mkdir()
    for k in range(8):
        grey = decode_rgb(jpeg(k)).mean(2, keepdims=True)
        brown = (grey * [1.0, 0.6, 0.3]).astype(np.uint8)
        brown[:25, :25] = grey[:25, :25]  # or it is left out as a toned print
        (tmp_path / "brown" / f"{k}.jpg").write_bytes(encode_rgb(brown))
    changes = ("steps=30", "validate_every=30", "save_every=30", "grid_every=30", "crops=[32]")
    source = f'sources=["{tmp_path}/brown"]'
    run_quietly(small(*changes, source, "lr=0.03", "encoder_lr=0.03", "ema=0.5"), tmp_path / "run")
    *rows, last = rows_of(tmp_path / "run")
    assert len(rows) == 30
    assert sum(row["l2"] for row in rows[-5:]) < 0.3 * sum(row["l2"] for row in rows[:5])
    assert last["val_ab_rmse"] < 0.7 * last["val_grey_rmse"]


def test_the_shipped_network_learns(shards: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    from kolorit.training.recipe_file import load_recipe

    changes = ("steps=15", "lr=0.01", "validate_every=15", "save_every=15", "grid_every=15")
    run_quietly(load_recipe(str(tiny_recipe), changes), tmp_path / "run")
    losses = [row["classification"] for row in rows_of(tmp_path / "run")[:-1]]
    assert sum(losses[-3:]) < 0.97 * sum(losses[:3])


def test_what_a_run_leaves(small: Make, tmp_path: Path) -> None:
    recipe, out, said = small("steps=7", "log_every=2", "keep=1"), tmp_path / "run", []
    assert run_quietly(recipe, out, say=said.append) == out / "best.safetensors"
    rows = read(out / "metrics.jsonl")
    assert [row["step"] for row in rows if "l2" in row] == [2, 4, 6, 7]
    assert [row["step"] for row in rows if "val_loss" in row] == [3, 6, 7]
    assert set(rows[0]) == {
        "step", "total", "l2", "lr", "seconds", "images_per_second", "waiting",
    }  # fmt: skip
    assert set(rows[-1]) == {
        "step", "val_loss", "val_l2", "val_ab_rmse", "val_grey_rmse", "val_colour_ratio",
    }  # fmt: skip
    for row in rows:
        if "lr" in row:
            assert row["lr"] == pytest.approx(0.01 * share_at(recipe, row["step"] - 1))
            assert row["images_per_second"] > 0
            assert 0 <= row["waiting"] <= 1
    table = list(csv.DictReader((out / "metrics.csv").open()))
    assert [int(row["step"]) for row in table] == [2, 3, 4, 6, 7]
    assert float(table[-1]["val_loss"]) == rows[-1]["val_loss"]
    assert json.loads((out / "recipe.json").read_text())["steps"] == 7
    grids = sorted((out / "grids").iterdir())
    assert [path.name for path in grids] == [f"step-00000{k}.jpg" for k in (3, 6, 7)]
    assert decode_rgb(grids[0]).shape == (4 * 66 - 2, 3 * 66 - 2, 3)  # of 4 held-out ones
    (top,) = out.glob("top-*")
    assert load_checkpoint(top).step == load_checkpoint(out / "best.safetensors").step
    assert len([line for line in said if line.startswith("step ")]) == len(rows)
    assert sum("best so far" in line for line in said) >= 1


@pytest.mark.parametrize("how", [KeyboardInterrupt, SystemExit])
def test_a_run_that_is_stopped_says_how_to_go_on(
    small: Make, tmp_path: Path, how: type[BaseException]
) -> None:
    """Checkpoints are at 2, 3, 4 and 6; it is stopped where it logs a step, before it saves it."""
    recipe, out, said = small(), tmp_path / "run", []
    for at, onwards in ((1, "back to the beginning"), (4, "on from step 3"), (6, "on from step 4")):

        def say(line: str, at: int = at) -> None:
            said.append(line)
            if line.startswith(f"step {at} of"):
                raise how

        with pytest.raises(how):
            run_quietly(recipe, out, resume=at > 1, say=say)
        again = f"the same command with --resume goes {onwards}"
        assert said[-1] == f"stopped at step {at}; {again}"
    run_quietly(recipe, out, resume=True, say=said.append)
    assert sum(line.startswith("stopped") for line in said) == 3
    assert load_checkpoint(out / "last.safetensors").step == 6


def test_the_best_is_that_of_the_validations(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validations of 3, 1, 2 at steps 2, 4, 6: kept are the average weights of step 4."""
    values, weights = iter([3.0, 1.0, 2.0]), []

    def judged(net: torch.nn.Module, *_: Any) -> dict[str, float]:
        weights.append({k: v.clone() for k, v in net.state_dict().items()})
        return {"val_loss": next(values)}

    monkeypatch.setattr(loop, "validate", judged)
    out = tmp_path / "run"
    run_quietly(small("validate_every=2", "keep=2"), out)
    best = load_checkpoint(out / "best.safetensors")
    assert best.step == 4
    assert [row["val_loss"] for row in best.history] == [3, 1]
    assert best.net == best.optimiser == {}
    for k, file in ((1, "best"), (1, "top-000004"), (2, "top-000006"), (2, "last")):
        ema = load_checkpoint(out / f"{file}.safetensors").ema
        assert ema.keys() == weights[k].keys()
        assert all(torch.equal(ema[name], weights[k][name]) for name in ema)
    assert len(list(out.glob("top-*"))) == 2
    last = load_checkpoint(out / "last.safetensors")
    assert [row["val_loss"] for row in last.history] == [3, 1, 2]


@pytest.mark.parametrize(("by", "best"), [("loss", 2), ("ab_rmse", 4)])
def test_the_recipe_says_which_value_decides(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str, best: int
) -> None:
    values = iter([(1.0, 9.0), (2.0, 8.0)])
    monkeypatch.setattr(
        loop,
        "validate",
        lambda *_: dict(zip(("val_loss", "val_ab_rmse"), next(values), strict=True)),
    )
    run_quietly(small("steps=4", "validate_every=2", f"best_by={by}"), tmp_path / "run")
    assert load_checkpoint(tmp_path / "run" / "best.safetensors").step == best


def test_without_an_average_the_last_weights_count(small: Make, tmp_path: Path) -> None:
    run_quietly(small("ema=0.0"), tmp_path / "a")
    last = load_checkpoint(tmp_path / "a" / "last.safetensors")
    assert last.net.keys() == last.ema.keys()
    assert all(torch.equal(last.net[k], last.ema[k]) for k in last.net)
    run_quietly(small("ema=0.9"), tmp_path / "b")
    other = load_checkpoint(tmp_path / "b" / "last.safetensors")
    assert all(torch.equal(last.net[k], other.net[k]) for k in last.net)
    assert not torch.equal(other.net["ab.weight"], other.ema["ab.weight"])


def test_the_average_catches_up_at_first(small: Make, tmp_path: Path) -> None:
    """After one step it is a tenth of the start and nine of the first weights."""
    changes = ("steps=1", "grid_every=9", "ema=0.999")
    run_quietly(small(*changes, "lr=1e-12", "encoder_lr=1e-12"), tmp_path / "start")
    run_quietly(small(*changes, "warmup=0", "weight_decay=0.0"), tmp_path / "run")
    start = load_checkpoint(tmp_path / "start" / "last.safetensors").net
    last = load_checkpoint(tmp_path / "run" / "last.safetensors")
    for name in ("ab.bias", "down.0.0.weight"):
        torch.testing.assert_close(last.ema[name], 0.1 * start[name] + 0.9 * last.net[name])


def test_a_run_is_the_same_each_time(small: Make, tmp_path: Path) -> None:
    files = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        run_quietly(small("ageing=0.5", "hints=0.5", "steps=3", f"seed={seed}"), tmp_path / name)
        files.append(load_checkpoint(tmp_path / name / "last.safetensors"))
    assert differences(files[0], files[1]) == []
    assert len(differences(files[0], files[2])) > 10


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
@pytest.mark.filterwarnings("ignore:.*AMP with fp16 is not supported on CPU")
def test_mixed_precision(small: Make, tmp_path: Path, precision: str) -> None:
    changes = ("steps=3", "validate_every=3")
    run_quietly(small(*changes), tmp_path / "full")
    run_quietly(small(*changes, f"precision={precision}"), tmp_path / "mixed")
    full, mixed = (rows_of(tmp_path / k) for k in ("full", "mixed"))
    assert mixed[-1]["val_loss"] == pytest.approx(full[-1]["val_loss"], rel=0.05)
    assert mixed != full
    last = load_checkpoint(tmp_path / "mixed" / "last.safetensors")
    assert {v.dtype for k, v in last.net.items() if k.endswith("weight")} == {torch.float32}


# where it goes besides


def test_tensorboard_where_it_is(small: Make, tmp_path: Path) -> None:
    if not _has_tensorboard():
        pytest.skip("neither tensorboard nor tensorboardX is installed")
    run_quietly(small("steps=3", "tensorboard=true"), tmp_path / "run")
    (events,) = (tmp_path / "run" / "tensorboard").iterdir()
    written = events.read_bytes()
    for tag in (b"total", b"l2", b"lr", b"val_loss", b"val_ab_rmse"):
        assert tag in written


def _has_tensorboard() -> bool:
    from importlib.util import find_spec

    return any(find_spec(name) for name in ("tensorboard", "tensorboardX"))


def test_tensorboard_where_it_is_not(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_TENSORBOARD_AVAILABLE", "_TENSORBOARDX_AVAILABLE"):
        monkeypatch.setattr(f"lightning_fabric.loggers.tensorboard.{name}", False)
    with pytest.raises(DeviceUnavailable, match="TensorBoard") as error:
        run_quietly(small("tensorboard=true"), tmp_path / "run")
    assert (error.value.exit_code, "pip install" in error.value.remedy) == (6, True)
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one here")
@pytest.mark.parametrize("devices", [1, 2])
def test_devices_that_are_not_there(small: Make, tmp_path: Path, devices: int) -> None:
    with pytest.raises(DeviceUnavailable, match="training cannot run here"):
        run_quietly(small(), tmp_path / "run", accelerator="cuda", devices=devices)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("variables", "devices", "nodes"),
    [
        ({}, "auto", 1),
        ({"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "4"}, 4, 1),
        ({"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"}, 4, 2),
    ],
)
def test_torchrun_says_how_many_there_are(
    small: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    devices: int | str,
    nodes: int,
) -> None:
    asked: dict[str, Any] = {}

    def fabric(**options: Any) -> None:
        asked.update(options)
        raise RuntimeError("enough")

    monkeypatch.setattr(loop, "Fabric", fabric)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DeviceUnavailable, match="enough"):
        run_quietly(small(), tmp_path / "run", devices="auto")
    assert (asked["devices"], asked["num_nodes"]) == (devices, nodes)


# a disk that fills


@pytest.mark.parametrize("file", ["last", "best", "top-000006"])
def test_a_disk_that_fills_during_a_run_loses_nothing(
    small: Make, tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room again it goes on from the checkpoint of before, and ends as if nothing had been."""
    recipe = small("keep=9", "steps=8")
    straight, out = tmp_path / "straight" / "run", tmp_path / "full" / "run"
    run_quietly(recipe, straight)
    save_file, saves = module.save_file, []

    def filling(tensors: Any, path: Path, meta: dict[str, str]) -> None:
        saves.append(path.name)
        if path.name.startswith(file) and (file != "last" or saves.count(path.name) > 2):
            path.write_bytes(b"as much as there was room for")
            raise OSError(28, "No space left on device")
        save_file(tensors, path, meta)

    with monkeypatch.context() as patch:
        patch.setattr(module, "save_file", filling)
        with pytest.raises(OutputUnwritable, match="No space left") as error:
            run_quietly(recipe, out)
    assert "--resume" in error.value.remedy
    assert not list(out.glob(".*"))
    for path in out.glob("*.safetensors"):
        load_checkpoint(path)
    run_quietly(recipe, out, resume=True)
    for path in straight.glob("*.safetensors"):
        assert differences(load_checkpoint(path), load_checkpoint(out / path.name)) == []
    assert rows_of(out) == rows_of(straight)


# photographs that will not do


def test_photographs_that_will_not_do(small: Make, tmp_path: Path, shards: Path) -> None:
    grey, empty = tmp_path / "grey", tmp_path / "empty"
    grey.mkdir()
    empty.mkdir()
    for k in range(3):
        (grey / f"{k}.jpg").write_bytes(encode_rgb(np.full((80, 90, 3), 50 + 60 * k, np.uint8)))
    for folder, error, words in (
        (grey, DataCorrupt, "grey"),
        (empty, DataCorrupt, "no photographs"),
        (tmp_path / "gone", ConfigInvalid, "no such folder"),
    ):
        with pytest.raises(error, match=words):
            run_quietly(small(f'sources=["{folder}"]'), tmp_path / "run")
    shard = shards / "photos" / "a.tar"
    shard.write_bytes(shard.read_bytes()[:5000])
    with pytest.raises(DataCorrupt, match="breaks off"):
        run_quietly(small(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


# it diverges


@pytest.mark.parametrize(("fault", "where"), [*CASES, ("nan", "pictures")])
def test_a_loss_that_is_no_number_stops_the_run_and_loses_nothing(
    small: Make, tmp_path: Path, fault: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state before step 3 is saved, though saving is due later; from it the run goes on."""
    recipe = small(adversary(alone=0, critic_config='{norm="batch", base=4}'), "save_every=6")
    straight, out = tmp_path / "straight", tmp_path / "run"
    kept = tmp_path / "kept.safetensors"

    def copy(line: str) -> None:
        if line.startswith("step 3 of"):  # not saved yet
            shutil.copy(straight / "last.safetensors", kept)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "due", _saving_each_step)
        run_quietly(recipe, straight, say=copy)
    with monkeypatch.context() as patch:
        plant(patch, fault, where, at=3)
        with pytest.raises(TrainingDiverged, match="at step 3 the loss") as error:
            run_quietly(recipe, out)
    assert error.value.exit_code == 14
    assert "--resume" in error.value.remedy
    assert [row["step"] for row in rows_of(out)] == [1, 2]
    before, found = load_checkpoint(kept), load_checkpoint(out / "last.safetensors")
    assert found.step == 2
    assert differences(before, found) == []
    run_quietly(recipe, out, resume=True)  # the cause is gone
    files = [load_checkpoint(f / "last.safetensors") for f in (straight, out)]
    assert differences(*files) == []
    assert rows_of(out) == rows_of(straight)


def _saving_each_step(done: int, every: int, recipe: Any) -> bool:
    return done % every == 0 or done == recipe.steps or every == recipe.save_every


def test_divergence_at_the_first_step(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        plant(patch, "NaN", "net", at=1)
        with pytest.raises(TrainingDiverged, match="at step 1"):
            run_quietly(small(), tmp_path / "run")
    assert load_checkpoint(tmp_path / "run" / "last.safetensors").step == 0
    run_quietly(small(), tmp_path / "run", resume=True)
    run_quietly(small(), tmp_path / "straight")
    files = [load_checkpoint(tmp_path / k / "last.safetensors") for k in ("run", "straight")]
    assert differences(*files) == []


def test_a_divergence_goes_on_with_a_smaller_rate(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        plant(patch, "infinite", "net", at=3)
        with pytest.raises(TrainingDiverged):
            run_quietly(small(), tmp_path / "run")
    run_quietly(small("lr=1e-4", "encoder_lr=1e-5"), tmp_path / "run", resume=True)
    assert load_checkpoint(tmp_path / "run" / "last.safetensors").step == 6


@pytest.mark.parametrize("saved", [True, False])
def test_weights_that_are_no_numbers_are_not_saved(
    small: Make, tmp_path: Path, saved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of finite gradient may still go too far; the checkpoint of before stays."""
    update = loop.update

    def overshooting(fabric: Any, run: Any, recipe: Any, batch: Any, step: int) -> Any:
        answer = update(fabric, run, recipe, batch, step)
        if step == 1:
            with torch.no_grad():
                run.net.ab.bias.fill_(math.inf)
        return answer

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(loop, "update", overshooting)
        with pytest.raises(TrainingDiverged) as error:
            run_quietly(small(f"save_every={1 if saved else 9}"), out)
    words = "at step 2 the weights" if saved else "at step 3 the weights"
    assert words in str(error.value)
    assert (out / "last.safetensors").exists() == saved
    assert ("Go on with --resume" in error.value.remedy) == saved
    if saved:
        assert load_checkpoint(out / "last.safetensors").step == 1
    run_quietly(small("lr=0.001"), out, resume=True)
    assert load_checkpoint(out / "last.safetensors").step == 6
