"""training/update.py: whose weights move in a step, by how much, and when not at all."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from kolorit.errors import TrainingDiverged
from kolorit.training import loop
from kolorit.training.checkpoint import load_checkpoint
from kolorit.training.data import Batch

from .conftest import Make, rows_of, run_quietly

Tensors = dict[str, torch.Tensor]

PLAIN = (  # weights move by rate times gradient
    "optimiser=sgd",
    "optimiser_options={momentum=0.0, nesterov=false}",
    "weight_decay=0.0",
    "schedule=constant",
    "warmup=0",
    "clip=1e9",
    "ema=0.0",
    "crops=[32]",
)
NO_NORM = 'net_config={base=2, norm="none"}'


def adversary(**more: object) -> str:
    table = {"loss": '"hinge"', "weight": 1.0, "alone": 1, "joint": 1} | more
    table = {"critic_config": '{norm="instance", base=4}'} | table
    return "adversary={" + ", ".join(f"{k}={v}" for k, v in table.items()) + "}"


@dataclass
class Step:
    """What one call of ``update`` saw and did."""

    before: Tensors
    after: Tensors
    critic_before: Tensors
    critic_after: Tensors
    shown: dict[str, float]
    taken: bool


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """Every step of the runs of a test."""
    seen: list[Step] = []
    update = loop.update

    def spy(fabric: Any, run: Any, *rest: Any) -> tuple[Tensors, bool]:
        def state(module: torch.nn.Module | None) -> Tensors:
            return copy.deepcopy(dict(module.state_dict())) if module is not None else {}

        before, critic_before = state(run.net), state(run.critic)
        shown, taken = update(fabric, run, *rest)
        numbers = {name: value.item() for name, value in shown.items()}
        seen.append(Step(before, state(run.net), critic_before, state(run.critic), numbers, taken))
        return shown, taken

    monkeypatch.setattr(loop, "update", spy)
    return seen


def same(one: Tensors, other: Tensors) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def last_net(out: Path) -> Tensors:
    return load_checkpoint(out / "last.safetensors").net


def trained(recipe: Any, out: Path) -> Tensors:
    run_quietly(recipe, out)
    return last_net(out)


# parts of a batch


@pytest.fixture
def plain_critic(monkeypatch: pytest.MonkeyPatch) -> None:
    """The critic's weights too move by rate times gradient: Adam hides a factor."""
    monkeypatch.setattr(
        "kolorit.training.run.critic_optimiser",
        lambda critic, adversary: torch.optim.SGD(critic.parameters(), adversary.lr),
    )


@pytest.mark.parametrize("critic", [(), (adversary(alone=0, lr=0.1),)])
def test_parts_of_a_batch_give_the_gradient_of_the_whole(
    small: Make, tmp_path: Path, critic: tuple[str, ...], plain_critic: None
) -> None:
    changes = (*PLAIN, NO_NORM, "steps=3", "lr=1e-5", "encoder_lr=1e-5", *critic)
    run_quietly(small(*changes), tmp_path / "whole")
    run_quietly(small(*changes, "accumulate=2"), tmp_path / "parts")
    files = [load_checkpoint(tmp_path / k / "last.safetensors") for k in ("whole", "parts")]
    for part in ("net", "critic"):
        whole, parts = (getattr(file, part) for file in files)
        for name, value in whole.items():
            torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-6, msg=name)
    shown = [rows_of(tmp_path / k)[2] for k in ("whole", "parts")]
    assert shown[0] == pytest.approx(shown[1], rel=1e-4)
    # and the comparison sees a factor of two
    run_quietly(small(*changes, "lr=2e-5", "encoder_lr=2e-5"), tmp_path / "double")
    double, whole = last_net(tmp_path / "double"), files[0].net
    assert (double["ab.bias"] - whole["ab.bias"]).abs().max() > 1e-3


# what the losses and penalties reach


def test_a_weight_of_nought_is_no_loss(small: Make, tmp_path: Path) -> None:
    changes = ("steps=2", "validate_every=2")
    one = trained(small(*changes), tmp_path / "one")
    other = trained(small(*changes, "losses={l2=1.0, l1=0.0}"), tmp_path / "other")
    assert same(one, other)
    assert "l1" not in rows_of(tmp_path / "other")[0]
    both = trained(small(*changes, "losses={l2=1.0, l1=9.0}"), tmp_path / "both")
    assert not same(one, both)


def test_losses_are_added_by_their_weights(small: Make, tmp_path: Path) -> None:
    run_quietly(small("steps=1", "losses={l2=0.5, l1=3.0}"), tmp_path / "run")
    row = rows_of(tmp_path / "run")[0]
    assert row["total"] == pytest.approx(0.5 * row["l2"] + 3 * row["l1"], rel=1e-5)


def test_a_penalty_reaches_the_weights(small: Make, tmp_path: Path) -> None:
    """Of the sum of squares the gradient is twice the weight."""
    changes = (*PLAIN, "steps=1", "lr=0.01", "encoder_lr=0.01")
    start = trained(small(*changes, "lr=1e-12", "encoder_lr=1e-12"), tmp_path / "start")
    without = trained(small(*changes), tmp_path / "without")
    with_it = trained(small(*changes, "penalties={kernel_l2=0.1}"), tmp_path / "with")
    for name in ("down.0.0.weight", "down.3.3.weight"):
        pulled = without[name] - with_it[name]
        torch.testing.assert_close(pulled, 0.01 * 0.1 * 2 * start[name], rtol=1e-3, atol=1e-6)
    row = rows_of(tmp_path / "with")[0]
    kernels = [v for k, v in start.items() if k.endswith("weight") and v.ndim == 4]
    assert row["kernel_l2"] == pytest.approx(sum(float((v**2).sum()) for v in kernels), rel=1e-4)
    assert row["total"] == pytest.approx(row["l2"] + 0.1 * row["kernel_l2"], rel=1e-5)


def test_the_gradient_is_clipped(small: Make, tmp_path: Path, steps: list[Step]) -> None:
    run_quietly(small(*PLAIN, "steps=2", "lr=1.0", "encoder_lr=1.0", "clip=0.001"), tmp_path / "r")
    for step in steps:
        moves = [step.after[k] - v for k, v in step.before.items() if "running" not in k]
        norm = torch.cat(
            [move.float().flatten() for move in moves if move.is_floating_point()]
        ).norm()
        assert norm == pytest.approx(0.001, rel=0.01)


@pytest.mark.parametrize("losses", ["losses={smooth_l1=1.0}", "losses={classification=1.0}"])
def test_every_weight_gets_a_gradient(
    shards: Path, tiny_recipe: Path, tmp_path: Path, losses: str
) -> None:
    """Several processes wait for each; here one loss looks at one of two outputs."""
    from kolorit.training.build import build_net
    from kolorit.training.recipe_file import load_recipe

    recipe = load_recipe(str(tiny_recipe), (losses, "steps=1", "grid_every=9"))
    run_quietly(recipe, tmp_path / "run")
    kept = load_checkpoint(tmp_path / "run" / "last.safetensors").optimiser
    count = sum(p.requires_grad for p in build_net(recipe, weights=False).parameters())
    assert {key.partition(".")[0] for key in kept} == {str(k) for k in range(count)}


# the critic


def test_who_learns_when(small: Make, tmp_path: Path, steps: list[Step]) -> None:
    """Two steps the network alone, then rounds: two of the critic alone, one of both."""
    run_quietly(small("steps=8", adversary(begin=2, alone=2, joint=1)), tmp_path / "run")
    weights = [name for name in steps[0].before if "running" not in name and "num_" not in name]
    for k, step in enumerate(steps):
        net = any(not torch.equal(step.before[n], step.after[n]) for n in weights)
        critic = not same(step.critic_before, step.critic_after)
        assert (net, critic) == (k in (0, 1, 4, 7), k >= 2), k
        assert ("l2" in step.shown, "critic" in step.shown) == (net, critic)
        assert ("fooling" in step.shown) == (net and critic)
        assert step.taken


def test_the_critic_pulls_at_the_network(small: Make, tmp_path: Path) -> None:
    changes = (*PLAIN, "steps=2", "lr=1e-4", "encoder_lr=1e-4")
    strong = trained(small(*changes, adversary(alone=0, weight=100.0)), tmp_path / "strong")
    weak = trained(small(*changes, adversary(alone=0, weight=0.0)), tmp_path / "weak")
    without = trained(small(*changes), tmp_path / "without")
    for name, value in without.items():
        torch.testing.assert_close(weak[name], value, rtol=1e-5, atol=1e-7)
    assert (strong["ab.bias"] - without["ab.bias"]).abs().max() > 1e-5


@pytest.mark.parametrize("change", [(adversary(alone=0, weight=100.0),), ("clip=0.001",)])
def test_only_its_lesson_teaches_the_critic(
    small: Make, tmp_path: Path, change: tuple[str, ...], plain_critic: None
) -> None:
    """Not the gradient that it got while it was asked; and it is not clipped."""
    nets = []
    for name, more in (("one", ()), ("other", change)):
        run_quietly(
            small(*PLAIN, "steps=1", adversary(alone=0, weight=1.0), *more), tmp_path / name
        )
        nets.append(load_checkpoint(tmp_path / name / "last.safetensors").critic)
    assert same(*nets)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("loss", ["vanilla", "least_squares", "hinge", "wgan"])
def test_every_adversary_runs(small: Make, tmp_path: Path, loss: str, precision: str) -> None:
    more = {"gradient_penalty": 10.0} if loss == "wgan" else {}
    recipe = small(
        "steps=2", f"precision={precision}", adversary(loss=f'"{loss}"', alone=0, **more)
    )
    run_quietly(recipe, tmp_path / "run")
    assert len(rows_of(tmp_path / "run")) == 3


# a step that cannot be taken


def _nan(total: torch.Tensor) -> torch.Tensor:
    return total * float("nan")


def _infinite(total: torch.Tensor) -> torch.Tensor:
    return total + float("inf")


def _steep(total: torch.Tensor) -> torch.Tensor:
    """A finite number whose slope is none."""
    return total + (0 * total).sqrt()


FAULTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "NaN": _nan,
    "infinite": _infinite,
    "gradient": _steep,
}


def plant(patch: pytest.MonkeyPatch, fault: str, where: str, at: int) -> None:
    """A fault in the loss of the network or of the critic, at a step; or NaN in its pictures."""
    import kolorit.training.update as module

    now = [0]
    update = loop.update

    def counting(fabric: Any, run: Any, recipe: Any, batch: Batch, step: int) -> Any:
        now[0] = step + 1
        if where == "pictures" and step + 1 == at:
            batch = Batch(batch.L * float(fault), batch.hints, batch.ab, batch.reach)
        return update(fabric, run, recipe, batch, step)

    patch.setattr(loop, "update", counting)
    if where == "net":
        weigh = module.weigh

        def broken(*given: Any) -> Any:
            total, raw = weigh(*given)
            return (FAULTS[fault](total) if now[0] == at else total), raw

        patch.setattr(module, "weigh", broken)
    if where == "critic":
        lesson = module.lesson
        patch.setattr(
            module,
            "lesson",
            lambda *given: FAULTS[fault](lesson(*given)) if now[0] == at else lesson(*given),
        )


CASES = [(fault, where) for where in ("net", "critic") for fault in FAULTS]


@pytest.mark.parametrize(("fault", "where"), [*CASES, ("nan", "pictures"), ("inf", "pictures")])
def test_nothing_moves_in_a_step_that_cannot_be_taken(
    small: Make,
    tmp_path: Path,
    steps: list[Step],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    where: str,
) -> None:
    """Not the weights, not the statistics of norms, of neither; though both learn in this step."""
    norms = adversary(alone=0, critic_config='{norm="batch", base=4}')
    with monkeypatch.context() as patch:
        plant(patch, fault, where, at=2)
        with pytest.raises(TrainingDiverged):
            run_quietly(small("accumulate=2", norms), tmp_path / "run")
    assert [step.taken for step in steps] == [True, False]
    assert same(steps[1].before, steps[1].after)
    assert same(steps[1].critic_before, steps[1].critic_after)
    assert not same(steps[0].before, steps[0].after)
    assert any("running_mean" in name for name in steps[1].before)
    assert any("running_mean" in name for name in steps[1].critic_before)
