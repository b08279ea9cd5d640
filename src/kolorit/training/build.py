"""The network of a recipe with its starting weights, and its losses with their options."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, get_type_hints

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from kolorit.colour.bins import BINS
from kolorit.errors import CheckpointRefused, ConfigInvalid, ModelUnavailable
from kolorit.evaluate.places import data_root
from kolorit.training.as_run import REACH
from kolorit.training.checkpoint import load_checkpoint
from kolorit.training.data import Batch
from kolorit.training.losses import LOSSES, PENALTIES
from kolorit.training.nets import (
    NETS,
    autoencoder,
    eccv16,
    hinted_unet,
    patchgan,
    seed_a,
    split_brain,
    unet,
)
from kolorit.training.onnx_file import start_weights
from kolorit.training.prior import colour_prior
from kolorit.training.recipe import Recipe
from kolorit.training.store import Store

Losses = dict[str, Callable[[dict[str, Tensor], Batch], Tensor]]
MISFITS = (  # what torch and our own parts raise for options and tensors of a wrong kind
    *(TypeError, ValueError, RuntimeError, AttributeError),
    *(LookupError, ArithmeticError),
)

CONFIGS: dict[str, type[Any]] = {  # what net_config and critic_config hold, by net and critic
    "hinted_unet": hinted_unet.HintedUNet,
    "seed_a": seed_a.SeedA,
    "eccv16": eccv16.ECCV16,
    "unet": unet.UNet,
    "autoencoder": autoencoder.Autoencoder,
    "split_brain": split_brain.SplitBrain,
    "patchgan": patchgan.PatchGAN,
}
_FROM_0 = ("frozen", "deep_blocks")  # numbers that may be 0; all others are sizes


def build_net(recipe: Recipe, *, weights: bool = True) -> nn.Module:
    """A new network; ``weights`` = False leaves it random, when only its shape is asked for.

    Raises ConfigInvalid for an unknown network or option (the critic's too), and weights that are
    missing or misfit; CheckpointRefused and ModelUnavailable for a start that cannot be read.
    """
    if recipe.net not in NETS:
        raise ConfigInvalid(f"no network '{recipe.net}'", remedy=f"Use one of: {', '.join(NETS)}.")
    check_config(recipe.net_config, recipe.net, "net_config")
    if recipe.adversary:
        where = "adversary.critic_config"
        check_config(recipe.adversary.critic_config, recipe.adversary.critic, where)
    starts = weights and recipe.start != "none"  # which brings the encoder's weights as well
    if recipe.anew and recipe.start == "none":
        raise ConfigInvalid("anew without a start", remedy="Name a start, or leave anew out.")
    encoder = _encoder_weights(recipe) if weights and (recipe.anew or not starts) else None
    try:
        net = NETS[recipe.net](encoder, **recipe.net_config)
    except MISFITS as error:
        which = "" if encoder is None else f", weights = '{recipe.weights}'"
        raise ConfigInvalid(f"net_config = {recipe.net_config}{which}: {error}") from error
    if starts:
        _load_start(net, recipe.start, recipe.anew)
    return net


def check_config(config: dict[str, Any], name: str, where: str) -> None:
    """ConfigInvalid unless each value is of its kind in the config of the net or critic ``name``.

    Numbers are above 0, sizes whole; torch takes a good deal else without a word. where: the
    table's name, for errors. What has no config in CONFIGS is left alone.
    """
    if name not in CONFIGS:
        return
    types = get_type_hints(CONFIGS[name])
    for key, value in config.items():
        if key not in types:
            remedy = f"Known keys: {', '.join(types)}."
            raise ConfigInvalid(f"unknown key '{where}.{key}'", remedy=remedy)
        least = 0 if key in _FROM_0 else 1
        wanted = {
            bool: "true or false",
            str: "text",
            int: f"a whole number, {least} or more",
            float: "a number above 0",
            tuple[int, ...]: "a list of whole numbers, 1 or more each",
        }[types[key]]
        if not _fits(value, types[key], least):
            raise ConfigInvalid(f"{where}.{key} = {value!r}", remedy=f"Give {wanted}.")


def _fits(value: Any, kind: Any, least: int) -> bool:
    if kind == tuple[int, ...]:
        return isinstance(value, (list, tuple)) and all(_fits(v, int, least) for v in value)
    if kind is float:  # true is no number; nan and inf are none here
        return type(value) in (int, float) and 0 < value < float("inf")
    return type(value) is kind and (kind is not int or value >= least)


def find_weights(recipe: Recipe) -> Path:
    """The file with the encoder's weights, whether it is there or not.

    Raises ConfigInvalid for weights that cannot be meant, and ImageNet's that are not at hand.
    """
    if recipe.weights != "imagenet":
        path = Path(recipe.weights).expanduser()
        if path.is_absolute() or path.is_file():
            return path
        return data_root("KOLORIT_WEIGHTS") / recipe.weights
    if recipe.net != "seed_a":
        remedy = 'Give weights a file, or "none".'
        raise ConfigInvalid('weights = "imagenet" is for net = "seed_a"', remedy=remedy)
    return Path(seed_a.imagenet(recipe.net_config.get("encoder", seed_a.SeedA.encoder)))


def _encoder_weights(recipe: Recipe) -> dict[str, Tensor] | None:
    if recipe.weights == "none":
        return None
    path = find_weights(recipe)
    if not path.is_file():
        remedy = 'Or use weights = "none".'
        raise ConfigInvalid("the encoder's weights are missing", file=path, remedy=remedy)
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        cause = f"these weights cannot be read: {error}"
        raise ConfigInvalid(cause, file=path, remedy="Give a .safetensors file.") from error


def _load_start(net: nn.Module, start: str, anew: tuple[str, ...]) -> None:
    """Weights of a run's folder, of a checkpoint, of a shipped model or of an .onnx with card.

    anew: the parts that stay as they were built.
    """
    try:
        weights = _start_weights(net, start)
    except (CheckpointRefused, ModelUnavailable) as error:
        error.remedy = (  # its own is for those who go on with a run, or colour
            "Let start name a run's folder, a checkpoint in it, a shipped model or an .onnx with "
            "its card; an encoder's weights alone belong in weights."
        )
        raise
    for part in anew:
        kept = {k: v for k, v in net.state_dict().items() if k.startswith(f"{part}.")}
        if not kept:
            parts = ", ".join(name for name, _ in net.named_children())
            raise ConfigInvalid(
                f"anew names '{part}', no part of this network",
                remedy=f"It has: {parts}, and parts of these.",
            )
        weights |= kept
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        raise ConfigInvalid(
            f"the weights of '{start}' do not fit this network",
            remedy="Give its net and net_config. For a network with norms name its run's folder: "
            "they are no longer in an .onnx.",
        ) from error


def _start_weights(net: nn.Module, start: str) -> dict[str, Tensor]:
    path = Path(start).expanduser()
    if path.is_dir():
        path = path / (
            "best.safetensors" if (path / "best.safetensors").exists() else "last.safetensors"
        )
    if path.suffix == ".safetensors":
        return load_checkpoint(path).ema
    # A bias of zeros is left out of an .onnx; names that do not fit are refused all the same.
    none = {k: torch.zeros_like(v) for k, v in net.state_dict().items() if k.endswith("bias")}
    return {**none, **start_weights(str(path))}


def check_names(recipe: Recipe) -> None:
    """ConfigInvalid for a loss or a penalty that there is not."""
    for what, names, table in (
        ("loss", recipe.losses, tuple(LOSSES)),
        ("penalty", recipe.penalties, tuple(PENALTIES)),
    ):
        for name in names:
            if name not in table:
                remedy = f"Use some of: {', '.join(table)}."
                raise ConfigInvalid(f"no {what} '{name}'", remedy=remedy)


def make_losses(recipe: Recipe, store: Store) -> Losses:
    """The recipe's losses by name, their options bound; the prior is that of the training split.

    Each is tried on a made-up batch, so that what would fail at the first step fails here. Raises
    ConfigInvalid for an unknown loss or penalty, a wrong option, and a file that is not there.
    """
    check_names(recipe)
    made: Losses = {}
    for name, weight in recipe.losses.items():
        options = dict(recipe.loss_options.get(name, {}))
        known = set(signature(LOSSES[name]).parameters) - {"out", "batch", "prior"}
        if unknown := sorted(set(options) - known):
            remedy = f"It has: {', '.join(sorted(known)) or 'none'}."
            raise ConfigInvalid(f"the loss '{name}' has no option '{unknown[0]}'", remedy=remedy)
        if name == "rebalanced" and weight:
            options["prior"] = torch.from_numpy(colour_prior(store, recipe)).float()
        made[name] = partial(LOSSES[name], **options)
        if weight:
            _try_loss(name, made, recipe)
    return made


@torch.no_grad()
def _try_loss(name: str, losses: Losses, recipe: Recipe) -> None:
    """One grey picture of the smallest size, answered rightly: ConfigInvalid where it fails."""
    px = min((*recipe.crops, *recipe.final_crops))
    L, ab = torch.full((1, 1, px, px), 50.0), torch.zeros(1, 2, px, px)
    out = {"ab": ab, "logits": torch.zeros(1, len(BINS), px // 4, px // 4)}
    batch = Batch(L, torch.zeros(1, 3, px, px), ab, REACH if recipe.lab == "as-run" else 110.0)
    try:
        losses[name](out, batch)
    except MISFITS as error:
        options = recipe.loss_options.get(name, {})
        raise ConfigInvalid(f"loss_options.{name} = {options}: {error}") from error
