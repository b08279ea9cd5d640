"""training/loop.py: it learns, resumes bit for bit, and refuses what it cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from kolorit.errors import CheckpointRefused, ConfigInvalid
from kolorit.training.checkpoint import load_checkpoint
from kolorit.training.loop import average, build_net, train
from kolorit.training.recipe import Recipe, load_recipe


def recipe_of(path: Path, *overrides: str) -> Recipe:
    return load_recipe(str(path), overrides)


def test_resumed_equals_straight_bit_for_bit(
    shards: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    quiet = {"accelerator": "cpu", "say": lambda line: None}
    recipe = recipe_of(tiny_recipe)
    straight = load_checkpoint(train(recipe, tmp_path / "a" / "run", **quiet))
    stop = _StopAfter(2)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "b" / "run", accelerator="cpu", say=stop)
    resumed = load_checkpoint(train(recipe, tmp_path / "b" / "run", resume=True, **quiet))
    assert straight.step == resumed.step == 4
    for part in ("net", "ema", "optimiser"):
        one, two = getattr(straight, part), getattr(resumed, part)
        assert one.keys() == two.keys()
        assert all(torch.equal(one[k], two[k]) for k in one), part


class _StopAfter:
    """Interrupts the run at the first log line after a saved step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, line: str) -> None:
        if json.loads(line)["step"] > self.step:
            raise KeyboardInterrupt


def test_it_learns_and_keeps_a_log(shards: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    recipe = recipe_of(tiny_recipe, "steps=40", "lr=0.01", "validate_every=40", "save_every=40")
    train(recipe, tmp_path / "run", accelerator="cpu", say=lambda line: None)
    rows = [
        json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    ]
    losses = [row["classification"] for row in rows if "classification" in row]
    assert len(losses) == 40
    assert sum(losses[-5:]) < 0.95 * sum(losses[:5])
    assert rows[-1]["val_ab_rmse"] > 0
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["steps"] == 40


def test_a_run_is_not_overwritten(shards: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    recipe = recipe_of(tiny_recipe, "steps=1")
    train(recipe, tmp_path / "run", accelerator="cpu", say=lambda line: None)
    with pytest.raises(ConfigInvalid, match="run already"):
        train(recipe, tmp_path / "run", accelerator="cpu", say=lambda line: None)
    saved = (tmp_path / "run" / "recipe.json").read_text()
    other = recipe_of(tiny_recipe, "net_config={deep=32}")
    with pytest.raises(CheckpointRefused, match="another shape"):
        train(other, tmp_path / "run", resume=True, accelerator="cpu", say=lambda line: None)
    assert (tmp_path / "run" / "recipe.json").read_text() == saved
    with pytest.raises(ConfigInvalid, match="no checkpoint"):
        train(recipe, tmp_path / "new", resume=True, accelerator="cpu", say=lambda line: None)


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("net=vgg", "vgg"),
        ("losses={l7=1}", "l7"),
        ("encoder=gone.safetensors", "missing"),
        ("net_config={foo=1}", "foo"),
        ("net_config={deep=-4}", "net_config"),
    ],
)
def test_unknown_parts_are_named(
    tiny_recipe: Path, tmp_path: Path, override: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(tmp_path))
    with pytest.raises(ConfigInvalid, match=word):
        build_net(recipe_of(tiny_recipe, override))


def test_average_moves_floats_and_copies_counts() -> None:
    ema = {"w": torch.zeros(2), "n": torch.tensor(0)}
    average(ema, {"w": torch.ones(2), "n": torch.tensor(5)}, 0.9)
    torch.testing.assert_close(ema["w"], torch.full((2,), 0.1))
    assert ema["n"].item() == 5
