"""The file of a taught encoder: its weights, what it was shown and how it went."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from kolorit.errors import CheckpointRefused
from kolorit.picture.save import save as save_bytes
from kolorit.training.representation.pictures import Preprocessing, preprocessing_from_json
from kolorit.training.representation.pretexts import PRETEXTS
from kolorit.training.representation.study import Study


@dataclass(frozen=True, eq=False)
class Taught:
    """An encoder as its file holds it. log: the validations; meta: pretext, seed, seconds ..."""

    net: nn.Module
    preprocessing: Preprocessing
    log: list[dict[str, Any]]
    meta: dict[str, Any]


def load_taught(path: Path, study: Study) -> Taught:
    """The network of a file that `pretrain` wrote, on the CPU, in evaluation mode.

    Raises CheckpointRefused for something else, and for an encoder of another shape than the
    study's, such as another size of the latent.
    """
    try:
        with safe_open(path, "pt") as file:
            found = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        log, meta = json.loads(found["log"]), json.loads(found["meta"])
        shape = replace(study.net, **{**meta["shape"], "widths": tuple(meta["shape"]["widths"])})
        pretext = PRETEXTS[meta["pretext"]]
    except (OSError, SafetensorError, ValueError, LookupError, TypeError) as error:
        raise CheckpointRefused(f"this is no encoder of a study: {error}", file=path) from error
    if shape != study.net:
        differs = [k for k, v in vars(study.net).items() if v != vars(shape)[k]]
        raise CheckpointRefused(
            f"its {differs[0]} is {vars(shape)[differs[0]]}, that of the study is "
            f"{vars(study.net)[differs[0]]}",
            file=path,
            remedy="Teach the encoder again: take the file away.",
        )
    net = pretext.make_net(shape, meta["decoder"], meta["classes"])
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointRefused("its weights do not fit its network", file=path) from error
    return Taught(net.eval(), preprocessing_from_json(found["preprocessing"]), log, meta)


def load_log(path: Path) -> dict[str, Any]:
    """What a taught encoder's file says of how it was taught, without its weights."""
    try:
        with safe_open(path, "pt") as file:
            found = file.metadata() or {}
        return {**json.loads(found["meta"]), "log": json.loads(found["log"])}
    except (OSError, SafetensorError, ValueError, LookupError) as error:
        raise CheckpointRefused(f"this is no encoder of a study: {error}", file=path) from error


def save_taught(
    path: Path,
    tensors: dict[str, Tensor],
    preprocessing: Preprocessing,
    log: list[dict[str, Any]],
    meta: dict[str, Any],
) -> None:
    """Write an encoder with all that a probe needs of it, whole or not at all."""
    words = {"log": json.dumps(log), "meta": json.dumps(meta)}
    words["preprocessing"] = preprocessing.to_json()
    path.parent.mkdir(parents=True, exist_ok=True)
    content = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, words)
    save_bytes(content, path, overwrite=True)
