"""From a run to a model that ships: its best network as ONNX, with a card."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kolorit import __version__
from kolorit.errors import CheckpointRefused
from kolorit.picture.save import save
from kolorit.runtime.card import read_card
from kolorit.training.build import build_net
from kolorit.training.checkpoint import fill, load_checkpoint
from kolorit.training.nets import HINTED
from kolorit.training.onnx_file import MULTIPLE, to_onnx
from kolorit.training.prior import colour_prior
from kolorit.training.recipe import Recipe
from kolorit.training.run import recipe_of
from kolorit.training.store import open_recipe_store
from kolorit.training.toml_file import toml

_PLAIN = {"prior_exponent": 0.0, "temperature": 1.0, "regression": 0.5}


def load_trained(path: Path) -> tuple[nn.Module, Recipe, int]:
    """The averaged network of a checkpoint in evaluation mode, its recipe, and the steps done."""
    checkpoint = load_checkpoint(path)
    recipe = recipe_of(checkpoint, path)
    net = build_net(recipe, weights=False)
    fill(net, checkpoint.ema, path)
    return net.eval(), recipe, checkpoint.step


def export_run(run: Path, recipe: Recipe, out: Path) -> str:
    """Write the best network of a run as ``out`` (.onnx) with its card; gives the sha256.

    recipe: name, size, looks and the rest of the card come from it, so that they may be chosen
    after the training. Raises CheckpointRefused when it describes another network.
    """
    net, trained, steps = load_trained(run / "best.safetensors")
    if (trained.net, trained.net_config) != (recipe.net, recipe.net_config):
        raise CheckpointRefused(f"it holds a {trained.net} of another shape", file=run)
    store = open_recipe_store(trained, run)
    network = to_onnx(net, trained.lab)
    reach = getattr(getattr(net, "config", None), "reach", 110.0)
    card: dict[str, Any] = {
        **recipe.about,
        "name": out.stem,
        "version": __version__,
        "sha256": hashlib.sha256(network).hexdigest(),
        "size": recipe.size,
        "multiple": MULTIPLE,
        "recipe": recipe.name,
        "commit": _commit(),
        "steps": steps,
        "seed": trained.seed,
        "pictures": len(store.squares),
        "parameters": sum(p.numel() for p in net.parameters()),
        "ranges": {"L": [0, 100], "ab": [-reach, reach], "mask": [0, 1]},
        "hints": recipe.net in HINTED,
        "looks": recipe.looks or {"faithful": _PLAIN, "vivid": {**_PLAIN, "prior_exponent": 0.25}},
    }
    if stride := _stride(net):
        prior = colour_prior(store, trained, stride)
        card["bins"] = {"stride": stride, "prior": [float(f"{p:.5g}") for p in prior]}
    out.parent.mkdir(parents=True, exist_ok=True)
    save(network, out, overwrite=True)
    save(toml(card).encode(), out.with_suffix(".toml"), overwrite=True)
    read_card(out.with_suffix(".toml"))
    return str(card["sha256"])


@torch.no_grad()
def _stride(net: nn.Module) -> int:
    """Of the network's logits; 0 where it has none."""
    out = net(torch.zeros(1, 1, 64, 64), torch.zeros(1, 3, 64, 64))
    return 64 // out["logits"].shape[-1] if "logits" in out else 0


def _commit() -> str:
    """The commit of the code that trained, where it runs from a checkout of its own."""
    here = Path(__file__)
    git = ["git", "-C", str(here.parent)]
    try:
        subprocess.run(
            [*git, "ls-files", "--error-unmatch", here.name], capture_output=True, check=True
        )
        done = subprocess.run(
            [*git, "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
