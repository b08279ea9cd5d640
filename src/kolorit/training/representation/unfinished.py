"""A pretext that is not taught to its end: how far it is, in a file from which it goes on.

All that is random in a step is drawn from its seed and number, so the weights at the end are those
of a run that was never stopped.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kolorit.errors import CheckpointRefused
from kolorit.training.checkpoint import (
    Checkpoint,
    fill,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    save_checkpoint,
)

EVERY = 120.0  # seconds between two savings


@dataclass
class Progress:
    """step: steps done; kept: the weights of the least loss ``best``, where one is looked for."""

    step: int = 0
    seconds: float = 0.0
    log: list[dict[str, Any]] = field(default_factory=list)
    best: float = math.inf
    kept: dict[str, Tensor] = field(default_factory=dict)


def save_progress(
    path: Path, progress: Progress, net: nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    """Write all of it, whole or not at all."""
    words = {k: v for k, v in vars(progress).items() if k != "kept"}
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint(
        step=progress.step,
        recipe=json.dumps(words),
        ema=progress.kept,
        net=net.state_dict(),
        optimiser=optimiser_tensors(optimiser),
    )
    save_checkpoint(path, checkpoint)


def restore_progress(path: Path, net: nn.Module, optimiser: torch.optim.Optimizer) -> Progress:
    """Put network and optimiser where the file says they were; nothing done where there is none.

    Raises CheckpointRefused for another file, or one of another network.
    """
    if not path.exists():
        return Progress()
    try:
        found = load_checkpoint(path)
        progress = Progress(**json.loads(found.recipe), kept=found.ema)
        fill(net, found.net, path)
        restore_optimiser(optimiser, found.optimiser, path)
    except (CheckpointRefused, ValueError, TypeError) as error:
        raise CheckpointRefused(
            f"an unfinished pretext cannot go on: {error}",
            file=path,
            remedy="Take the file away; the pretext then begins anew.",
        ) from error
    return progress
