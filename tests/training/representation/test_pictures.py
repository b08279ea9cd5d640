"""pictures.py: one way from bytes to what an encoder sees, carried with it; batches are checked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from kolorit.errors import CheckpointRefused, DataCorrupt
from kolorit.training.representation.pictures import (
    Pictures,
    Preprocessing,
    batches,
    cut,
    preprocessing_from_json,
    shuffled,
    to_pictures,
)
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.splits import Domain

CPU = torch.device("cpu")


def pixels(*colours: tuple[int, int, int]) -> np.ndarray:
    """(B,2,2,3) uint8, each picture of one colour."""
    return np.array(colours, np.uint8)[:, None, None].repeat(2, 1).repeat(2, 2)


def made(preprocessing: Preprocessing, *colours: tuple[int, int, int]) -> Pictures:
    return to_pictures(pixels(*colours), np.zeros(len(colours), np.int64), preprocessing, CPU)


def test_grey_runs_from_black_to_white() -> None:
    for grey in ("lightness", "luma"):
        seen = made(Preprocessing(2, grey), (0, 0, 0), (255, 255, 255)).grey
        assert seen.shape == (2, 1, 2, 2)
        np.testing.assert_allclose(seen[:, 0, 0, 0], [-1, 1], atol=1e-5)
    half = made(Preprocessing(2, low=0.0), (0, 0, 0), (255, 255, 255)).grey
    np.testing.assert_allclose(half[:, 0, 0, 0], [0, 1], atol=1e-5)


def test_lightness_and_luma_are_two_things() -> None:
    """Red: L* 53.2406; 0.299 of the luma. (The goldens of sRGB in Lab, and BT.601.)"""
    assert made(Preprocessing(2, low=0.0), (255, 0, 0)).grey.mean() == pytest.approx(0.532406)
    luma = made(Preprocessing(2, "luma", low=0.0), (255, 0, 0)).grey.mean()
    assert luma == pytest.approx(0.299)


def test_lab_is_the_truth() -> None:
    lab = made(Preprocessing(2), (255, 0, 0)).lab
    found = [lab.L.mean(), lab.ab[:, 0].mean(), lab.ab[:, 1].mean()]
    np.testing.assert_allclose(found, [53.2406, 80.0942, 67.2015], atol=1e-3)


def test_the_encoder_may_see_another_picture_than_the_target() -> None:
    label, how = np.zeros(1, np.int64), Preprocessing(2, low=0.0)
    pictures = to_pictures(pixels((255, 255, 255)), label, how, CPU, pixels((0, 0, 0)))
    assert pictures.grey.max() < 1e-6
    assert pictures.rgb.min() == 1
    assert pictures.lab.L.min() > 99


def test_preprocessing_survives_a_file() -> None:
    how = Preprocessing(64, "luma", 0.0, 1.0, squashed=True)
    assert preprocessing_from_json(how.to_json()) == how
    for text in ("", "{}", '{"px": 64, "colour": 1}', "[1]"):
        with pytest.raises(CheckpointRefused, match="preprocessing"):
            preprocessing_from_json(text)


def test_batches_are_the_rows(food_set: ClassSet, domains: dict[str, Domain]) -> None:
    inside = domains["in"]
    rows = inside.pool[::-1]
    found = list(batches(food_set, inside, rows, 7))
    assert [len(label) for _, label in found] == [7] * (len(rows) // 7) + [len(rows) % 7]
    assert np.array_equal(np.concatenate([label for _, label in found]), food_set.label[rows])
    assert np.array_equal(found[0][0][3], food_set.pictures[rows[3]])


def test_a_loader_of_the_wrong_domain_is_caught(
    food_set: ClassSet, domains: dict[str, Domain]
) -> None:
    """The second study's mistake: the out-of-domain loader is given in-domain pictures."""
    planted = replace(domains["out"], pool=domains["in"].pool)
    with pytest.raises(DataCorrupt, match="domain 'out'"):
        list(batches(food_set, planted, planted.pool, 8))


def test_every_epoch_shows_each_row_once() -> None:
    order = shuffled(np.arange(10), 3, 25)
    assert len(order) == 25
    assert sorted(order[:10]) == sorted(order[10:20]) == list(range(10))
    assert not np.array_equal(order[:10], order[10:20])
    assert np.array_equal(order, shuffled(np.arange(10), 3, 25))


def test_cut() -> None:
    ramp = np.arange(16 * 16 * 3, dtype=np.uint16).astype(np.uint8).reshape(1, 16, 16, 3)
    many = cut(ramp.repeat(50, 0), 12, np.random.default_rng(0))
    assert many.shape == (50, 12, 12, 3)
    places = {
        (y, x, flip)
        for y in range(5)
        for x in range(5)
        for flip in (1, -1)
        for crop in many
        if np.array_equal(ramp[0, y : y + 12, x : x + 12][:, ::flip], crop)
    }
    assert len(places) > 20
    assert all(any(c[:, ::f].tolist() == ramp[0].tolist() for f in (1, -1))
               for c in cut(ramp.repeat(4, 0), 0, np.random.default_rng(0)))  # fmt: skip
