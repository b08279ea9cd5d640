"""training/data.py: batches that follow from (seed, step, rank), and pictures that stay true."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kolorit.colour.lab import grey_to_lightness
from kolorit.errors import ConfigInvalid
from kolorit.training import data
from kolorit.training.as_run import REACH, as_run_lab
from kolorit.training.data import (
    Batch,
    cut_crop,
    epoch_order,
    make_batch,
    to_batch,
    train_batches,
    validation_batches,
)
from kolorit.training.recipe import Recipe
from kolorit.training.recipe_file import load_recipe
from kolorit.training.store import Store, split


def a_store(squares: np.ndarray, source: list[int] | None = None, *weights: float) -> Store:
    """Its hashes are spread evenly, so that a share of them is a share of the pictures."""
    count = len(squares)
    names = tuple(f"s{k}" for k in range(len(weights) or 1))
    hashes = tuple(f"{(2 * k + 1) * 2**63 // count:016x}" for k in range(count))
    of = np.array(source or [0] * count, np.int32)
    return Store(squares, of, names, hashes, weights or (1.0,))


def greys(count: int, side: int = 64) -> np.ndarray:
    """Squares of one grey each, so that a batch tells which they were."""
    grey = np.arange(count, dtype=np.uint8)[:, None, None, None] * (255 // count)
    return np.ascontiguousarray(np.broadcast_to(grey, (count, side, side, 3)))


def shown(batch: Batch, count: int) -> list[int]:
    """Which of ``greys`` a batch holds."""
    levels = grey_to_lightness(np.arange(count) * (255 // count) / 255.0)
    middle = batch.L[:, 0, 16, 16].numpy()
    return [int(np.abs(levels - L).argmin()) for L in middle]


@pytest.fixture
def store() -> Store:
    return a_store(np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8))


@pytest.fixture
def recipe(tiny_recipe: Path) -> Recipe:
    return replace(load_recipe(str(tiny_recipe)), hints=0.5)


def equal(one: Batch, two: Batch) -> bool:
    pairs = ((one.L, two.L), (one.hints, two.hints), (one.ab, two.ab))
    return all(torch.equal(a, b) for a, b in pairs)


# -- epochs


def test_a_batch_follows_from_its_step(store: Store, recipe: Recipe) -> None:
    recipe = replace(recipe, rotate=10.0, ageing=0.5)
    one, two = (make_batch(store, recipe, 1) for _ in range(2))
    assert equal(one, two)
    assert not equal(one, make_batch(store, recipe, 2))
    assert not equal(one, make_batch(store, replace(recipe, seed=1), 1))
    assert one.L.shape == (4, 1, 32, 32)
    assert make_batch(store, recipe, 3).L.shape == (4, 1, 64, 64)  # the final part


def test_ranks_share_out_an_epoch_without_overlap(recipe: Recipe) -> None:
    recipe = replace(recipe, grey="luma", batch=4)
    store = a_store(greys(20))
    train, held = split(store, recipe.validation)
    assert len(held) == 4
    seen: list[int] = []
    for step in range(4):
        ranks = [shown(make_batch(store, recipe, step, rank, 2), 20) for rank in range(2)]
        assert not set(ranks[0]) & set(ranks[1])
        seen += ranks[0] + ranks[1]
    assert sorted(seen) == train.tolist()


def test_all_ranks_see_crops_of_one_size(store: Store, recipe: Recipe) -> None:
    recipe = replace(recipe, crops=(32, 64), final_crops=())
    sides = [[make_batch(store, recipe, k, r, 2).L.shape[-1] for r in range(2)] for k in range(12)]
    assert all(one == two for one, two in sides)
    assert {one for one, _ in sides} == {32, 64}


def test_weights_say_how_often_a_source_is_seen(recipe: Recipe) -> None:
    """20 pictures of weight 1, 20 of 2.5, 20 of 0; every fifth picture in order is held out."""
    recipe = replace(recipe, grey="luma", batch=2, crops=(32,), final_crops=())
    source = [k % 3 for k in range(60)]
    store = a_store(greys(60), source, 1.0, 2.5, 0.0)
    train, _ = split(store, recipe.validation)
    length = 16 + 40
    epochs = []
    for epoch in range(2):
        steps = range(epoch * length // 2, (epoch + 1) * length // 2)
        epochs.append(Counter(k for s in steps for k in shown(make_batch(store, recipe, s), 60)))
    for seen in epochs:
        assert {k: seen[k] for k in train if source[k] == 0} == dict.fromkeys(train[0::3], 1)
        often = [seen[k] for k in train if source[k] == 1]
        assert sorted(often) == [2] * 8 + [3] * 8
        assert not any(seen[k] for k in train if source[k] == 2)
        assert set(seen) <= set(train.tolist())
    assert epochs[0] != epochs[1]  # others are seen a third time


@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=30),
    st.tuples(*[st.floats(0, 3)] * 3),
    st.integers(0, 9),
)
def test_an_epoch_holds_each_picture_as_often_as_its_weight_says(
    source: list[int], weights: tuple[float, ...], epoch: int
) -> None:
    of = np.array(source)
    order = epoch_order(of, weights, 0, epoch)
    np.testing.assert_array_equal(order, epoch_order(of, weights, 0, epoch))
    assert len(order) == len(epoch_order(of, weights, 0, epoch + 1))
    seen = Counter(order.tolist())
    for at, weight in enumerate(weights):
        mine = [seen[k] for k in range(len(of)) if of[k] == at]
        assert all(int(weight) <= n <= int(weight) + 1 for n in mine)
        assert abs(sum(mine) - weight * len(mine)) <= 0.5 + 1e-9


def test_weights_under_which_nothing_is_seen_are_refused(store: Store, recipe: Recipe) -> None:
    with pytest.raises(ConfigInvalid, match="an epoch shows no picture"):
        make_batch(replace(store, weights=(0.01,)), recipe, 0)


def test_the_loader_gives_every_step_and_says_how_long_it_was_waited_for(
    store: Store, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = [make_batch(store, recipe, step) for step in range(1, 4)]
    loaded = list(train_batches(store, recipe, 1))
    assert len(loaded) == 3
    assert all(equal(a, b) for a, (b, _) in zip(plain, loaded, strict=True))

    def slow(*arguments: object) -> Batch:
        time.sleep(0.1)
        return plain[0]

    monkeypatch.setattr(data, "make_batch", slow)
    waits = []
    for _, waited in train_batches(store, recipe, 0):
        waits.append(waited)
        if len(waits) == 2:
            time.sleep(0.2)  # meanwhile the next one is made
    assert min(waits[0], waits[1]) > 0.05
    assert waits[2] < 0.05


def test_an_error_in_the_loader_comes_out(store: Store, recipe: Recipe) -> None:
    with pytest.raises(ConfigInvalid):
        next(train_batches(replace(store, weights=(0.0,)), recipe, 0))


# -- crops


@given(st.integers(0, 9999), st.sampled_from([0.0, 5.0, 15.0, 45.0]), st.integers(20, 64))
def test_what_is_seen_was_in_the_photograph(seed: int, rotate: float, least: int) -> None:
    """No corner is filled: one colour stays that colour to the last pixel."""
    flat = np.full((64, 64, 3), (201, 33, 90), np.uint8)
    crop = cut_crop(flat, least, 32, rotate, np.random.default_rng(seed))
    assert crop.shape == (32, 32, 3)
    assert (crop == flat[0, 0]).all()


def test_turns_reach_both_ways_as_far_as_asked_and_as_there_is_room() -> None:
    """Read off a straight edge: its slope in the crop."""

    def turns(rotate: float, least: int) -> np.ndarray:
        edge = np.zeros((128, 128, 3), np.uint8)
        edge[64:] = 255
        found = []
        for seed in range(200):
            rng = np.random.default_rng(seed)
            crop = cut_crop(edge, least, least, rotate, rng)[..., 0] / 255.0
            row = least - crop.sum(0)  # where the edge is, in each column
            inside = (row > 3) & (row < least - 3)
            if inside.sum() > 8:
                found.append(
                    np.degrees(np.arctan(np.polyfit(np.flatnonzero(inside), row[inside], 1)[0]))
                )
        return np.array(found)

    wide = turns(15, 64)
    assert -15.5 < wide.min() < -12 and 12 < wide.max() < 15.5
    near = turns(15, 120)  # cos + sin of 4.2 degrees is 128 / 120
    assert 2 < np.abs(near).max() < 4
    assert np.abs(turns(15, 128)).max() < 0.1
    assert np.abs(turns(0, 64)).max() < 0.1


def test_crops_are_of_all_sizes_and_half_are_mirrored() -> None:
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, :, None] * 4, (64, 64, 3))
    crops = [
        cut_crop(ramp, 32, 32, 0.0, np.random.default_rng(k))[16, :, 0].astype(int)
        for k in range(300)
    ]
    slope = np.array([(c[24] - c[8]) / 16 / 4 for c in crops])  # store pixels in one of the crop
    assert 0.4 < (slope > 0).mean() < 0.6
    assert np.abs(slope).min() == pytest.approx(1, abs=0.02)
    assert np.abs(slope).max() == pytest.approx(2, abs=0.1)


# -- light and colours


def test_lightness_is_what_the_product_feeds(store: Store) -> None:
    rng = np.random.default_rng(0)
    grey = np.repeat(store.squares[:2, :, :, :1], 3, -1)
    for how in ("luma", "lightness"):
        batch = to_batch(grey, how, 0.0, rng)
        expected = grey_to_lightness(grey[..., 0] / 255.0)
        np.testing.assert_allclose(batch.L[:, 0].numpy(), expected, atol=0.02)
        assert batch.ab.abs().max() < 0.05
        assert batch.reach == 110
    red = np.zeros((1, 32, 32, 3), np.uint8)
    red[..., 0] = 255
    assert to_batch(red, "lightness", 0.0, rng).L.mean().item() == pytest.approx(53.24, abs=0.05)
    luma = float(grey_to_lightness(np.float64(76 / 255)))
    assert to_batch(red, "luma", 0.0, rng).L.mean().item() == pytest.approx(luma, abs=0.01)
    mixed = to_batch(red.repeat(200, 0), "mixed", 0.0, rng).L[:, 0, 0, 0].numpy()
    assert 0.4 < (np.abs(mixed - luma) < 0.01).mean() < 0.6


def test_as_run_batches_are_the_first_studys(store: Store, recipe: Recipe) -> None:
    recipe = replace(recipe, lab="as-run", hints=0.0, crops=(64,), crop_min=64)
    batch = make_batch(store, recipe, 0)
    assert batch.reach == REACH > 181
    assert batch.L.min() < -10
    assert batch.hints.abs().sum() == 0
    squares = np.concatenate([store.squares, store.squares[:, :, ::-1]])
    known = {as_run_lab(s).tobytes() for s in squares}
    mine = torch.cat([batch.L, batch.ab], 1).permute(0, 2, 3, 1).contiguous().numpy()
    assert all(m.tobytes() in known for m in mine)
    (held,) = validation_batches(store, recipe)
    np.testing.assert_array_equal(held.L[:, 0], as_run_lab(store.squares[16:])[..., 0])
    assert held.reach == REACH
    with pytest.raises(ConfigInvalid, match="ageing"):
        make_batch(store, replace(recipe, ageing=0.1), 0)


def test_ageing_changes_the_lightness_of_its_share_and_nothing_else(
    store: Store, recipe: Recipe
) -> None:
    recipe = replace(recipe, batch=100, hints=0.0)
    plain, aged = make_batch(store, recipe, 0), make_batch(store, replace(recipe, ageing=0.3), 0)
    assert torch.equal(plain.ab, aged.ab)
    share = (plain.L != aged.L).flatten(1).any(1).float().mean().item()
    assert 0.15 < share < 0.45
    all_of_them = make_batch(store, replace(recipe, ageing=1.0), 0)
    assert (plain.L != all_of_them.L).flatten(1).any(1).all()
    assert 0 <= all_of_them.L.min() and all_of_them.L.max() <= 100


def test_validation_has_no_hints_no_age_and_no_chance(store: Store, recipe: Recipe) -> None:
    plain = list(validation_batches(store, recipe))
    hard = replace(recipe, hints=1.0, ageing=1.0, rotate=20.0, seed=7)
    for one, two in zip(plain, validation_batches(store, hard), strict=True):
        assert equal(one, two)
    assert plain[0].hints.abs().sum() == 0
    assert plain[0].L.shape == (4, 1, 64, 64)
    many = list(validation_batches(store, recipe, size=3))
    assert [len(b.L) for b in many] == [3, 1]
    few = list(validation_batches(store, replace(recipe, validation_pictures=2)))
    assert [len(b.L) for b in few] == [2]


def test_what_is_validated_is_never_trained_on(recipe: Recipe) -> None:
    store = a_store(greys(20))
    held = {k for b in validation_batches(store, recipe) for k in shown(b, 20)}
    recipe = replace(recipe, grey="luma")
    seen = {k for step in range(12) for k in shown(make_batch(store, recipe, step), 20)}
    assert held == {16, 17, 18, 19}
    assert seen == set(range(16))


def test_a_batch_moves_and_parts_with_its_reach(store: Store, recipe: Recipe) -> None:
    batch = replace(make_batch(store, recipe, 0), reach=182.0)
    assert equal(batch, batch.to(torch.device("cpu")))
    assert batch.to(torch.device("cpu")).reach == 182
    parts = batch.chunks(2)
    assert [len(p.L) for p in parts] == [2, 2]
    assert torch.equal(torch.cat([p.ab for p in parts]), batch.ab)
    assert parts[1].reach == 182
