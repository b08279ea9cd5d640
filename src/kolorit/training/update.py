"""One step of training: gradients of the network, of the critic, or of both, then the update."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from kolorit.training.adversary import Phase, lesson, opinion, phase_at
from kolorit.training.data import Batch
from kolorit.training.losses import PENALTIES, weigh
from kolorit.training.recipe import Recipe
from kolorit.training.run import Run


def update(
    fabric: Any, run: Run, recipe: Recipe, batch: Batch, step: int
) -> tuple[dict[str, Tensor], bool]:
    """The raw losses of a step, and whether it was taken.

    fabric: Lightning's Fabric, which loop.py makes. Where a loss or a gradient is no number, on
    whichever process, nothing has changed afterwards.
    """
    phase, parts = phase_at(recipe.adversary, step), batch.chunks(recipe.accumulate)
    modules = [module for module in (run.net, run.critic) if module is not None]
    buffers = [buffer for module in modules for buffer in module.buffers()]  # statistics of norms
    before = [buffer.clone() for buffer in buffers]
    learning = []
    shown: dict[str, Tensor] = {}
    colours: list[Tensor] = []
    if phase != "critic":
        learning.append((run.model, run.optimiser, recipe.clip))
        shown, colours = _teach(fabric, run, recipe, parts, phase)
    if phase != "generator":
        learning.append((run.judge, run.critic_optimiser, math.inf))
        shown["critic"] = _teach_critic(fabric, run, recipe, parts, colours)
    norms = [
        fabric.clip_gradients(module, optimiser, max_norm=most, error_if_nonfinite=False)
        for module, optimiser, most in learning
    ]
    # With a scaler (16-mixed) a gradient may overflow now and then: it leaves that step out.
    scaled = getattr(fabric.strategy.precision, "scaler", None) is not None
    watched = [*shown.values(), *([] if scaled else norms)]
    finite = torch.stack([value.isfinite().all() for value in watched]).all()
    taken = bool(fabric.all_reduce(finite.float(), reduce_op="mean") == 1)
    if not taken:
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
    for _, optimiser, _ in learning:
        if taken:
            optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return shown, taken


def _teach(
    fabric: Any, run: Run, recipe: Recipe, parts: list[Batch], phase: Phase
) -> tuple[dict[str, Tensor], list[Tensor]]:
    """Leave the network's gradients; gives the raw losses and its colours (B/accumulate,2,h,w)."""
    shown: dict[str, Tensor] = {}
    colours = []
    for k, part in enumerate(parts):
        with fabric.no_backward_sync(run.model, enabled=k + 1 < len(parts)):
            answer = run.model(part.L, part.hints)
            total, raw = weigh(run.losses, recipe.losses, answer, part)
            # Every output takes part: several processes wait for the gradient of each weight.
            total = total + 0 * torch.stack([out.sum() for out in answer.values()]).sum()
            if phase == "both" and recipe.adversary is not None:
                raw["fooling"] = opinion(run.judge, recipe.adversary, part, answer["ab"])
                total = total + recipe.adversary.weight * raw["fooling"]
            for name, weight in recipe.penalties.items():
                raw[name] = PENALTIES[name](run.net)
                total = total + weight * raw[name]
            fabric.backward(total / len(parts))
        colours.append(answer["ab"].detach())
        for name, value in {"total": total, **raw}.items():
            shown[name] = shown.get(name, 0.0) + value.detach() / len(parts)
    return shown, colours


def _teach_critic(
    fabric: Any, run: Run, recipe: Recipe, parts: list[Batch], colours: list[Tensor]
) -> Tensor:
    """Leave the critic's gradients; gives its loss. colours: of each part, or of none yet."""
    assert recipe.adversary is not None
    run.critic_optimiser.zero_grad(set_to_none=True)  # what it got while it was asked
    shown = torch.zeros((), device=fabric.device)
    for k, part in enumerate(parts):
        with torch.no_grad():
            ab = colours[k] if colours else run.model(part.L, part.hints)["ab"]
        with fabric.no_backward_sync(run.judge, enabled=k + 1 < len(parts)):
            loss = lesson(run.judge, recipe.adversary, part, ab, run.critic)
            fabric.backward(loss / len(parts))
        shown = shown + loss.detach() / len(parts)
    return shown
