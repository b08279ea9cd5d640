"""training/validate.py: means in which each picture counts alike, and a picture to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from kolorit.errors import OutputUnwritable
from kolorit.picture.rgb import decode_rgb
from kolorit.training import validate as module
from kolorit.training.build import make_losses
from kolorit.training.data import lightness_and_ab, lightness_of_grey_file, validation_batches
from kolorit.training.recipe import Recipe
from kolorit.training.store import Store, split
from kolorit.training.validate import GRID, save_grid, validate

CPU = torch.device("cpu")


class Warm(torch.nn.Module):
    """Colours everything in proportion to its lightness."""

    def __init__(self, share: float = 0.2) -> None:
        super().__init__()
        self.share = share
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, L: Tensor, hints: Tensor) -> dict[str, Tensor]:
        self.seen.append((L, hints))
        return {"ab": self.share * torch.cat([L, -L], 1)}


def store_of(count: int = 40) -> Store:
    """Squares whose colours grow from one to the next."""
    rng = np.random.default_rng(0)
    squares = rng.integers(0, 256, (count, 64, 64, 3)).astype(np.float32)
    strength = np.linspace(0, 1, count)[:, None, None, None]
    squares = squares.mean(3, keepdims=True) * (1 - strength) + squares * strength
    hashes = tuple(f"{k * 2**64 // count:016x}" for k in range(count))
    return Store(squares.astype(np.uint8), np.zeros(count, np.int32), ("photos",), hashes, (1.0,))


def recipe_of(**more: Any) -> Recipe:
    few = {"name": "x", "net": "unet", "losses": {"l2": 0.5, "l1": 2.0}, "sources": {"photos": 1.0}}
    return Recipe(**{**few, "store_px": 64, "crops": (64,), "hints": 0.9, "ageing": 0.9, **more})


def judged(net: torch.nn.Module, recipe: Recipe, store: Store) -> dict[str, float]:
    return validate(net, recipe, store, make_losses(recipe, store), CPU)


def test_means_count_each_picture_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two batches, of 7 pictures and of 3: the means are those over 10, taken one by one."""
    monkeypatch.setattr(module, "validation_batches", lambda r, s: validation_batches(r, s, 7))
    store, recipe = store_of(), recipe_of(validation=0.25)
    net = Warm()
    got = judged(net, recipe, store)
    assert [len(L) for L, _ in net.seen] == [7, 3]
    l1, l2, grey, chroma, true = [], [], [], [], []
    for index in split(store, 0.25)[1]:
        rgb = store.squares[index][None]
        L, ab = lightness_of_grey_file(rgb)[0, 0].astype(np.float64), lightness_and_ab(rgb)[1][0]
        off = np.stack([0.2 * L, -0.2 * L]) - ab
        l1.append(np.abs(off).mean())
        l2.append((off**2).mean())
        grey.append((ab.astype(np.float64) ** 2).mean())
        chroma.append(np.hypot(0.2 * L, 0.2 * L).mean())
        true.append(np.hypot(*ab).mean())
    assert len(l1) == 10
    want = {
        "val_loss": 0.5 * np.mean(l2) + 2 * np.mean(l1),
        "val_l1": np.mean(l1),
        "val_l2": np.mean(l2),
        "val_ab_rmse": np.mean(l2) ** 0.5,
        "val_grey_rmse": np.mean(grey) ** 0.5,
        "val_colour_ratio": np.mean(chroma) / np.mean(true),
    }
    assert got == pytest.approx(want, rel=1e-4)
    mean_of_batches = (np.mean(l1[:7]) + np.mean(l1[7:])) / 2
    assert abs(mean_of_batches - want["val_l1"]) > 1e-3 * want["val_l1"]  # what it is not


def test_the_pictures_are_as_the_model_will_meet_them() -> None:
    """No hints and no age, whatever the training has; not more than are asked for."""
    net = Warm()
    judged(net, recipe_of(validation=0.5, validation_pictures=3), store_of())
    ((L, hints),) = net.seen
    assert L.shape == (3, 1, 64, 64)
    assert not hints.any()
    held = store_of().squares[split(store_of(), 0.5)[1][:3]]
    np.testing.assert_array_equal(L, lightness_of_grey_file(np.ascontiguousarray(held)))


def test_no_colour_and_the_right_colours() -> None:
    store, recipe = store_of(), recipe_of()

    class Knowing(torch.nn.Module):
        def forward(self, L: Tensor, hints: Tensor) -> dict[str, Tensor]:
            return {"ab": next(validation_batches(store, recipe)).ab[: len(L)]}

    grey, right = judged(Warm(0.0), recipe, store), judged(Knowing(), recipe, store)
    assert grey["val_colour_ratio"] == 0
    assert grey["val_ab_rmse"] == grey["val_grey_rmse"] > 1
    assert right["val_colour_ratio"] == 1
    assert right["val_ab_rmse"] == right["val_loss"] == 0


def test_grey_photographs_have_no_ratio() -> None:
    store = store_of()
    store.squares[:] = store.squares.mean(3, keepdims=True).astype(np.uint8)
    assert judged(Warm(0.0), recipe_of(), store)["val_colour_ratio"] == 0


def test_a_loss_without_weight_is_not_judged() -> None:
    got = judged(Warm(), recipe_of(losses={"l2": 1.0, "l1": 0.0}), store_of())
    assert "val_l1" not in got
    assert got["val_loss"] == got["val_l2"]


def test_no_gradient_is_kept() -> None:
    net = Warm()
    net.scale = torch.nn.Parameter(torch.ones(()))
    judged(net, recipe_of(), store_of())
    assert net.scale.grad is None


# the grid


def test_a_grid_shows_grey_coloured_true(tmp_path: Path) -> None:
    store, recipe = store_of(), recipe_of(validation=0.25)
    path = tmp_path / "grids" / "step-000003.jpg"
    save_grid(Warm(0.3), recipe, store, CPU, path)
    save_grid(Warm(0.3), recipe, store, CPU, path)  # of a run that was stopped: once more
    grid = decode_rgb(path).astype(float)
    assert grid.shape == (GRID * 66 - 2, 3 * 66 - 2, 3)
    grey, coloured, true = (grid[:, k : k + 64] for k in (0, 66, 132))
    spread = [np.ptp(column, 2).mean() for column in (grey, coloured, true)]
    assert spread[0] < 12 < min(spread[1:])  # 12: of the margins between pictures and JPEG
    assert coloured[..., 0].mean() > coloured[..., 1].mean() + 10  # towards magenta and blue
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_grid_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "grids").write_text("a file")
    with pytest.raises(OutputUnwritable):
        save_grid(Warm(), recipe_of(), store_of(), CPU, tmp_path / "grids" / "step-000003.jpg")
