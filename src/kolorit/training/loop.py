"""The one training loop, on Lightning Fabric: any net, any losses, one machine or many.

kolorit train RECIPE          one process
fabric run / torchrun ...     the same loop on many devices
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from torch import Tensor, nn

from kolorit.errors import CheckpointRefused, ConfigInvalid
from kolorit.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    save_checkpoint,
)
from kolorit.training.data import Batch, train_batches, validation_batches
from kolorit.training.export import start_weights
from kolorit.training.losses import LOSSES
from kolorit.training.nets import NETS
from kolorit.training.recipe import Recipe, data_root, recipe_from_json
from kolorit.training.schedule import warm_cosine
from kolorit.training.store import open_recipe_store

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
    """Train a recipe into the folder ``out`` and return the checkpoint's path.

    out/ gets recipe.json, metrics.jsonl (one object a log line) and checkpoint.safetensors.
    ``resume`` goes on from the checkpoint; with the recipe of before, the result is then what one
    straight run gives. Raises ConfigInvalid for a folder that holds a run, or none to resume.
    """
    fabric = Fabric(accelerator=accelerator, devices=devices, precision=recipe.precision)  # type: ignore[arg-type]
    if "LT_CLI_USED" not in os.environ:  # `fabric run` has launched the processes
        fabric.launch()
    fabric.seed_everything(recipe.seed, verbose=False)
    with fabric.rank_zero_first():
        store = open_recipe_store(recipe, out)
    checkpoint = _checkpoint_of(out, recipe, resume)
    if recipe.batch % fabric.world_size:
        raise ConfigInvalid(f"batch = {recipe.batch} cannot be shared by {fabric.world_size}")
    if fabric.is_global_zero:
        out.mkdir(parents=True, exist_ok=True)
        (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1))

    net = build_net(recipe).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = make_optimiser(net, recipe)
    ema = {name: t.detach().clone() for name, t in net.state_dict().items()}
    if checkpoint is not None:
        net.load_state_dict(checkpoint.net)
        ema = checkpoint.ema
    model, optimiser = fabric.setup(net, optimiser)
    if checkpoint is not None:
        restore_optimiser(optimiser, checkpoint.optimiser)
    start = 0 if checkpoint is None else checkpoint.step
    ema = {name: t.to(fabric.device) for name, t in ema.items()}

    began, log = time.monotonic(), out / "metrics.jsonl"
    batches = train_batches(store, recipe, start, fabric.global_rank, fabric.world_size)
    model.train()
    for step, batch in enumerate(batches, start):
        for group in optimiser.param_groups:
            share = warm_cosine(step, recipe.steps, recipe.warmup, recipe.lr_floor)
            group["lr"] = group["full_lr"] * share
        batch = fabric_batch(fabric, batch)
        out_tensors = model(batch.L, batch.hints)
        parts = {name: LOSSES[name](out_tensors, batch.ab) for name in recipe.losses}
        total = torch.stack([weight * parts[name] for name, weight in recipe.losses.items()]).sum()
        fabric.backward(total)
        fabric.clip_gradients(model, optimiser, max_norm=recipe.clip)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        average(ema, net.state_dict(), min(recipe.ema, (step + 1) / (step + 10)))

        done = step + 1
        if done % recipe.log_every == 0 or done == recipe.steps:
            row = {"step": done, **{k: round(v.item(), 5) for k, v in parts.items()}}
            row |= {
                "lr": optimiser.param_groups[-1]["lr"],
                "seconds": round(time.monotonic() - began, 1),
            }
            _log(fabric, log, row, say)
        if done % recipe.validate_every == 0 or done == recipe.steps:
            _log(fabric, log, {"step": done, **validate(recipe, ema, store, fabric.device)}, say)
        if done % recipe.save_every == 0 or done == recipe.steps:
            state = Checkpoint(
                done,
                net.state_dict(),
                ema,
                optimiser_tensors(optimiser),
                json.dumps(asdict(recipe)),
            )
            if fabric.is_global_zero:
                save_checkpoint(out / "checkpoint.safetensors", state)
            fabric.barrier()
    return out / "checkpoint.safetensors"


def build_net(recipe: Recipe) -> nn.Module:
    """The recipe's network with its starting weights."""
    if recipe.net not in NETS:
        raise ConfigInvalid(f"no network '{recipe.net}'", remedy=f"Use one of: {', '.join(NETS)}.")
    unknown = sorted(set(recipe.losses) - set(LOSSES))
    if unknown:
        raise ConfigInvalid(f"no loss '{unknown[0]}'", remedy=f"Use some of: {', '.join(LOSSES)}.")
    weights = None
    if recipe.encoder != "none":
        path = data_root("KOLORIT_WEIGHTS") / recipe.encoder
        if not path.is_file():
            raise ConfigInvalid(
                "the encoder's weights are missing", file=path, remedy='Or use encoder = "none".'
            )
        weights = load_file(path)
    try:
        net = NETS[recipe.net](weights, **recipe.net_config)
    except (TypeError, RuntimeError) as error:
        raise ConfigInvalid(f"net_config = {recipe.net_config}: {error}") from error
    if recipe.start != "none":
        # A bias of zeros is left out of the file; names that do not fit are refused all the same.
        none = {k: torch.zeros_like(v) for k, v in net.state_dict().items() if k.endswith("bias")}
        try:
            net.load_state_dict({**none, **start_weights(recipe.start)})
        except RuntimeError as error:
            raise ConfigInvalid(
                f"the weights of '{recipe.start}' do not fit this network",
                remedy='Give its net and net_config, or start = "none".',
            ) from error
    return net


def make_optimiser(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW: a pretrained encoder at its own rate, norms and biases undecayed."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        if not parameter.requires_grad:
            continue
        lr = recipe.encoder_lr if name.startswith("encoder.") else recipe.lr
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((lr, decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": p, "lr": lr, "full_lr": lr, "weight_decay": wd}
            for (lr, wd), p in sorted(groups.items(), key=lambda g: g[0])
        ]
    )


def average(ema: dict[str, Tensor], state: dict[str, Tensor], keep: float) -> None:
    """Move the exponential moving average of the weights towards ``state``, in place."""
    for name, value in state.items():
        if value.is_floating_point():
            ema[name].lerp_(value.detach(), 1 - keep)
        else:
            ema[name].copy_(value)


def validate(
    recipe: Recipe, ema: dict[str, Tensor], store: np.ndarray, device: torch.device
) -> dict[str, float]:
    """Losses of the averaged weights on the held-out squares, without hints; "val_" names."""
    net = NETS[recipe.net](None, **recipe.net_config).to(device)
    net.load_state_dict(ema)
    net.eval()
    sums: dict[str, float] = {}
    count = 0
    with torch.no_grad():
        for batch in validation_batches(store, recipe):
            n = len(batch.L)
            truth = batch.ab.to(device)
            out: dict[str, Tensor] = net(batch.L.to(device), batch.hints.to(device))
            values = {name: LOSSES[name](out, truth).item() for name in recipe.losses}
            values["ab_rmse"] = (out["ab"] - truth).square().mean().sqrt().item()
            values["grey_rmse"] = truth.square().mean().sqrt().item()
            sums = {k: sums.get(k, 0.0) + n * v for k, v in values.items()}
            count += n
    return {f"val_{k}": round(v / count, 5) for k, v in sums.items()}


def fabric_batch(fabric: Fabric, batch: Batch) -> Batch:
    """The batch on the fabric's device, channels last."""
    tensors = (batch.L, batch.hints, batch.ab)
    return Batch(*(t.to(fabric.device, memory_format=torch.channels_last) for t in tensors))


def _checkpoint_of(out: Path, recipe: Recipe, resume: bool) -> Checkpoint | None:
    """The checkpoint to go on from, or None for a new run."""
    path = out / "checkpoint.safetensors"
    if path.exists() and not resume:
        raise ConfigInvalid(
            "this folder holds a run already", file=out, remedy="Pass --resume or another folder."
        )
    if not path.exists():
        if resume:
            raise ConfigInvalid("there is no checkpoint to go on from", file=out)
        return None
    checkpoint = load_checkpoint(path)
    before = recipe_from_json(checkpoint.recipe, path)
    if (before.net, before.net_config) != (recipe.net, recipe.net_config):
        raise CheckpointRefused(f"it holds a {before.net} of another shape", file=path)
    return checkpoint


def _log(fabric: Fabric, path: Path, row: dict[str, float], say: Say) -> None:
    if fabric.is_global_zero:
        with path.open("a") as handle:
            handle.write(json.dumps(row) + "\n")
        say(json.dumps(row))
