"""The one training loop, on Lightning Fabric: any net, any losses, a critic, one machine or many.

kolorit train RECIPE          one process
fabric run / torchrun ...     the same loop on many devices
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException

from kolorit.errors import DeviceUnavailable, KoloritError, TrainingDiverged
from kolorit.training.checkpoint import keep_best, not_finite, save_checkpoint
from kolorit.training.data import train_batches
from kolorit.training.metrics_log import Row, append, progress_line, write_csv
from kolorit.training.optimiser import set_rates
from kolorit.training.recipe import Recipe
from kolorit.training.run import Run, average, begin, last_checkpoint, state_of, values_of
from kolorit.training.schedule import share_at
from kolorit.training.store import Store, open_recipe_store
from kolorit.training.update import update
from kolorit.training.validate import save_grid, validate

Say = Callable[[str], None]


def train(
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    accelerator: str = "auto",
    devices: int | str = "auto",
    say: Say = print,
) -> Path:
    """Train a recipe into the folder ``out`` and return the path of the best checkpoint.

    out/ gets recipe.json, skipped.jsonl, metrics.jsonl and .csv, grids/, last and best.safetensors.
    ``resume`` goes on from the last checkpoint; the result is then what one straight run gives.
    Raises ConfigInvalid for a folder that holds a run, or none to resume, TrainingDiverged when the
    loss is no longer a number.
    """
    fabric = start_fabric(recipe, out, accelerator, devices)
    before = last_checkpoint(out, recipe, resume)
    store = open_for_all(fabric, recipe, out, say)
    run = begin(fabric, recipe, store, before, out)
    try:
        take_steps(fabric, run, recipe, store, out, say)
    except (KeyboardInterrupt, SystemExit):  # Ctrl-C, and SIGTERM as the command line hands it on
        if fabric.is_global_zero:
            say(where_it_stands(run))
        raise
    for logger in fabric.loggers:
        logger.finalize("success")
    return out / "best.safetensors"


def take_steps(fabric: Fabric, run: Run, recipe: Recipe, store: Store, out: Path, say: Say) -> None:
    """Every step that is left, with what is logged, shown, judged and saved between them."""
    began, waiting = time.monotonic(), 0.0
    batches = train_batches(store, recipe, run.start, fabric.global_rank, fabric.world_size)
    for step, (batch, waited) in enumerate(batches, run.start):
        done, share = step + 1, share_at(recipe, step, values_of(run, recipe))
        set_rates(run.optimiser, share)
        torch.manual_seed(hash((recipe.seed, step, fabric.global_rank)) % 2**63)
        parts, taken = update(fabric, run, recipe, batch.to(fabric.device), step)
        if not taken:
            save_last(fabric, run, recipe, out, step, taken=False)
        average(run.averaged, run.net, min(recipe.ema, done / (done + 9)))
        run.done = done

        waiting += waited
        if due(done, recipe.log_every, recipe):
            seconds = time.monotonic() - began
            row = {"step": done, **{k: round(v.item(), 6) for k, v in parts.items()}}
            row |= {
                "lr": recipe.lr * share,
                "seconds": round(seconds, 2),
                "images_per_second": round((done - run.start) * recipe.batch / seconds, 2),
                "waiting": round(waiting / seconds, 4),
            }
            tell(fabric, out, row, progress_line(row, recipe.steps, start=run.start), say)
        if due(done, recipe.grid_every, recipe) and fabric.is_global_zero:
            path = out / "grids" / f"step-{done:06d}.jpg"
            save_grid(run.averaged, recipe, store, fabric.device, path)
        if validating := due(done, recipe.validate_every, recipe):
            look(fabric, run, recipe, store, out, done, say)
        if validating or due(done, recipe.save_every, recipe):
            save_last(fabric, run, recipe, out, done)


def where_it_stands(run: Run) -> str:
    """For people who stopped a run: how far it was, and what becomes of it."""
    onwards = f"on from step {run.saved}" if run.saved else "back to the beginning"
    return f"stopped at step {run.done}; the same command with --resume goes {onwards}"


def start_fabric(recipe: Recipe, out: Path, accelerator: str, devices: int | str) -> Fabric:
    """Lightning Fabric for this run, its processes started; DeviceUnavailable where it cannot."""
    loggers: list[Any] = []
    if recipe.tensorboard:
        from lightning_fabric.loggers.tensorboard import TensorBoardLogger

        try:
            loggers = [TensorBoardLogger(out, name="", version="tensorboard")]
        except ModuleNotFoundError as error:
            remedy = "pip install tensorboardX, or tensorboard = false."
            raise DeviceUnavailable("TensorBoard is not installed", remedy=remedy) from error
    nodes = 1
    if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun has begun as many processes as it was told
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
    try:
        fabric = Fabric(
            accelerator=accelerator,
            devices=devices,
            num_nodes=nodes,
            precision=recipe.precision,  # type: ignore[arg-type]
            loggers=loggers,
        )
    except (MisconfigurationException, RuntimeError, TypeError, ValueError) as error:
        remedy = "Ask for devices that there are; without --devices all are used."
        raise DeviceUnavailable(f"training cannot run here: {error}", remedy=remedy) from error
    if "LT_CLI_USED" not in os.environ:  # `fabric run` has launched the processes
        fabric.launch()
    return fabric


def open_for_all(fabric: Fabric, recipe: Recipe, out: Path, say: Say) -> Store:
    """The store, made by the first process; what goes wrong there goes wrong on all of them."""
    problem: KoloritError | None = None
    if fabric.is_global_zero:
        try:
            open_recipe_store(recipe, out, say=say)
        except KoloritError as error:
            problem = error
    problem = fabric.broadcast(problem)
    if problem is not None:
        raise problem
    return open_recipe_store(recipe, out)


def due(done: int, every: int, recipe: Recipe) -> bool:
    """Whether something that comes every so many steps, and at the end, comes now."""
    return done % every == 0 or done == recipe.steps


def look(
    fabric: Fabric, run: Run, recipe: Recipe, store: Store, out: Path, done: int, say: Say
) -> None:
    """Validate the averaged weights, on one process for all, and keep them if they are the best."""
    row: Row = {}
    if fabric.is_global_zero:
        values = validate(run.averaged, recipe, store, run.losses, fabric.device)
        row = {"step": done, **values}
    row = fabric.broadcast(row)
    run.history.append(row)
    if fabric.is_global_zero:
        state = state_of(run, recipe, done, whole=False)
        best = keep_best(out, state, values_of(run, recipe), recipe.keep)
        tell(fabric, out, row, progress_line(row, recipe.steps, best=best), say)
        write_csv(out / "metrics.jsonl")


def save_last(
    fabric: Fabric, run: Run, recipe: Recipe, out: Path, done: int, *, taken: bool = True
) -> None:
    """Write what --resume goes on from; after each validation too, so that it knows the best.

    taken: False where the next step could not be taken. Raises TrainingDiverged then, and where a
    weight is no number; the checkpoint of before stays in that case.
    """
    path, state = out / "last.safetensors", state_of(run, recipe, done)
    finite = not_finite(state) is None
    if finite and fabric.is_global_zero:
        save_checkpoint(path, state)
        run.saved = done
    fabric.barrier()
    if not (finite and taken):
        what = "the loss or its gradient is" if finite else "the weights are"
        there = path.exists()
        raise TrainingDiverged(
            f"at step {done + 1 - taken} {what} no longer a number",
            file=path if there else out,
            remedy=f"{'Go on with --resume' if there else 'Begin anew'} and a smaller lr or clip.",
        )


def tell(fabric: Fabric, out: Path, row: Row, line: str, say: Say) -> None:
    """A row for the log, for TensorBoard where it is on, and for the reader."""
    if fabric.is_global_zero:
        append(out / "metrics.jsonl", row)
        fabric.log_dict({k: v for k, v in row.items() if k != "step"}, row["step"])
        for logger in fabric.loggers:
            logger.save()
        say(line)
