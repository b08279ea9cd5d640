"""From a checkpoint to a model that ships: an ONNX of free size with fp16 weights, and its card."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.export import Dim

from kolorit.colour.bins import BINS
from kolorit.errors import CheckpointRefused
from kolorit.training.checkpoint import load_checkpoint
from kolorit.training.colour import soft_encode
from kolorit.training.data import lightness_and_ab, split
from kolorit.training.nets import NETS
from kolorit.training.recipe import Recipe, recipe_from_json

MULTIPLE, STRIDE, OPSET = 32, 4, 18


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
    onnx.checker.check_model(model)
    return model


def colour_prior(store: np.ndarray, recipe: Recipe, pictures: int = 2000) -> np.ndarray:
    """Share of each ab bin (Q,) in the training split: mean soft target at stride 4, never 0."""
    train, _ = split(len(store), recipe.validation)
    chosen = train[np.linspace(0, len(train) - 1, min(pictures, len(train))).astype(int)]
    total = torch.zeros(len(BINS), dtype=torch.float64)
    for index in chosen:
        _, ab = lightness_and_ab(np.ascontiguousarray(store[index])[None])
        cells = torch.nn.functional.avg_pool2d(torch.from_numpy(ab), STRIDE)[0].permute(1, 2, 0)
        bins, weight = soft_encode(cells)
        total += torch.bincount(bins.reshape(-1), weight.reshape(-1).double(), minlength=len(BINS))
    prior = (total / total.sum()).numpy() + 1e-8
    return np.asarray(prior / prior.sum())


def write_model(onnx_bytes: bytes, path: Path, card: str) -> str:
    """Write the model and its card (``card`` holds {sha256}); returns the sha256."""
    digest = hashlib.sha256(onnx_bytes).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(onnx_bytes)
    path.with_suffix(".toml").write_text(card.replace("{sha256}", digest), encoding="utf-8")
    return digest


def commit() -> str:
    """The short name of the commit that is checked out, or "unknown"."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
