"""Networks as ONNX files, of free size and with weights in float16, and back to weights."""

from __future__ import annotations

import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.export import Dim

from kolorit.runtime.store import find_model, read_model
from kolorit.training.as_run import as_run_input

MULTIPLE, OPSET = 32, 18
_OUTPUTS = ("ab", "logits")


class _Named(nn.Module):
    """The network with its outputs in the order of the ONNX file: ab, then logits, if any."""

    def __init__(self, net: nn.Module, lab: str):
        super().__init__()
        self.net = net
        self.lab = lab

    def forward(self, L: Tensor, hints: Tensor) -> tuple[Tensor, ...]:
        out = self.net(as_run_input(L) if self.lab == "as-run" else L, hints)
        return tuple(out[name] for name in _OUTPUTS if name in out)


def to_onnx(net: nn.Module, lab: str = "true") -> bytes:
    """The network as ONNX, height and width free (multiples of 32), weights stored in float16.

    lab: "as-run" puts in front what the first study fed its network with at inference. Each large
    weight gets a Cast that onnxruntime folds when it opens the file: half the bytes at no cost in
    time.
    """
    height, width = MULTIPLE * Dim("h", min=1), MULTIPLE * Dim("w", min=1)
    example = (torch.zeros(1, 1, 64, 96), torch.zeros(1, 3, 64, 96))
    net.eval()
    with torch.no_grad():
        gives = net(*example)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # h and w are one name in both inputs
        program = torch.onnx.export(
            _Named(net, lab).eval(),  # or the exporter leaves the network in training mode
            example,
            input_names=["L", "hints"],
            output_names=[name for name in _OUTPUTS if name in gives],
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
    """The same model with every float32 initialiser of 64 numbers or more stored in float16.

    One with a number beyond float16's reach stays as it is.
    """
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < 64:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
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
