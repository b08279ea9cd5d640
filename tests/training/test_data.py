"""training/data.py: batches that follow from (seed, step, rank), and hints that tell the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kolorit.colour.lab import grey_to_lightness
from kolorit.training.data import make_batch, simulate_hints, split, to_batch, validation_batches
from kolorit.training.recipe import Recipe, load_recipe


@pytest.fixture
def store() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)


@pytest.fixture
def recipe(tiny_recipe: Path) -> Recipe:
    return load_recipe(str(tiny_recipe))


def test_split_is_disjoint_and_whole() -> None:
    train, held = split(101, 0.1)
    assert len(held) == 10
    assert sorted([*train, *held]) == list(range(101))


def test_a_batch_follows_from_its_step(store: np.ndarray, recipe: Recipe) -> None:
    train, _ = split(len(store), recipe.validation)
    one, two = (make_batch(store, train, recipe, 1) for _ in range(2))
    other = make_batch(store, train, recipe, 2)
    assert torch.equal(one.L, two.L)
    assert torch.equal(one.hints, two.hints)
    assert not torch.equal(one.L, other.L)
    assert one.L.shape == (4, 1, 32, 32)
    assert make_batch(store, train, recipe, 3).L.shape == (4, 1, 64, 64)  # the final part


def test_ranks_share_out_an_epoch_without_overlap(store: np.ndarray, recipe: Recipe) -> None:
    """Each picture has a grey of its own, so that all of them can be counted."""
    flat = np.broadcast_to(np.arange(20, dtype=np.uint8)[:, None, None, None] * 12, store.shape)
    recipe = replace(recipe, grey="luma", batch=4)
    train, _ = split(20, recipe.validation)
    seen = [
        float(L)
        for step in range(4)
        for rank in range(2)
        for L in make_batch(np.ascontiguousarray(flat), train, recipe, step, rank, 2).L[:, 0, 0, 0]
    ]
    expected = grey_to_lightness(train * 12 / 255.0)
    np.testing.assert_allclose(sorted(seen), sorted(expected), atol=1e-4)


def test_lightness_is_what_the_product_feeds(store: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    grey = np.repeat(store[:2, :, :, :1], 3, -1)
    for how in ("luma", "lightness"):
        batch = to_batch(grey, how, 0.0, rng)
        expected = grey_to_lightness(grey[..., 0] / 255.0)
        np.testing.assert_allclose(batch.L[:, 0].numpy(), expected, atol=0.02)
        assert batch.ab.abs().max() < 0.05
    red = np.zeros((1, 32, 32, 3), np.uint8)
    red[..., 0] = 255
    assert to_batch(red, "lightness", 0.0, rng).L.mean().item() == pytest.approx(53.24, abs=0.05)
    luma = float(grey_to_lightness(np.float64(76 / 255)))
    assert to_batch(red, "luma", 0.0, rng).L.mean().item() == pytest.approx(luma, abs=0.01)


def test_hints_tell_the_truth() -> None:
    ab = torch.arange(2 * 2 * 32 * 32, dtype=torch.float32).reshape(2, 2, 32, 32) % 50
    flat = ab.mean((2, 3), keepdim=True).expand_as(ab)
    hints = simulate_hints(flat, 1.0, np.random.default_rng(1))
    mask = hints[:, 2:]
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(hints[:, :2], flat * mask)
    assert simulate_hints(ab, 0.0, np.random.default_rng(1)).abs().sum() == 0


def test_hints_are_mostly_few() -> None:
    rng = np.random.default_rng(2)
    hints = simulate_hints(torch.ones(200, 2, 64, 64), 0.5, rng)
    share = (hints[:, 2].sum((1, 2)) > 0).float().mean().item()
    assert 0.4 < share < 0.6


def test_validation_has_no_hints_and_no_chance(store: np.ndarray, recipe: Recipe) -> None:
    one, two = (list(validation_batches(store, recipe)) for _ in range(2))
    assert torch.equal(one[0].L, two[0].L)
    assert one[0].hints.abs().sum() == 0
    assert one[0].L.shape[-1] == 64
