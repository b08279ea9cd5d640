"""training/run.py: what a run begins with, and which runs go on."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from kolorit.errors import CheckpointRefused, ConfigInvalid, OutputUnwritable
from kolorit.training.checkpoint import load_checkpoint
from kolorit.training.metrics_log import read
from kolorit.training.recipe import Recipe
from kolorit.training.run import average, last_checkpoint

from .conftest import Make, differences, jpeg, run_quietly

CRITIC = (
    'adversary={loss="hinge", weight=1.0, critic_config={norm="instance", base=4}, '
    "alone=1, joint=1}"
)
Usage = namedtuple("Usage", "total used free")


def nothing_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kolorit.training.loop.update", lambda *_: pytest.fail("it trains"))


# the average


def test_the_average_moves_floats_and_copies_counts() -> None:
    net, averaged = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    net.weight.data.fill_(1.0)
    averaged.weight.data.zero_()
    net.running_mean.fill_(10.0)
    net.num_batches_tracked.fill_(5)
    average(averaged, net, 0.9)
    torch.testing.assert_close(averaged.weight.data, torch.full((2,), 0.1))
    torch.testing.assert_close(averaged.running_mean, torch.full((2,), 1.0))
    assert averaged.num_batches_tracked.item() == 5


def test_an_average_of_nothing_is_the_last() -> None:
    net, averaged = torch.nn.Linear(30, 30), torch.nn.Linear(30, 30)
    average(averaged, net, 0.0)
    assert torch.equal(averaged.weight, net.weight)


# which runs go on


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_with_a_run_is_not_written_over(again: tuple[Path, Make], tmp_path: Path) -> None:
    out, recipe = again
    before = files_of(out)
    with pytest.raises(ConfigInvalid, match="run already") as error:
        run_quietly(recipe(), out)
    assert "--resume" in error.value.remedy
    (out / "last.safetensors").rename(tmp_path / "away")  # its log is enough
    with pytest.raises(ConfigInvalid, match="run already"):
        run_quietly(recipe(), out)
    (tmp_path / "away").rename(out / "last.safetensors")
    assert files_of(out) == before


def test_nothing_to_go_on_with(small: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="no run to go on with"):
        run_quietly(small(), tmp_path / "new", resume=True)
    assert not (tmp_path / "new").exists()


def test_a_run_killed_before_its_first_checkpoint_goes_on(small: Make, tmp_path: Path) -> None:
    recipe = small("steps=2", "validate_every=2")
    run_quietly(recipe, tmp_path / "a" / "run")
    out = tmp_path / "b" / "run"
    out.mkdir(parents=True)
    (out / "recipe.json").write_text("{")  # torn, as the log
    (out / "metrics.jsonl").write_text('{"step": 1, "total": 5.0}\n{"step": 2, "to')
    run_quietly(recipe, out, resume=True)
    files = [
        load_checkpoint(f / "run" / "last.safetensors") for f in (tmp_path / "a", tmp_path / "b")
    ]
    assert differences(*files) == []


def test_a_finished_run_stays_as_it_is(again: tuple[Path, Make]) -> None:
    out, recipe = again
    run_quietly(recipe(), out, resume=True)  # it may take a store of its own
    before = files_of(out)
    said: list[str] = []
    assert run_quietly(recipe(), out, resume=True, say=said.append) == out / "best.safetensors"
    assert files_of(out) == before
    assert said == []


CHANGED = {
    "losses": "losses={l1=1.0}",
    "loss_options": "loss_options={l2={scale=2.0}}",
    "crops": "crops=[32]",
    "batch": "batch=8",
    "accumulate": "accumulate=2",
    "seed": "seed=1",
    "ema": "ema=0.5",
    "optimiser": "optimiser=sgd",
    "schedule": "schedule=plateau",
    "best_by": "best_by=l2",
    "hints": "hints=0.5",
    "adversary": CRITIC,
    "start": "start=default",
    "sources": 'sources={"photos"=2.0}',
}


@pytest.mark.parametrize("key", CHANGED)
def test_a_change_that_matters_is_refused(again: tuple[Path, Make], key: str) -> None:
    out, recipe = again
    with pytest.raises(ConfigInvalid, match=f"{key} has changed") as error:
        last_checkpoint(out, recipe(CHANGED[key]), True)
    assert "start=" in error.value.remedy


@pytest.mark.parametrize(
    "change", [("net=eccv16",), ("net_config={base=3}",), ('net_config={base=2, norm="none"}',)]
)
def test_another_network_is_refused(again: tuple[Path, Make], change: tuple[str]) -> None:
    out, recipe = again
    before = files_of(out)
    with pytest.raises(CheckpointRefused, match="unet of another shape"):
        run_quietly(recipe(*change), out, resume=True)
    assert files_of(out) == before


def test_a_change_that_does_not_matter_is_taken(again: tuple[Path, Make]) -> None:
    """And a rate that has changed is the one that is used."""
    out, recipe = again
    before = load_checkpoint(out / "last.safetensors").net
    changes = ("lr=1e-9", "encoder_lr=1e-9", "clip=1.0", "log_every=3", "name=other", "keep=2")
    run_quietly(recipe("steps=3", "size=64", *changes), out, resume=True)
    last = load_checkpoint(out / "last.safetensors")
    assert last.step == 3
    assert json.loads(last.recipe)["lr"] == 1e-9
    assert json.loads((out / "recipe.json").read_text())["lr"] == 1e-9
    for name, weight in last.net.items():
        if name.endswith("weight"):
            torch.testing.assert_close(weight, before[name], atol=1e-6, rtol=0)
    with pytest.raises(AssertionError):  # the rate of before would have moved them
        run_quietly(recipe("steps=4", "lr=0.01"), out, resume=True)
        later = load_checkpoint(out / "last.safetensors").net["ab.weight"]
        torch.testing.assert_close(later, last.net["ab.weight"], atol=1e-6, rtol=0)


def test_validations_without_the_deciding_value_are_refused(again: tuple[Path, Make]) -> None:
    from .test_checkpoint import rewrite

    out, recipe = again
    rewrite(out / "last.safetensors", lambda t, meta: meta.update(history='[{"step": 1}]'))
    with pytest.raises(CheckpointRefused, match="lack loss"):
        last_checkpoint(out, recipe(), True)


# what cannot work is said before anything is trained


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("crops=[48]",), "48 px"),  # no multiple of 32 for a network of five levels
        (("final_crops=[32, 48]", "final_share=0.5"), "48 px"),
        (("batch=4", "accumulate=4", "batch=6"), "accumulate"),
        (("net=vgg",), "vgg"),
        (("losses={classification=1.0}",), "logits"),  # which this network does not have
        (("best_by=ssim",), "best_by"),
        (("penalties={fame=1.0}",), "fame"),
        (("weights=gone.safetensors",), "missing"),
        ((CRITIC.replace("hinge", "hinged"),), "hinged"),
        (("optimiser=adamw", "optimiser_options={beta=1}"), "beta"),
        (("validation=0.9", "batch=8", "sources={photos=0.01}"), "epoch shows no picture"),
    ],
)
def test_impossible_recipes(
    small: Make,
    tmp_path: Path,
    change: tuple[str, ...],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(tmp_path))
    nothing_is_trained(monkeypatch)
    config = "net_config={base=2, depth=5}" if "48" in words else "net_config={base=2}"
    with pytest.raises(ConfigInvalid, match=words):
        run_quietly(small(config, *change), tmp_path / "run")
    assert not (tmp_path / "run" / "last.safetensors").exists()


def test_a_critic_that_crops_are_too_small_for(small: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="critic"):
        run_quietly(small("crops=[16, 64]", CRITIC), tmp_path / "run")


def test_a_network_that_answers_in_another_size(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Halving(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ab = torch.nn.Conv2d(1, 2, 1, 2)

        def forward(self, L: torch.Tensor, hints: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"ab": self.ab(L)}

    monkeypatch.setattr("kolorit.training.run.build_net", lambda *_, **__: Halving())
    with pytest.raises(ConfigInvalid, match="answers crops of 32 px with 16 px"):
        run_quietly(small(), tmp_path / "run")


@pytest.mark.parametrize(("processes", "batch"), [(2, 6), (3, 4), (1, 6)])
def test_a_batch_that_cannot_be_shared(small: Make, processes: int, batch: int) -> None:
    from kolorit.training.run import begin

    fabric = SimpleNamespace(world_size=processes)
    recipe = replace(small(f"batch={batch}"), accumulate=4)
    with pytest.raises(ConfigInvalid, match=f"batch = {batch} cannot be shared"):
        begin(fabric, recipe, None, None, Path("run"))  # type: ignore[arg-type]


def test_photographs_left_out_are_listed(small: Make, tmp_path: Path) -> None:
    folder, out = tmp_path / "photographs", tmp_path / "run"
    folder.mkdir()
    for name, content in (("a", jpeg(0)), ("b", jpeg(0)), ("c", b"none"), ("d", jpeg(1))):
        (folder / f"{name}.jpg").write_bytes(content)
    run_quietly(small("steps=1", "grid_every=9", f'sources=["{folder}"]'), out)
    listed = {Path(row["file"]).name: row["why"] for row in read(out / "skipped.jsonl")}
    assert listed.keys() == {"b.jpg", "c.jpg"}
    assert listed["b.jpg"].startswith("copy of")
    assert listed["c.jpg"].startswith("broken")


# a disk without room


def space(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, free))


def needed_by(recipe: Recipe, out: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The least free bytes with which a run begins, by halving."""
    import kolorit.training.run as module

    least, most = 10_000, 10**9
    with monkeypatch.context() as patch:
        patch.setattr(module, "save", lambda *_, **__: None)
        net = module.build_net(recipe, weights=False)
        critic = module.build_critic(recipe.adversary, 32) if recipe.adversary else None
        store = SimpleNamespace(skipped=())
        run = module.Run(net, None, None, net, {}, critic, None, None, [])
        while most - least > 1:
            space(patch, (least + most) // 2)
            try:
                module._prepare_folder(out, recipe, run, store)
                most = (least + most) // 2
            except OutputUnwritable:
                least = (least + most) // 2
    return most


@pytest.mark.parametrize("change", [(), ("keep=3",), (CRITIC,)])
def test_a_run_fits_into_what_it_asks_for(
    small: Make, tmp_path: Path, change: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small("steps=3", "save_every=1", "validate_every=1", "grid_every=9", *change)
    needed = needed_by(recipe, tmp_path / "probe", monkeypatch)
    run_quietly(recipe, tmp_path / "run")
    files = list((tmp_path / "run").glob("*.safetensors"))
    last = (tmp_path / "run" / "last.safetensors").stat().st_size
    headers = sum(int.from_bytes(file.read_bytes()[:8], "little") for file in files)
    taken = sum(file.stat().st_size for file in files) - headers + last  # while it is written anew
    assert taken - headers <= needed <= 1.2 * taken  # headers, of so small a network, are much


def test_a_full_disk_is_found_before_training(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, out = small("steps=2"), tmp_path / "run"
    run_quietly(small(), tmp_path / "other")  # the photographs are decoded
    with monkeypatch.context() as patch:
        nothing_is_trained(patch)
        space(patch, 100_000)
        with pytest.raises(OutputUnwritable, match="MB are free") as error:
            run_quietly(recipe, out)
    assert error.value.exit_code == 4
    assert [path.name for path in out.iterdir()] == []
    run_quietly(recipe, out)  # with room again it begins
    last = (out / "last.safetensors").stat().st_size
    space(monkeypatch, last // 2)
    with pytest.raises(OutputUnwritable, match="MB are free"):
        run_quietly(small("steps=3"), out, resume=True)
    space(monkeypatch, last)  # once beside what is there, which will be written over
    run_quietly(small("steps=3"), out, resume=True)


@pytest.mark.parametrize("where", ["run", "run/deep"])
def test_a_folder_that_cannot_be_made(
    small: Make, tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_is_trained(monkeypatch)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "run").write_text("a file")
    with pytest.raises((OutputUnwritable, ConfigInvalid)):
        run_quietly(small(), tmp_path / "there" / where)


def test_a_file_system_that_can_only_be_read(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_quietly(small("steps=1"), tmp_path / "other")  # the photographs are decoded
    nothing_is_trained(monkeypatch)
    mkdir = Path.mkdir

    def refuse(path: Path, *rest: object, **options: object) -> None:
        if path.name == "run":
            raise OSError(30, "Read-only file system")
        mkdir(path, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OutputUnwritable, match="Read-only"):
        run_quietly(small(), tmp_path / "run")


@pytest.mark.skipif(os.geteuid() == 0, reason="no mode keeps root out")
def test_a_folder_that_can_only_be_read(small: Make, tmp_path: Path) -> None:
    run_quietly(small(), tmp_path / "other")
    (tmp_path / "run").mkdir(0o500)
    with pytest.raises(OutputUnwritable):
        run_quietly(small(), tmp_path / "run")


def test_what_killed_saves_left_is_swept(small: Make, tmp_path: Path) -> None:
    out = tmp_path / "run"
    for name in (".best.safetensors.new", ".top-000004.safetensors.new"):
        (out / name).mkdir(parents=True)
        (out / name / "half").touch()
    run_quietly(small("steps=1"), out)
    assert not list(out.glob(".*"))


@pytest.mark.parametrize("changes", [("batch=1",), ("batch=2", "accumulate=2")])
def test_parts_of_one_picture_that_norms_cannot_take(
    small: Make, tmp_path: Path, changes: tuple[str, ...]
) -> None:
    """A deep map of one cell and a batch of one: nothing to take statistics of."""
    net = 'net_config={encoder="test_efficientnet", widths=[4,4,4,4]}'
    recipe = small(net, "net=seed_a", "losses={l2=1}", "final_crops=[]", *changes)
    with pytest.raises(ConfigInvalid, match="parts of 1 picture") as caught:
        run_quietly(recipe, tmp_path / "run")
    assert "larger crops" in caught.value.remedy
    assert not (tmp_path / "run").exists()


def test_a_file_where_the_folder_should_be(small: Make, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(OutputUnwritable, match="file"):
        run_quietly(small(), tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"
