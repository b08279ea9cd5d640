"""training/prior.py: the mean soft target of the training split, by a slow reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.color import rgb2lab

from kolorit.colour.bins import BINS
from kolorit.training.prior import RAREST, colour_prior
from kolorit.training.recipe import Recipe
from kolorit.training.recipe_file import load_recipe
from kolorit.training.store import Store


def a_store(squares: np.ndarray) -> Store:
    """Its hashes are spread evenly, so that a share of them is a share of the pictures."""
    count = len(squares)
    hashes = tuple(f"{(2 * k + 1) * 2**63 // count:016x}" for k in range(count))
    return Store(squares, np.zeros(count, np.int32), ("photos",), hashes, (1.0,))


@pytest.fixture
def recipe(tiny_recipe: Path) -> Recipe:
    return load_recipe(str(tiny_recipe))  # a fifth is held out


def bin_at(a: int, b: int) -> int:
    return int(np.flatnonzero((np.asarray(BINS) == (a, b)).all(1))[0])


def slow_prior(squares: np.ndarray, stride: int) -> np.ndarray:
    """Cell by cell, with another library's Lab; nothing is raised to the least share."""
    total = np.zeros(len(BINS))
    for square in squares:
        ab = rgb2lab(square / 255.0)[..., 1:]
        for y in range(0, len(square), stride):
            for x in range(0, len(square), stride):
                cell = ab[y : y + stride, x : x + stride].mean((0, 1))
                square_distance = ((np.asarray(BINS) - cell) ** 2).sum(1)
                near = np.argsort(square_distance, kind="stable")[:5]
                weight = np.exp(-square_distance[near] / (2 * 5.0**2))
                total[near] += weight / weight.sum()
    return np.asarray(total / total.sum())


@pytest.mark.parametrize("stride", [4, 8])
def test_it_is_the_mean_soft_target(recipe: Recipe, stride: int) -> None:
    rng = np.random.default_rng(0)
    squares = rng.integers(0, 256, (5, 8, 8, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    squares = np.clip(squares + rng.integers(0, 9, squares.shape), 0, 255).astype(np.uint8)
    want = np.maximum(slow_prior(squares[:4], stride), RAREST)
    prior = colour_prior(a_store(squares), recipe, stride)
    np.testing.assert_allclose(prior, want / want.sum(), atol=2e-3)
    assert np.abs(prior - want / want.sum()).sum() < 0.02


def test_grey_pictures_give_the_known_shares(recipe: Recipe) -> None:
    """Of neutral grey: its own bin 0.648786, its four neighbours 0.087804 each, no other."""
    prior = colour_prior(a_store(np.full((10, 32, 32, 3), 128, np.uint8)), recipe)
    whole = 1 + (len(BINS) - 5) * RAREST
    assert prior[bin_at(0, 0)] == pytest.approx(0.648786 / whole, abs=1e-4)
    for a, b in ((10, 0), (-10, 0), (0, 10), (0, -10)):
        assert prior[bin_at(a, b)] == pytest.approx(0.087804 / whole, abs=1e-4)
    assert np.sort(prior)[:-5] == pytest.approx(RAREST / whole)


def test_it_is_that_of_the_training_pictures(recipe: Recipe) -> None:
    """Grey pictures to train on, red ones held out: all mass is around neutral."""
    squares = np.full((10, 64, 64, 3), 120, np.uint8)
    squares[8:, ..., 1:] = 0
    prior = colour_prior(a_store(squares), recipe)
    assert prior.shape == (len(BINS),)
    assert prior.sum() == pytest.approx(1)
    assert prior.min() == pytest.approx(1e-5, rel=0.01)
    assert prior[(np.abs(np.asarray(BINS)) <= 10).all(1)].sum() > 0.99
    squares[7] = squares[8]  # one of eight to train on
    assert colour_prior(a_store(squares), recipe)[(np.asarray(BINS)[:, 0] > 30)].sum() > 0.1


def test_of_many_pictures_some_from_end_to_end_are_read(recipe: Recipe) -> None:
    squares = np.full((10, 32, 32, 3), 120, np.uint8)
    squares[[0, 7], ..., 1:] = 0  # red: the first and the last to train on
    few = colour_prior(a_store(squares), recipe, pictures=2)
    assert few[(np.asarray(BINS)[:, 0] > 30)].sum() > 0.98


def test_a_picture_counts_as_often_as_an_epoch_shows_it(recipe: Recipe) -> None:
    """Half of the training pictures are red, of a source that is shown three times."""
    squares = np.full((10, 64, 64, 3), 120, np.uint8)
    squares[:4] = (255, 0, 0)
    even = a_store(squares)
    source = np.array([1] * 4 + [0] * 6, np.int32)
    store = Store(squares, source, ("grey", "red"), even.hashes, (1.0, 3.0))
    red = (np.asarray(BINS)[:, 0] > 40).astype(float)
    assert colour_prior(even, recipe) @ red == pytest.approx(0.5, abs=0.01)
    assert colour_prior(store, recipe) @ red == pytest.approx(0.75, abs=0.01)
