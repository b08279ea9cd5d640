"""The state of a run: network, average, optimiser, critic and history, new or from a checkpoint."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kolorit.errors import CheckpointRefused, ConfigInvalid, OutputUnwritable
from kolorit.picture.save import remove_leftovers, save
from kolorit.training.adversary import build_critic, critic_optimiser
from kolorit.training.as_run import REACH
from kolorit.training.build import MISFITS, Losses, build_net, make_losses
from kolorit.training.checkpoint import (
    Checkpoint,
    fill,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
)
from kolorit.training.data import Batch
from kolorit.training.losses import weigh
from kolorit.training.metrics_log import Row, cut
from kolorit.training.optimiser import make_optimiser
from kolorit.training.recipe import Recipe
from kolorit.training.recipe_file import recipe_from_json
from kolorit.training.store import Store

_LATER = (  # keys that may change when a run goes on
    *("name", "steps", "lr", "encoder_lr", "clip", "keep", "tensorboard"),
    *("log_every", "save_every", "validate_every", "grid_every", "size", "looks", "about"),
)


@dataclass
class Run:
    """What changes while it trains.

    net and critic are bare, model and judge the same as Fabric runs them; averaged is the moving
    average of net that is validated and exported. history: the validations. start: the steps of
    the sittings before this one; done: all so far; saved: those that --resume need not repeat.
    """

    net: nn.Module
    model: Any
    optimiser: Any
    averaged: nn.Module
    losses: Losses
    critic: nn.Module | None
    judge: Any
    critic_optimiser: Any
    history: list[Row]
    start: int = 0
    done: int = 0
    saved: int = 0


def begin(fabric: Any, recipe: Recipe, store: Store, before: Checkpoint | None, out: Path) -> Run:
    """Everything that a run needs, new or from a checkpoint; what can fail fails here.

    fabric: Lightning's Fabric, which loop.py makes.
    """
    if recipe.batch % (fabric.world_size * recipe.accumulate):
        parts = f"{fabric.world_size} processes in {recipe.accumulate} parts"
        raise ConfigInvalid(f"batch = {recipe.batch} cannot be shared by {parts}")
    last = out / "last.safetensors"
    fabric.seed_everything(recipe.seed, verbose=False)
    net = build_net(recipe, weights=before is None)
    net = net.to(memory_format=torch.channels_last)
    averaged = copy.deepcopy(net).eval().requires_grad_(False).to(fabric.device)
    least = min((*recipe.crops, *recipe.final_crops))
    critic = build_critic(recipe.adversary, least) if recipe.adversary else None
    losses = make_losses(recipe, store)
    _try_crops(averaged, losses, recipe, fabric.device)
    _try_part(averaged, recipe, fabric.world_size, fabric.device)
    if before is not None:
        fill(net, before.net, last)
        fill(averaged, before.ema, last)
    model, optimiser = fabric.setup(net, make_optimiser(net, recipe))
    run = Run(net, model, optimiser, averaged, losses, critic, None, None, [])
    if critic is not None and recipe.adversary is not None:
        if before is not None:
            fill(critic, before.critic, last)
        judges = critic_optimiser(critic, recipe.adversary)
        run.judge, run.critic_optimiser = fabric.setup(critic, judges)
        run.judge.train()
    if before is not None:
        restore_optimiser(optimiser, before.optimiser, last)
        if run.critic_optimiser is not None:
            restore_optimiser(run.critic_optimiser, before.critic_optimiser, last)
        run.history, run.start = before.history, before.step
        run.done = run.saved = before.step
    model.train()
    if fabric.is_global_zero:
        _prepare_folder(out, recipe, run, store)
    return run


def state_of(run: Run, recipe: Recipe, done: int, *, whole: bool = True) -> Checkpoint:
    """The run as a checkpoint; without ``whole`` only what is validated and exported."""
    few = Checkpoint(
        step=done,
        recipe=json.dumps(asdict(recipe)),
        ema=run.averaged.state_dict(),
        history=run.history,
        ranges=ranges_of(recipe),
    )
    if not whole:
        return few
    critic = run.critic is not None
    return replace(
        few,
        net=run.net.state_dict(),
        optimiser=optimiser_tensors(run.optimiser),
        critic=run.critic.state_dict() if run.critic is not None else {},
        critic_optimiser=optimiser_tensors(run.critic_optimiser) if critic else {},
    )


def ranges_of(recipe: Recipe) -> dict[str, list[float]]:
    """Least and largest of what the network is given and asked for in training."""
    if recipe.lab == "as-run":
        return {"L": [-70.0, 100.0], "ab": [-REACH, REACH], "mask": [0.0, 0.0]}
    return {"L": [0.0, 100.0], "ab": [-110.0, 110.0], "mask": [0.0, 1.0]}


def values_of(run: Run, recipe: Recipe) -> list[float]:
    """The validations so far by the value that decides."""
    return [row[f"val_{recipe.best_by}"] for row in run.history]


def average(averaged: nn.Module, net: nn.Module, keep: float) -> None:
    """Move the exponential moving average of the weights towards the network's, in place."""
    with torch.no_grad():
        own = averaged.state_dict()
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                own[name].lerp_(value, 1 - keep)
            else:
                own[name].copy_(value)


def last_checkpoint(out: Path, recipe: Recipe, resume: bool) -> Checkpoint | None:
    """The checkpoint to go on from, or None for a new run.

    A run that was killed before its first checkpoint goes on from its beginning. Raises
    ConfigInvalid for a folder that holds a run, or none to resume, and for a recipe that is not
    that of the run; CheckpointRefused for a broken one and for that of another network.
    """
    if out.exists() and not out.is_dir():
        raise OutputUnwritable("a run's folder is wanted, and this is a file", file=out)
    path = out / "last.safetensors"
    begun = path.exists() or (out / "metrics.jsonl").exists()
    if not resume:
        if begun:
            remedy = "Pass --resume or another folder."
            raise ConfigInvalid("this folder holds a run already", file=out, remedy=remedy)
        return None
    if not path.exists():
        if begun or (out / "recipe.json").exists():
            return None
        remedy = "Leave out --resume to begin a run here."
        raise ConfigInvalid("there is no run to go on with", file=out, remedy=remedy)
    checkpoint = load_checkpoint(path)
    before, now = asdict(recipe_of(checkpoint, path)), asdict(recipe)
    for key in ("net", "net_config"):
        if before[key] != now[key]:
            raise CheckpointRefused(f"it holds a {before['net']} of another shape", file=path)
    for key in now:
        if now[key] != before[key] and key not in _LATER:
            remedy = (
                f"It was {before[key]!r}. Or begin a new run, from this one by --set start={out}."
            )
            raise ConfigInvalid(f"{key} has changed since", file=path, remedy=remedy)
    if any(f"val_{recipe.best_by}" not in row for row in checkpoint.history):
        raise CheckpointRefused(f"its validations lack {recipe.best_by}", file=path)
    return checkpoint


def recipe_of(checkpoint: Checkpoint, path: Path) -> Recipe:
    """The recipe that a checkpoint carries; CheckpointRefused where it is not one of today's."""
    try:
        return recipe_from_json(checkpoint.recipe, path)
    except (ConfigInvalid, RecursionError) as error:
        raise CheckpointRefused(f"its recipe is of another version: {error}", file=path) from error


def _try_part(net: nn.Module, recipe: Recipe, ranks: int, device: torch.device) -> None:
    """The smallest part of a batch that the network learns from: ConfigInvalid where it cannot.

    Norms over a batch need more than one value a channel.
    """
    px = min((*recipe.crops, *recipe.final_crops))
    part = recipe.batch // ranks // recipe.accumulate
    zeros = torch.zeros(min(part, 2), 4, px, px, device=device)
    try:
        copy.deepcopy(net).train()(zeros[:, :1], zeros[:, 1:])
    except MISFITS as error:
        remedy = "Use larger crops, or more pictures in each part of a batch."
        raise ConfigInvalid(
            f"parts of {part} pictures of {px} px: {error}", remedy=remedy
        ) from error


@torch.no_grad()
def _try_crops(net: nn.Module, losses: Losses, recipe: Recipe, device: torch.device) -> None:
    """A grey picture of each size that crops have: ConfigInvalid where net or losses fail on it."""
    reach = REACH if recipe.lab == "as-run" else 110.0
    for px in sorted({*recipe.crops, *recipe.final_crops}):
        zeros = torch.zeros(1, 3, px, px, device=device)
        batch = Batch(zeros[:, :1] + 50, zeros, zeros[:, 1:], reach)
        try:
            answer = net(batch.L, batch.hints)
            if answer["ab"].shape != batch.ab.shape:
                cause = f"the network answers crops of {px} px with {answer['ab'].shape[-1]} px"
                raise ConfigInvalid(cause, remedy="Use multiples of 32.")
            weigh(losses, recipe.losses, answer, batch)
        except MISFITS as error:
            raise ConfigInvalid(f"this cannot work with crops of {px} px: {error}") from error


def _prepare_folder(out: Path, recipe: Recipe, run: Run, store: Store) -> None:
    """The run's folder with its recipe and the photographs left out, and room for checkpoints."""
    one = _bytes(run.net)
    whole = 4 * one + (3 * _bytes(run.critic) if run.critic is not None else 0)  # Adam keeps two
    needed = 2 * whole + (1 + recipe.keep) * one  # last twice while it is written, best, top
    try:
        out.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out)
        for left in out.glob(".*.safetensors.new"):  # a killed run's, see save_checkpoint
            shutil.rmtree(left, ignore_errors=True)
        there = sum(file.stat().st_size for file in out.glob("*.safetensors"))
        free = shutil.disk_usage(out).free + there  # those will be written over
    except OSError as error:
        cause = f"the run's folder cannot be written: {error.strerror}"
        raise OutputUnwritable(cause, file=out) from error
    if free < needed:
        cause = f"the checkpoints need {needed / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free"
        raise OutputUnwritable(cause, file=out)
    save(json.dumps(asdict(recipe), indent=1).encode(), out / "recipe.json", overwrite=True)
    skipped = [json.dumps({"file": file, "why": why}) + "\n" for file, why in store.skipped]
    save("".join(skipped).encode(), out / "skipped.jsonl", overwrite=True)
    cut(out / "metrics.jsonl", run.start)


def _bytes(module: nn.Module) -> int:
    return sum(t.numel() * t.element_size() for t in module.state_dict().values())
