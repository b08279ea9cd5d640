"""Checkpoints: one safetensors file with everything that a run needs to go on, no pickle.

RUN/last.safetensors        all of it; --resume goes on from here
RUN/best.safetensors        the averaged weights of the best validation so far
RUN/top-000500.safetensors  those of the best few, as many as the recipe keeps
"""

from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from kolorit.errors import CheckpointRefused, OutputUnwritable

PARTS = ("net", "ema", "optimiser", "critic", "critic_optimiser")
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """step: steps done. recipe: JSON text. history: the validations so far.

    The rest are tensors by name: the network, its average, the critic, and both optimisers' state.
    """

    step: int
    recipe: str
    ema: Tensors
    net: Tensors = field(default_factory=dict)
    optimiser: Tensors = field(default_factory=dict)
    critic: Tensors = field(default_factory=dict)
    critic_optimiser: Tensors = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    ranges: dict[str, list[float]] = field(default_factory=dict)


_META = tuple(f.name for f in fields(Checkpoint) if f.name not in (*PARTS, "recipe"))


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write atomically: a killed run, or a full disk, leaves the old file or the new one.

    The file is made in a folder of its own, which safetensors leaves a part in when it is killed;
    the next save takes that away. Raises OutputUnwritable.
    """
    tensors = {
        f"{part}/{name}": tensor.detach().cpu().contiguous().clone()
        for part in PARTS
        for name, tensor in getattr(checkpoint, part).items()
    }
    meta = {name: json.dumps(getattr(checkpoint, name)) for name in _META}
    meta |= {"recipe": checkpoint.recipe, "tensors": str(len(tensors))}
    folder = path.with_name(f".{path.name}.new")
    temp = folder / path.name
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        save_file(tensors, temp, meta)
        temp.chmod(folder.stat().st_mode & 0o666)  # as open() would have made it
        with temp.open("rb+") as handle:
            os.fsync(handle.fileno())
        temp.replace(path)
    except (OSError, SafetensorError) as error:
        raise OutputUnwritable(
            f"the checkpoint cannot be written: {error}",
            file=path,
            remedy="Free some space and go on with --resume: the checkpoint of before is whole.",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; CheckpointRefused for anything else, and for numbers that are none."""
    parts: dict[str, Any] = {part: {} for part in PARTS}
    try:
        with safe_open(path, "pt") as file:
            meta = file.metadata() or {}
            if lacks := [name for name in (*_META, "recipe", "tensors") if name not in meta]:
                raise ValueError(f"it does not say its {lacks[0]}")
            for key in file.keys():
                part, _, name = key.partition("/")
                if part not in parts:
                    raise ValueError(f"it holds a part '{part}'")
                parts[part][name] = file.get_tensor(key)
        values = {name: json.loads(meta[name]) for name in _META}
        if (found := sum(map(len, parts.values()))) != int(meta["tensors"]):
            raise ValueError(f"it holds {found} tensors of {meta['tensors']}")
        _check_kinds(values)
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise CheckpointRefused(f"this is no checkpoint of Kolorit: {error}", file=path) from error
    checkpoint = Checkpoint(recipe=meta["recipe"], **parts, **values)
    if broken := not_finite(checkpoint):
        raise CheckpointRefused(f"{broken} holds what is no number", file=path)
    return checkpoint


def not_finite(checkpoint: Checkpoint) -> str | None:
    """The first tensor of a checkpoint with a NaN or an infinite number in it, or None."""
    for part in PARTS:
        for name, tensor in getattr(checkpoint, part).items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                return f"{part}/{name}"
    return None


def _check_kinds(values: dict[str, Any]) -> None:
    """ValueError unless step, history and ranges are what ``save_checkpoint`` writes."""
    if type(values["step"]) is not int or values["step"] < 0:
        raise ValueError(f"its step is {values['step']!r}")
    rows = values["history"]
    if not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
        raise ValueError("its history is of another kind")
    for row in rows:
        if "step" not in row or not all(type(v) in (int, float) for v in row.values()):
            raise ValueError("its history is of another kind")
    if not isinstance(values["ranges"], dict):
        raise ValueError("its ranges are of another kind")


def fill(module: nn.Module, tensors: Tensors, file: Path) -> None:
    """Put tensors into a module; CheckpointRefused unless names, shapes and kinds are its own."""
    own = module.state_dict()
    for name in sorted(own.keys() ^ tensors.keys()):
        raise CheckpointRefused(f"its weights are of another network: {name}", file=file)
    for name, tensor in tensors.items():
        if (tensor.shape, tensor.dtype) != (own[name].shape, own[name].dtype):
            raise CheckpointRefused(f"{name} is {tensor.dtype} {tuple(tensor.shape)}", file=file)
    module.load_state_dict(tensors)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> Tensors:
    """The optimiser's state as flat tensors: "index.name"."""
    state = optimiser.state_dict()["state"]
    return {
        f"{i}.{name}": torch.as_tensor(value)
        for i, slots in state.items()
        for name, value in slots.items()
        if value is not None
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Tensors, file: Path) -> None:
    """Put ``optimiser_tensors`` back; CheckpointRefused when they are of other parameters."""
    whole = optimiser.state_dict()
    state: dict[int, Tensors] = {}
    whole["state"] = state
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        known = index.isdigit() and int(index) < len(parameters)
        if not known or not _fits(value, parameters[int(index)]):
            raise CheckpointRefused(f"its optimiser is of another network: {key}", file=file)
        if value.shape == parameters[int(index)].shape:  # and laid out alike: channels last
            value = torch.empty_like(parameters[int(index)], device="cpu").copy_(value)
        state.setdefault(int(index), {})[name] = value
    kinds = {(parameters[i].ndim, frozenset(slots)) for i, slots in state.items()}
    if len(kinds) > len({ndim for ndim, _ in kinds}):
        raise CheckpointRefused("a part of its optimiser is missing", file=file)
    optimiser.load_state_dict(whole)


def _fits(value: Tensor, parameter: Tensor) -> bool:
    """Whether an optimiser can keep this of a parameter: a number, its shape, or means along it."""
    if not value.ndim:
        return True
    sides = zip(value.shape, parameter.shape, strict=False)
    return (
        value.dtype == parameter.dtype
        and value.ndim == parameter.ndim
        and all(side in (1, full) for side, full in sides)
    )


def keep_best(out: Path, checkpoint: Checkpoint, values: list[float], keep: int = 0) -> bool:
    """Whether the last of ``values`` is the least so far; if so it is written as the best.

    values: the validations so far, the last one of this checkpoint; what is no number is worse
    than any. keep: of how many best ones a top file is kept as well; others are removed.
    """
    values = [v if math.isfinite(v) else math.inf for v in values]
    best = all(values[-1] < before for before in values[:-1])
    if best:
        save_checkpoint(out / "best.safetensors", checkpoint)
    steps = [row["step"] for row in checkpoint.history]
    top = [step for _, step in sorted(zip(values, steps, strict=True))[:keep]]
    if checkpoint.step in top:
        save_checkpoint(out / f"top-{checkpoint.step:06d}.safetensors", checkpoint)
    for old in out.glob("top-*.safetensors"):
        if old.name not in {f"top-{step:06d}.safetensors" for step in top}:
            old.unlink()
    return best
