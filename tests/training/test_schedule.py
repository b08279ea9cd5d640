"""training/schedule.py: torch's schedulers as functions, and the first study's log replayed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from kolorit.training.recipe import Recipe
from kolorit.training.schedule import cosine, one_cycle, plateau, share_at

# Validation loss of the first study, in millionths, epochs 1 to 50.
LOG = [
    *(27405, 28343, 24597, 24694, 23439, 23756, 24292, 23148, 22504, 21915),
    *(21482, 21305, 22741, 22361, 21211, 21126, 21703, 22435, 23408, 23008),
    *(19872, 19891, 19855, 19863, 19872, 20025, 19839, 19869, 19798, 19890),
    *(19911, 19915, 19913, 19896, 19948, 19819, 20188, 19894, 19879, 19870),
    *(19879, 19932, 19864, 19899, 19867, 19929, 19942, 19859, 19921, 19844),
]


def recipe(**changes: Any) -> Recipe:
    return Recipe("r", "unet", {"l2": 1.0}, {"photos": 1.0}, **changes)


def drops(values: list[float], factor: float = 0.1) -> list[int]:
    """After which epochs the rate falls."""
    rates = [plateau(values[:n], 2e-4, factor, 3) for n in range(len(values) + 1)]
    return [n for n in range(1, len(rates)) if rates[n] != rates[n - 1]]


def torch_shares(kind: Any, steps: int, **options: Any) -> list[float]:
    """The rates of one of torch's schedulers for a full rate of 1."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = kind(optimiser, **options)
    rates = []
    for step in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if step + 1 < steps:
            scheduler.step()
    return rates


def test_the_log_of_the_first_study_drops_the_rate_where_it_did() -> None:
    values = [v * 1e-6 for v in LOG]
    assert drops(values) == [20, 33, 37, 41, 45]  # a sixth, after 49, would be below 1e-8
    assert plateau(values, 2e-4) == pytest.approx(2e-9)
    assert drops(values, factor=0.5) == [20, 33, 37, 41, 45, 49]
    assert plateau(values, 2e-4, 0.5) == pytest.approx(3.125e-6)
    assert drops([round(v, 4) for v in values]) == [20, 25, 31, 35, 39]  # so 6 decimals are kept


def test_a_recipe_replays_the_log_by_its_own_keys() -> None:
    """Whatever the step: what has been validated decides, and nothing else."""
    study = recipe(schedule="plateau", lr=2e-4, warmup=0)
    values = [v * 1e-6 for v in LOG]
    shares = [share_at(study, 607 * n, values[:n]) for n in range(51)]
    changes = [n for n in range(1, 51) if shares[n] != shares[n - 1]]
    assert (shares[0], changes) == (1.0, [20, 33, 37, 41, 45])
    assert shares[20] == pytest.approx(0.1)
    slow = recipe(schedule="plateau", lr=2e-4, warmup=0, factor=0.5, patience=50)
    assert share_at(slow, 30_000, values) == 1.0


walks = st.lists(st.sampled_from([-3e-2, -1e-4, -5e-5, 0.0, 5e-5, 1e-3, 3e-2]), max_size=40)


@given(walks, st.sampled_from([0.1, 0.5, 0.9]), st.integers(1, 4), st.sampled_from([1e-2, 3e-8]))
def test_plateau_is_that_of_torch(
    walk: list[float], factor: float, patience: int, lr: float
) -> None:
    """On random walks whose steps are about the threshold, below it, and none at all."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimiser, factor=factor, patience=patience)
    values = [1.0]
    for step in walk:
        values.append(values[-1] * (1 + step))
    for n, value in enumerate(values, 1):
        scheduler.step(value)
        assert plateau(values[:n], lr, factor, patience) == optimiser.param_groups[0]["lr"]


def test_plateau_takes_what_is_no_number_for_no_better() -> None:
    assert plateau([1.0, float("nan"), float("nan"), float("nan")], 1.0) == 1.0
    assert plateau([1.0, *[float("nan")] * 4], 1.0) == pytest.approx(0.1)
    assert plateau([], 1.0) == 1.0


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 97, 1000])
def test_one_cycle_is_that_of_torch(steps: int) -> None:
    kind = lr_scheduler.OneCycleLR
    want = torch_shares(kind, steps, max_lr=1.0, total_steps=steps, cycle_momentum=False)
    assert [one_cycle(step, steps) for step in range(steps)] == pytest.approx(want, rel=1e-6)
    one = recipe(schedule="one-cycle", steps=steps, warmup=5)  # which it does not need
    assert [share_at(one, step) for step in range(steps)] == pytest.approx(want, rel=1e-6)


def test_one_cycle_rises_for_three_tenths_and_ends_near_nothing() -> None:
    shares = [one_cycle(step, 1000) for step in range(1001)]
    assert shares[0] == pytest.approx(0.04)
    assert max(range(1001), key=shares.__getitem__) == 299
    assert shares[299] == pytest.approx(1)
    assert shares[999] == shares[1000] == pytest.approx(4e-6)


@pytest.mark.parametrize("floor", [0.0, 0.02, 1.0])
def test_cosine_is_that_of_torch(floor: float) -> None:
    want = torch_shares(lr_scheduler.CosineAnnealingLR, 201, T_max=200, eta_min=floor)
    one = recipe(schedule="cosine", steps=200, warmup=0, lr_floor=floor)
    assert [share_at(one, step) for step in range(201)] == pytest.approx(want, abs=1e-9)
    assert [cosine(step, 200, floor) for step in range(201)] == pytest.approx(want, abs=1e-9)
    assert share_at(one, 300) == pytest.approx(floor)  # and stays there


def test_steps_are_those_of_torch() -> None:
    want = torch_shares(lr_scheduler.StepLR, 100, step_size=30, gamma=0.3)
    one = recipe(schedule="step", steps=100, warmup=0, drop_every=30, factor=0.3)
    assert [share_at(one, step) for step in range(100)] == pytest.approx(want)
    assert sorted(set(want), reverse=True) == pytest.approx([1, 0.3, 0.09, 0.027])


def test_warm_up_then_cosine() -> None:
    one = recipe(steps=1000, warmup=100, lr_floor=0.02)
    shares = [share_at(one, step) for step in range(1001)]
    assert shares[:100] == pytest.approx([k / 100 for k in range(1, 101)])
    assert shares[100] == 1.0
    assert shares[550] == pytest.approx(0.51)
    assert shares[1000] == pytest.approx(0.02)
    assert shares[100:] == sorted(shares[100:], reverse=True)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step", "plateau"])
def test_every_other_schedule_warms_up(schedule: str) -> None:
    """Drops by the step count from the end of the warm-up, those by validations from the start."""
    one = recipe(schedule=schedule, steps=400, warmup=8, drop_every=100, factor=0.5, lr=1e-3)
    bad = [1.0] * 5
    assert [share_at(one, step, bad) for step in range(8)] == [k / 8 for k in range(1, 9)]
    assert share_at(one, 8) == 1.0
    want = {"constant": 1.0, "step": 1.0, "plateau": 0.5, "cosine": 0.87}
    assert share_at(one, 107, bad) == pytest.approx(want[schedule], abs=0.02)
    want |= {"step": 0.5}
    assert share_at(one, 108, bad) == pytest.approx(want[schedule], abs=0.02)
    assert share_at(recipe(schedule=schedule, steps=4, warmup=100), 3) == 0.04  # it is all of it


@given(
    st.sampled_from(["cosine", "constant", "one-cycle", "step", "plateau"]),
    st.integers(1, 50),
    st.integers(0, 60),
    st.integers(0, 49),
)
def test_no_share_is_below_nothing_or_above_all(
    schedule: str, steps: int, warmup: int, step: int
) -> None:
    one = recipe(schedule=schedule, steps=steps, warmup=warmup, lr_floor=0.0, drop_every=3)
    assert 0 < share_at(one, min(step, steps - 1), [1.0] * step) <= 1
