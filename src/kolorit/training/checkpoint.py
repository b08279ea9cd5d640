"""Checkpoints: one safetensors file with everything that a run needs to go on, no pickle."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kolorit.errors import CheckpointRefused


@dataclass(frozen=True)
class Checkpoint:
    """step: steps done. net, ema: state dicts. optimiser: its tensors. recipe: JSON text."""

    step: int
    net: dict[str, Tensor]
    ema: dict[str, Tensor]
    optimiser: dict[str, Tensor]
    recipe: str


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write atomically: a killed run leaves the old file or the new one."""
    tensors = {
        f"{part}/{name}": tensor.detach().cpu().contiguous().clone()
        for part in ("net", "ema", "optimiser")
        for name, tensor in getattr(checkpoint, part).items()
    }
    temp = path.with_name(f".{path.name}.tmp")
    save_file(tensors, temp, {"step": json.dumps(checkpoint.step), "recipe": checkpoint.recipe})
    with temp.open("rb") as handle:
        os.fsync(handle.fileno())
    temp.replace(path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; CheckpointRefused for anything else."""
    parts: dict[str, dict[str, Tensor]] = {"net": {}, "ema": {}, "optimiser": {}}
    try:
        with safe_open(path, "pt") as file:
            meta = file.metadata() or {}
            for key in file.keys():
                part, _, name = key.partition("/")
                parts[part][name] = file.get_tensor(key)
        step, recipe = int(json.loads(meta["step"])), meta["recipe"]
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CheckpointRefused(f"this is no checkpoint of Kolorit: {error}", file=path) from error
    return Checkpoint(step, parts["net"], parts["ema"], parts["optimiser"], recipe)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state as flat tensors: "index.name"."""
    state = optimiser.state_dict()["state"]
    return {
        f"{i}.{name}": torch.as_tensor(value)
        for i, slots in state.items()
        for name, value in slots.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put ``optimiser_tensors`` back."""
    whole = optimiser.state_dict()
    whole["state"] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        whole["state"].setdefault(int(index), {})[name] = value
    optimiser.load_state_dict(whole)
