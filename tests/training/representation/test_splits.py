"""splits.py: the second study's own numbers, what each picture serves for, what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.errors import ConfigInvalid, DataCorrupt
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.splits import (
    Domain,
    check_labels,
    deal,
    describe_split,
    draw_classes,
    split_set,
    stratified,
)
from kolorit.training.representation.study import Defects, Split

Make = Callable[..., ClassSet]


def test_the_excluded_classes_of_the_second_study() -> None:
    """As its notebook printed them: twenty draws, two of them twice."""
    drawn = [51, 92, 14, 71, 60, 20, 82, 86, 74, 74, 87, 99, 23, 2, 21, 52, 1, 87, 29, 37]
    np.random.seed(42)
    assert np.random.choice(101, 20).tolist() == drawn
    found = draw_classes(101, 20, 42, replacement=True)
    assert found == tuple(dict.fromkeys(drawn))
    assert len(found) == 18


def test_their_names(data_folder) -> None:  # type: ignore[no-untyped-def]
    names = (data_folder / "food101" / "classes.txt").read_text().split()
    printed = (
        "guacamole spring_rolls carrot_cake paella lobster_bisque chicken_wings ravioli sashimi "
        "peking_duck scallops tuna_tartare churros baklava chocolate_cake gyoza baby_back_ribs "
        "cup_cakes filet_mignon"
    )
    assert [names[k] for k in draw_classes(101, 20, 42, replacement=True)] == printed.split()


def test_the_draw_that_was_meant() -> None:
    meant = [0, 4, 10, 12, 18, 22, 30, 31, 33, 39, 44, 45, 55, 66, 67, 77, 78, 84, 93, 97]
    assert sorted(draw_classes(101, 20, 42, replacement=False)) == meant


@pytest.mark.parametrize(
    ("labels", "share", "seed", "first", "second", "sha"),
    [  # scikit-learn 1.9.1, train_test_split
        (
            np.repeat(np.arange(83), 750), 0.9, 42,
            [12973, 32641, 31342, 51134, 46241, 28303],
            [37507, 30096, 32495, 40679, 30706, 3400], "6b5f5b598ac5d4c6",
        ),
        (
            np.repeat(np.arange(18), 750), 0.9, 42,
            [5787, 2117, 2346, 9532, 5772, 11590],
            [4979, 3326, 7873, 7085, 1835, 1827], "8512557e2bd3504e",
        ),
        (
            np.repeat(np.arange(83), 98), 0.9, 42,
            [6055, 7852, 2061, 1832, 6941, 1702],
            [44, 7973, 1103, 7926, 2913, 8040], "203d6709a58ae929",
        ),
        (
            np.repeat([3, 5, 9, 11], [7, 13, 10, 21]), 0.6, 7,
            [46, 38, 17, 24, 9, 22], [1, 15, 36, 4, 14, 27], "e525ce9d29da35cd",
        ),
    ],
)  # fmt: skip
def test_the_stratified_split_is_scikit_learns(
    labels: np.ndarray, share: float, seed: int, first: list[int], second: list[int], sha: str
) -> None:
    a, b = stratified(labels, share, seed)
    assert (a[:6].tolist(), b[:6].tolist()) == (first, second)
    content = a.astype("<i8").tobytes() + b.astype("<i8").tobytes()
    assert hashlib.sha256(content).hexdigest()[:16] == sha


def test_the_second_studys_counts(made_up: Make) -> None:
    of = made_up(101, 750, 250, px=1)
    split = Split(held_out=20, seed=42, pretext=0.9, development=0.0)
    domains = split_set(of, split, Defects(with_replacement=True))
    counts = {
        name: (len(d.classes), len(d.pretext), len(d.pool), len(d.test))
        for name, d in domains.items()
    }
    assert counts == {"in": (83, 56_025, 6_225, 20_750), "out": (18, 12_150, 1_350, 4_500)}
    clean = split_set(of, split, Defects())
    assert [len(d.classes) for d in clean.values()] == [81, 20]


def test_domains_share_nothing_and_lose_nothing(made_up: Make) -> None:
    of = made_up(9, 20, 5)
    domains = split_set(of, Split(held_out=3, pretext=0.6), Defects())
    parts = [rows for d in domains.values() for rows in (d.pretext, d.pool, d.test)]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(of.label)))
    for d in domains.values():
        for rows in (d.pretext, d.pool, d.test):
            assert set(of.label[rows]) == set(d.classes)
        assert of.test[d.test].all()
        assert not of.test[d.pretext].any() and not of.test[d.pool].any()
    assert not set(domains["in"].classes) & set(domains["out"].classes)


def test_the_defect_of_the_second_study_is_the_in_domain_twice(made_up: Make) -> None:
    of = made_up(9, 20, 5)
    domains = split_set(of, Split(held_out=3), Defects(out_is_in=True))
    assert domains["out"].classes == domains["in"].classes
    assert np.array_equal(domains["out"].test, domains["in"].test)
    assert domains["out"].name == "out"


def test_a_smaller_set_is_a_part_of_each_class(made_up: Make) -> None:
    of = made_up(10, 20, 8)
    split = Split(held_out=2, classes=5, train_per_class=10, test_per_class=4, pretext=0.5)
    domains = split_set(of, split, Defects())
    assert sum(len(d.classes) for d in domains.values()) == 5
    for d in domains.values():
        assert (len(d.pretext), len(d.pool), len(d.test)) == tuple(
            n * len(d.classes) for n in (5, 5, 4)
        )


@pytest.mark.parametrize("held_out", [0, 8, 9, 20])
def test_a_domain_has_two_classes(made_up: Make, held_out: int) -> None:
    with pytest.raises(ConfigInvalid, match="held_out"):
        split_set(made_up(9, 20, 5), Split(held_out=held_out), Defects())


def test_too_few_pictures_are_told_by_class(made_up: Make) -> None:
    with pytest.raises(ConfigInvalid, match=r"too few pictures of 'class\d+': [01] for the pool"):
        split_set(made_up(9, 3, 5), Split(held_out=3, pretext=0.6), Defects())


@given(
    st.integers(2, 4),
    st.integers(3, 30),
    st.sampled_from([0.01, 0.1, 0.5, 1.0]),
    st.integers(0, 99),
)
def test_a_deal(classes: int, each: int, fraction: float, seed: int) -> None:
    labels = np.repeat(np.arange(classes), each)
    split = Split(pretext=0.6, development=0.1)
    learn, choose = deal(labels, split, fraction, seed)
    whole, same = deal(labels, split, 1.0, seed)
    assert not set(learn) & set(choose)
    assert set(learn) <= set(whole)
    assert np.array_equal(choose, same)
    assert len(whole) + len(choose) == len(labels)
    counts = np.bincount(labels[learn], minlength=classes)
    assert counts.min() == counts.max() >= 1
    assert np.bincount(labels[choose], minlength=classes).min() >= 1


def test_another_seed_deals_anew() -> None:
    labels = np.repeat(np.arange(3), 40)
    first, second = (deal(labels, Split(), 0.5, seed)[0] for seed in (0, 1))
    assert set(first) != set(second)


def test_without_development_all_are_labels() -> None:
    labels = np.repeat(np.arange(3), 10)
    learn, choose = deal(labels, Split(pretext=0.9, development=0.0), 1.0, 0)
    assert (len(learn), len(choose)) == (30, 0)


@pytest.mark.parametrize("classes", [4, 7, 11, 49, 101])
def test_chance_of_equal_classes_is_one_in_their_number(made_up: Make, classes: int) -> None:
    of = made_up(classes, 20, 25)
    found = describe_split(of, split_set(of, Split(held_out=2), Defects()))["domains"]
    assert (found["in"]["chance"], found["out"]["chance"]) == (1 / (classes - 2), 0.5)


def test_chance_of_unequal_classes_is_the_share_of_the_commonest(made_up: Make) -> None:
    of = made_up(5, 20, 10)
    left = np.flatnonzero(of.test & (of.label == 0))[3:]
    few = replace(of, test=np.where(np.isin(np.arange(len(of.label)), left), False, of.test))
    domains = split_set(few, Split(held_out=2), Defects())
    for name, about in describe_split(few, domains)["domains"].items():
        n = len(domains[name].classes)
        smaller = 0 in domains[name].classes
        assert about["chance"] == (10 / (10 * n - 7) if smaller else 1 / n)


def test_a_strange_class_in_a_batch_is_caught(
    food_set: ClassSet, domains: dict[str, Domain]
) -> None:
    outside = domains["out"]
    check_labels(food_set.label[outside.test], outside, food_set)
    planted = replace(outside, test=domains["in"].test)
    with pytest.raises(DataCorrupt, match=r"domain 'out' holds pictures of '\w+', which is not"):
        check_labels(food_set.label[planted.test], planted, food_set)
