"""Makes constant.onnx and constant.toml: a model of 4 kB that says one warm colour everywhere.

    python tests/data/make_constant_model.py

    in   L (1,1,h,w)    hints (1,3,h,w) = a, b, mask
    out  ab (1,2,h,w): the hints' where the mask is 1, else WARM
         logits (1,313,h/4,w/4): -|bin - mean ab of the cell|^2 / (2 * 10^2), less a constant

Any h and w that are multiples of 4. Needs the package ``onnx``; the tests only read what it made.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from kolorit.colour.bins import BINS

WARM = (12.0, 28.0)  # a, b in ab units: brick
SIGMA = 10.0  # ab units
FOLDER = Path(__file__).resolve().parent


def network() -> bytes:
    """The ONNX file."""
    weight = (BINS / SIGMA**2).reshape(*BINS.shape, 1, 1)  # (313,2,1,1)
    bias = -(BINS**2).sum(1) / (2 * SIGMA**2)
    constants = {
        "warm": np.reshape(WARM, (1, 2, 1, 1)),
        "one": np.ones(1),
        "zero": np.zeros(1),
        "weight": weight,
        "bias": bias,
    }
    tensors = [numpy_helper.from_array(v.astype(np.float32), k) for k, v in constants.items()]
    for name, numbers in {"from_0": [0], "to_2": [2], "to_3": [3], "axis": [1]}.items():
        tensors.append(numpy_helper.from_array(np.array(numbers, np.int64), name))
    nodes = [
        helper.make_node("Slice", ["hints", "from_0", "to_2", "axis"], ["hinted"]),
        helper.make_node("Slice", ["hints", "to_2", "to_3", "axis"], ["mask"]),
        helper.make_node("Mul", ["L", "zero"], ["nothing"]),  # so that L is an input that counts
        helper.make_node("Sub", ["one", "mask"], ["free"]),
        helper.make_node("Mul", ["warm", "free"], ["guessed"]),
        helper.make_node("Mul", ["hinted", "mask"], ["known"]),
        helper.make_node("Sum", ["guessed", "known", "nothing"], ["ab"]),
        helper.make_node("AveragePool", ["ab"], ["cells"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["cells", "weight", "bias"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [_value("L", 1, "h", "w"), _value("hints", 3, "h", "w")],
        [_value("ab", 2, "h", "w"), _value("logits", len(BINS), "h4", "w4")],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def card(sha256: str) -> str:
    """The card beside it."""
    prior = ", ".join(["0.003194888"] * len(BINS))  # 1 / 313
    return f"""\
name = "constant"
version = "1"
sha256 = "{sha256}"
size = 64
multiple = 4
licence = "Apache-2.0"

[bins]
stride = 4
prior = [{prior}]

[looks.vivid]
prior_exponent = 0.0
temperature = 0.5
regression = 0.5

[looks.faithful]
prior_exponent = 0.0
temperature = 1.0
regression = 1.0
gain = 0.5
"""


def _value(name: str, channels: int, height: str, width: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, height, width])


if __name__ == "__main__":
    content = network()
    (FOLDER / "constant.onnx").write_bytes(content)
    text = card(hashlib.sha256(content).hexdigest())
    (FOLDER / "constant.toml").write_text(text, "utf-8")
