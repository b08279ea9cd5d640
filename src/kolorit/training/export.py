"""From a checkpoint to a model that ships, an ONNX of free size with fp16 weights and its card;
and from such a model back to weights, to train it further."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.export import Dim

from kolorit import __version__
from kolorit.colour.bins import BINS
from kolorit.errors import CheckpointRefused
from kolorit.runtime.card import read_card
from kolorit.runtime.store import find_model, read_model
from kolorit.training.checkpoint import load_checkpoint
from kolorit.training.colour import soft_encode
from kolorit.training.data import lightness_and_ab, split
from kolorit.training.nets import NETS
from kolorit.training.recipe import Recipe, recipe_from_json
from kolorit.training.store import open_recipe_store

MULTIPLE, STRIDE, OPSET = 32, 4, 18
_RAREST = 1e-5
_PLAIN = {"prior_exponent": 0.0, "temperature": 1.0, "regression": 0.5}


class _Named(nn.Module):
    """The network with its outputs in the order of the ONNX file."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, L: Tensor, hints: Tensor) -> tuple[Tensor, Tensor]:
        out = self.net(L, hints)
        return out["ab"], out["logits"]


def load_trained(path: Path) -> tuple[nn.Module, Recipe, int]:
    """The averaged network of a checkpoint in evaluation mode, its recipe, and the steps done."""
    checkpoint = load_checkpoint(path)
    recipe = recipe_from_json(checkpoint.recipe, path)
    net = NETS[recipe.net](None, **recipe.net_config)
    try:
        net.load_state_dict(checkpoint.ema)
    except RuntimeError as error:
        raise CheckpointRefused(
            "its weights do not fit the network of its recipe", file=path
        ) from error
    return net.eval(), recipe, checkpoint.step


def to_onnx(net: nn.Module) -> bytes:
    """The network as ONNX, height and width free (multiples of 32), weights stored in float16.

    Each large weight gets a Cast that onnxruntime folds when it opens the file: half the bytes at
    no cost in time.
    """
    height, width = MULTIPLE * Dim("h", min=1), MULTIPLE * Dim("w", min=1)
    program = torch.onnx.export(
        _Named(net).eval(),  # or the exporter leaves the network in training mode
        (torch.zeros(1, 1, 64, 96), torch.zeros(1, 3, 64, 96)),
        input_names=["L", "hints"],
        output_names=["ab", "logits"],
        dynamic_shapes={name: {2: height, 3: width} for name in ("L", "hints")},
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    return bytes(store_half(program.model_proto).SerializeToString())


def start_weights(model: str) -> dict[str, Tensor]:
    """The weights of a shipped name, or of the path of an .onnx whose card has its sha256."""
    return weights_of(read_model(find_model(model))[1])


def weights_of(network: bytes) -> dict[str, Tensor]:
    """The weights inside an ONNX of ``to_onnx``, by the names that they had in its network.

    A norm that the exporter folded into a convolution has become that convolution's bias.
    """
    graph = onnx.load_from_string(network).graph
    found = {}
    for tensor in graph.initializer:
        if tensor.name.startswith("net."):
            name = tensor.name.removeprefix("net.").removesuffix("_half")
            values = numpy_helper.to_array(tensor).astype(np.float32)
            found[name.replace(".weight_bias", ".bias")] = torch.from_numpy(values)
    return found


def store_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with every float32 initialiser of 64 numbers or more stored in float16."""
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < 64:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    for k, node in enumerate(casts):
        model.graph.node.insert(k, node)
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]  # the exporter writes down where our source files lie
        part.doc_string = ""
    onnx.checker.check_model(model)
    return model


def colour_prior(store: np.ndarray, recipe: Recipe, pictures: int = 2000) -> np.ndarray:
    """Share of each ab bin (Q,) in the training split: mean soft target at stride 4.

    No share is under 1e-5: a bin that was hardly seen says little about how rare it is, and
    read-outs divide by it.
    """
    train, _ = split(len(store), recipe.validation)
    chosen = train[np.linspace(0, len(train) - 1, min(pictures, len(train))).astype(int)]
    total = torch.zeros(len(BINS), dtype=torch.float64)
    for index in chosen:
        _, ab = lightness_and_ab(np.ascontiguousarray(store[index])[None])
        cells = torch.nn.functional.avg_pool2d(torch.from_numpy(ab), STRIDE)[0].permute(1, 2, 0)
        bins, weight = soft_encode(cells)
        total += torch.bincount(bins.reshape(-1), weight.reshape(-1).double(), minlength=len(BINS))
    prior = np.maximum((total / total.sum()).numpy(), _RAREST)
    return np.asarray(prior / prior.sum())


def export_run(run: Path, recipe: Recipe, out: Path) -> str:
    """Write the trained network of a run as ``out`` (.onnx) with its card; gives the sha256.

    recipe: name, size, looks and the rest of the card come from it, so that they may be chosen
    after the training. Raises CheckpointRefused when it describes another network.
    """
    net, trained, steps = load_trained(run / "checkpoint.safetensors")
    if (trained.net, trained.net_config) != (recipe.net, recipe.net_config):
        raise CheckpointRefused(f"it holds a {trained.net} of another shape", file=run)
    store = open_recipe_store(trained, run)
    network = to_onnx(net)
    card: dict[str, Any] = {
        "name": out.stem,
        "version": __version__,
        "sha256": hashlib.sha256(network).hexdigest(),
        "size": recipe.size,
        "multiple": MULTIPLE,
        "recipe": recipe.name,
        "commit": _commit(),
        "steps": steps,
        "pictures": len(store),
        "parameters": sum(p.numel() for p in net.parameters()),
        **recipe.about,
        "ranges": {"L": [0, 100], "ab": [-110, 110], "mask": [0, 1]},
        "bins": {
            "stride": STRIDE,
            "prior": [float(f"{p:.5g}") for p in colour_prior(store, trained)],
        },
        "looks": recipe.looks or {"faithful": _PLAIN, "vivid": {**_PLAIN, "prior_exponent": 0.25}},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(network)
    out.with_suffix(".toml").write_text(toml(card), encoding="utf-8")
    read_card(out.with_suffix(".toml"))
    return str(card["sha256"])


def _commit() -> str:
    """The commit of the code that trained, where it runs from a checkout."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(git, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def toml(table: dict[str, Any], name: str = "") -> str:
    """A table as TOML text: plain values first, then the tables inside it."""
    plain = {k: v for k, v in table.items() if not isinstance(v, dict)}
    lines = [f"[{name}]"] if name and plain else []
    lines += [f"{key} = {_value(value)}" for key, value in plain.items()]
    parts = ["\n".join(lines) + "\n"] if lines else []
    for key, value in table.items():
        if isinstance(value, dict):
            parts.append(toml(value, f"{name}.{key}" if name else key))
    return "\n".join(parts)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)  # TOML's basic strings, numbers and booleans
