"""training/checkpoint.py: what is saved comes back; other files are refused and not run."""

from __future__ import annotations

import json
import math
import os
import pickle
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from kolorit.errors import CheckpointRefused, OutputUnwritable
from kolorit.training import checkpoint as module
from kolorit.training.checkpoint import (
    PARTS,
    Checkpoint,
    fill,
    keep_best,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    save_checkpoint,
)
from kolorit.training.export import load_trained
from kolorit.training.run import last_checkpoint

from .conftest import Make, differences, run_quietly

Tensors = dict[str, torch.Tensor]
ROW = {"step": 7, "val_loss": 0.25}


def example(step: int = 12, **parts: Tensors) -> Checkpoint:
    """One with something in every part."""
    torch.manual_seed(step)
    whole = {part: {"a.w": torch.randn(3, 4), "a.count": torch.tensor(7)} for part in PARTS}
    whole["optimiser"] = {"0.step": torch.tensor(3.0), "0.exp_avg": torch.randn(3, 4)}
    ranges = {"L": [0.0, 100.0]}
    whole |= parts
    return Checkpoint(step=step, recipe='{"x": 1}', history=[ROW], ranges=ranges, **whole)


def rewrite(path: Path, change: Callable[[Tensors, dict[str, str]], None]) -> None:
    """Change tensors and metadata of a file, and let it say how many tensors it has."""
    with safe_open(path, "pt") as file:
        meta = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    before = meta["tensors"]
    change(tensors, meta)
    if meta.get("tensors") == before:
        meta["tensors"] = str(len(tensors))
    save_file(tensors, path, meta)


# what is saved comes back


def test_round_trip(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c.safetensors", example())
    back = load_checkpoint(tmp_path / "c.safetensors")
    assert differences(back, example()) == []
    assert (back.step, back.recipe, back.history) == (12, '{"x": 1}', [ROW])
    assert back.ranges == {"L": [0.0, 100.0]}
    assert back.net["a.count"].dtype == torch.int64
    assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]


def test_a_validation_that_is_no_number_comes_back(tmp_path: Path) -> None:
    row = {"step": 1, "val_loss": math.nan}
    save_checkpoint(tmp_path / "c.safetensors", replace(example(), history=[row]))
    assert math.isnan(load_checkpoint(tmp_path / "c.safetensors").history[0]["val_loss"])


def test_others_may_read_it_where_others_may_read_files(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    save_checkpoint(tmp_path / "c.safetensors", example())
    assert (tmp_path / "c.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


# what is none is refused: row R17 of the reliability table


class Canary:
    """Leaves a file behind where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("open('canary', 'w').close()",))


def _zip(path: Path, whole: bytes) -> None:
    torch.save({"net": {"w": torch.ones(3)}, "canary": Canary()}, path)


def _folder(path: Path, whole: bytes) -> None:
    path.unlink()
    path.mkdir()


def _with_header(header: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header


FILES: dict[str, Callable[[Path, bytes], object]] = {
    "pickle": lambda path, whole: path.write_bytes(pickle.dumps(Canary())),
    "torch zip": _zip,
    "empty": lambda path, whole: path.write_bytes(b""),
    "cut": lambda path, whole: path.write_bytes(whole[:-9]),
    "longer": lambda path, whole: path.write_bytes(whole + b"x"),
    "huge header": lambda path, whole: path.write_bytes((2**60).to_bytes(8, "little") + whole[8:]),
    "header of a gigabyte": lambda path, whole: path.write_bytes(
        (10**9).to_bytes(8, "little") + whole[8:]
    ),
    "header no JSON": lambda path, whole: path.write_bytes(_with_header(b"{]")),
    "deep header": lambda path, whole: path.write_bytes(_with_header(b'{"a":' + b"[" * 90_000)),
    "missing": lambda path, whole: path.unlink(),
    "folder": _folder,
}


@pytest.mark.parametrize("kind", FILES)
def test_other_files_are_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, example())
    FILES[kind](path, path.read_bytes())
    began = time.process_time()
    with pytest.raises(CheckpointRefused, match=r"c\.safetensors") as refused:
        load_checkpoint(path)
    assert time.process_time() - began < 1
    assert refused.value.exit_code == 12
    assert not (tmp_path / "canary").exists()


def _set(name: str, value: object) -> Callable[[Tensors, dict[str, str]], None]:
    def change(tensors: Tensors, meta: dict[str, str]) -> None:
        meta[name] = value if isinstance(value, str) else json.dumps(value)

    return change


CONTENTS: dict[str, tuple[Callable[[Tensors, dict[str, str]], object], str]] = {
    "no metadata": (lambda tensors, meta: meta.clear(), "no checkpoint"),
    "no step": (lambda tensors, meta: meta.pop("step"), "does not say its step"),
    "no recipe": (lambda tensors, meta: meta.pop("recipe"), "does not say its recipe"),
    "step of text": (_set("step", "twelve"), "no checkpoint"),
    "step below 0": (_set("step", -1), "step is -1"),
    "step true": (_set("step", True), "step is True"),
    "history no list": (_set("history", 3), "history"),
    "history of numbers": (_set("history", [3]), "history"),
    "history without steps": (_set("history", [{"val_loss": 1.0}]), "history"),
    "history of text": (_set("history", [{"step": 1, "val_loss": "1"}]), "history"),
    "ranges no table": (_set("ranges", 3), "ranges"),
    "deep history": (_set("history", "[" * 100_000), "no checkpoint"),
    "long step": (_set("step", "9" * 10_000), "no checkpoint"),
    "part unknown": (lambda t, meta: t.update({"code/x": torch.ones(1)}), "a part 'code'"),
    "name without part": (lambda t, meta: t.update({"w": torch.ones(1)}), "a part 'w'"),
    "one too few": (_set("tensors", "11"), "tensors of 11"),
    "not counted": (lambda tensors, meta: meta.pop("tensors"), "does not say its tensors"),
    "counted in words": (_set("tensors", "some"), "no checkpoint"),
    **{
        f"NaN in {part}": (
            lambda t, meta, part=part: t.update({f"{part}/0.x": torch.tensor([1, math.nan])}),
            f"{part}/0.x holds what is no number",
        )
        for part in PARTS
    },
    "infinite": (
        lambda t, meta: t.update({"net/0.x": torch.full((3,), -math.inf).half()}),
        "no number",
    ),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_other_contents_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, example())
    change, words = CONTENTS[kind]
    rewrite(path, lambda tensors, meta: (change(tensors, meta), None)[1])
    with pytest.raises(CheckpointRefused, match=words):
        load_checkpoint(path)


TAMPERED: dict[str, Callable[[Tensors], object]] = {
    "wrong shape": lambda t: t.update({"net/ab.weight": torch.zeros(2, 3, 1, 1)}),
    "wrong kind": lambda t: t.update({"net/ab.bias": torch.zeros(2, dtype=torch.float64)}),
    "no float": lambda t: t.update({"ema/ab.bias": torch.zeros(2, dtype=torch.int64)}),
    "extra": lambda t: t.update({"net/more": torch.zeros(2)}),
    "missing": lambda t: t.pop("net/ab.bias"),
    "missing in the average": lambda t: t.pop("ema/ab.bias"),
    "path in a name": lambda t: t.update({"net/../../canary": torch.zeros(2)}),
    "absolute path": lambda t: t.update({"ema//etc/canary": torch.zeros(2)}),
    "optimiser's shape": lambda t: t.update({"optimiser/0.exp_avg": torch.zeros(3)}),
    "optimiser's kind": lambda t: t.update({"optimiser/0.exp_avg": t["optimiser/0.exp_avg"].int()}),
    "optimiser's extra": lambda t: t.update({"optimiser/0.more": torch.zeros(())}),
    "optimiser of more": lambda t: t.update({"optimiser/999.step": torch.zeros(())}),
    "optimiser without number": lambda t: t.update({"optimiser/../x.step": torch.zeros(())}),
    "optimiser below 0": lambda t: t.update({"optimiser/-1.step": torch.zeros(())}),
    "optimiser's missing": lambda t: t.pop("optimiser/0.exp_avg"),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_a_tampered_run_is_refused_at_both_doors(
    again: tuple[Path, Make], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resuming reads all of it, export the averaged weights."""
    monkeypatch.chdir(tmp_path)
    out, recipe = again
    last = out / "last.safetensors"
    rewrite(last, lambda tensors, meta: (TAMPERED[kind](tensors), None)[1])
    began = time.process_time()
    with pytest.raises(CheckpointRefused):
        run_quietly(recipe(), out, resume=True)
    if kind in ("no float", "missing in the average", "absolute path"):
        with pytest.raises(CheckpointRefused):
            load_trained(last)
    assert time.process_time() - began < 10  # some seconds where nothing is imported yet
    assert not list(tmp_path.rglob("canary*"))


@pytest.mark.parametrize(
    "recipe", ["{", "[]", "{}", "[" * 100_000, '{"net": "unet", "losses": {"l2": 1}, "x": 1}']
)
def test_a_recipe_that_is_none_is_refused(small: Make, tmp_path: Path, recipe: str) -> None:
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, replace(example(), recipe=recipe))
    for door in (lambda: last_checkpoint(tmp_path, small(), True), lambda: load_trained(path)):
        with pytest.raises(CheckpointRefused, match="recipe is of another version"):
            door()


def test_fill_names_what_is_wrong(tmp_path: Path) -> None:
    net = torch.nn.Linear(2, 3)
    whole = {k: torch.ones_like(v) for k, v in net.state_dict().items()}
    fill(net, whole, tmp_path)
    assert net.weight.sum() == 6
    for changed, words in (
        ({"bias": whole["bias"]}, "of another network: weight"),
        ({**whole, "more": whole["bias"]}, "of another network: more"),
        ({**whole, "bias": torch.ones(4)}, r"bias is torch.float32 \(4,\)"),
        ({**whole, "bias": torch.ones(3).half()}, r"bias is torch.float16 \(3,\)"),
    ):
        with pytest.raises(CheckpointRefused, match=words):
            fill(net, changed, tmp_path)


# optimisers

OPTIMISERS = {
    "adamw": {},
    "adam": {"amsgrad": True},
    "adamax": {},
    "nadam": {},
    "radam": {},
    "adagrad": {},
    "adadelta": {},
    "adafactor": {},
    "asgd": {},
    "rmsprop": {"momentum": 0.9, "centered": True},
    "rprop": {},
    "sgd": {"momentum": 0.9},
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_goes_on_exactly(name: str, tmp_path: Path) -> None:
    from kolorit.training.optimiser import OPTIMISERS as KINDS

    def started() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3), torch.nn.Conv2d(5, 4, 3))
        net = net.to(memory_format=torch.channels_last)
        return net, KINDS[name](net.parameters(), lr=0.01, **OPTIMISERS[name])

    def steps(net: torch.nn.Module, optimiser: torch.optim.Optimizer, first: int) -> None:
        for k in range(first, first + 3):
            x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(k))
            optimiser.zero_grad()
            net(x).pow(2).sum().backward()
            optimiser.step()

    straight, first = started()
    steps(straight, first, 0)
    saved = replace(example(), net=straight.state_dict(), optimiser=optimiser_tensors(first))
    save_checkpoint(tmp_path / "c.safetensors", saved)
    steps(straight, first, 3)

    back = load_checkpoint(tmp_path / "c.safetensors")
    resumed, second = started()
    fill(resumed, back.net, tmp_path)
    restore_optimiser(second, back.optimiser, tmp_path)
    for parameter, slots in second.state.items():  # channels last, as its parameter
        for slot in slots.values():
            if isinstance(slot, torch.Tensor) and slot.shape == parameter.shape:
                assert slot.stride() == parameter.stride()
    steps(resumed, second, 3)
    for one, other in zip(straight.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


# the best


def feed(out: Path, values: list[float], keep: int = 0) -> list[bool]:
    """Validations at steps 10, 20, ...; the weights of each are its step."""
    answers, history = [], []
    for k, value in enumerate(values, 1):
        history.append({"step": 10 * k, "val_loss": value})
        weights = {"w": torch.full((3,), 10.0 * k)}
        state = Checkpoint(10 * k, "{}", ema=weights, history=list(history))
        answers.append(keep_best(out, state, values[:k], keep))
    return answers


@pytest.mark.parametrize(
    ("values", "said", "best"),
    [
        ([3, 1, 2], [True, True, False], 20),
        ([1, 2, 3], [True, False, False], 10),
        ([3, 2, 1], [True, True, True], 30),
        ([2, 1, 1, 1], [True, True, False, False], 20),  # a tie keeps the earlier one
        ([math.nan, 2, math.nan, 1], [True, True, False, True], 40),
        ([math.inf, math.nan, 5], [True, False, True], 30),
        ([math.nan], [True], 10),
    ],
)
def test_the_best_is_the_best(
    tmp_path: Path, values: list[float], said: list[bool], best: int
) -> None:
    assert feed(tmp_path, values) == said
    kept = load_checkpoint(tmp_path / "best.safetensors")
    assert kept.step == best
    assert torch.equal(kept.ema["w"], torch.full((3,), float(best)))
    assert [p.name for p in tmp_path.iterdir()] == ["best.safetensors"]


@pytest.mark.parametrize(
    ("values", "keep", "kept"),
    [
        ([5, 1, 4, 2, 3], 2, [20, 40]),
        ([5, 4, 3, 2, 1], 3, [30, 40, 50]),
        ([1, 1, 1, 1], 2, [10, 20]),
        ([math.nan, 3, math.nan, 2], 2, [20, 40]),
        ([3, 2], 9, [10, 20]),
        ([3, 1, 2], 0, []),
    ],
)
def test_the_best_few_are_kept(
    tmp_path: Path, values: list[float], keep: int, kept: list[int]
) -> None:
    (tmp_path / "top-notes.txt").touch()  # somebody's own
    feed(tmp_path, values, keep)
    files = sorted(tmp_path.glob("top-*.safetensors"))
    assert [file.name for file in files] == [f"top-{step:06d}.safetensors" for step in kept]
    for step, file in zip(kept, files, strict=True):
        assert load_checkpoint(file).step == step
        assert load_checkpoint(file).ema["w"][0] == step
    assert (tmp_path / "top-notes.txt").exists()


# a disk that fails


def full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("planted", ["save_file", "fsync", "replace", "mkdir"])
def test_a_failing_disk_leaves_the_checkpoint_of_before(
    tmp_path: Path, planted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, example(1))
    with monkeypatch.context() as patch:
        if planted == "save_file":
            patch.setattr(module, "save_file", full)
        elif planted == "fsync":
            patch.setattr(os, "fsync", full)
        else:
            patch.setattr(Path, planted, full)
        with pytest.raises(OutputUnwritable, match="No space left") as error:
            save_checkpoint(path, example(2))
        assert error.value.exit_code == 4
        assert "whole" in error.value.remedy
    assert [p.name for p in tmp_path.iterdir()] == ["last.safetensors"]
    assert differences(load_checkpoint(path), example(1)) == []


def test_a_disk_that_is_full_half_way(tmp_path: Path) -> None:
    """No plant: the system itself takes no more than so many bytes a file."""
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, example(1))
    large = replace(example(2), net={"w": torch.ones(200_000)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OutputUnwritable):
            save_checkpoint(path, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [p.name for p in tmp_path.iterdir()] == ["last.safetensors"]
    assert differences(load_checkpoint(path), example(1)) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="no mode keeps root out")
def test_a_folder_that_can_only_be_read(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(0o500)
    with pytest.raises(OutputUnwritable):
        save_checkpoint(tmp_path / "shut" / "last.safetensors", example())


def test_an_interrupt_leaves_the_checkpoint_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(tensors: Tensors, path: Path, meta: dict[str, str]) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    path = tmp_path / "last.safetensors"
    save_checkpoint(path, example(1))
    monkeypatch.setattr(module, "save_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, example(2))
    assert [p.name for p in tmp_path.iterdir()] == ["last.safetensors"]
    assert load_checkpoint(path).step == 1


def test_what_a_killed_save_left_goes_with_the_next(tmp_path: Path) -> None:
    left = tmp_path / ".last.safetensors.new"
    left.mkdir()
    (left / ".tmpAbCdEf").write_bytes(b"half")
    save_checkpoint(tmp_path / "last.safetensors", example())
    assert [p.name for p in tmp_path.iterdir()] == ["last.safetensors"]
