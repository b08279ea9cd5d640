"""The only door to onnxruntime: a session that runs named arrays.

Official builds of onnxruntime from 1.29 on report to their maker what is run, unless they are told
not to before they are loaded. Kolorit speaks with nobody, so that is said here, first of all.

A network can also be cut short at inner tensors. For that its file is read and written here as
protobuf, by field numbers, since the package ``onnx`` belongs to the workshop.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from kolorit.errors import ConfigInvalid, DeviceUnavailable, ModelUnavailable

onnxruntime.disable_telemetry_events()

_PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
# Fields of onnx.proto: ModelProto.graph; GraphProto.node and .output; ValueInfoProto.name
_GRAPH, _NODE, _OUTPUT, _NAME = 7, 1, 12, 1
_NODE_INPUT, _NODE_OUTPUT, _NODE_KIND = 1, 2, 4  # of NodeProto
_FIXED = {1: 8, 5: 4}  # protobuf's wire types of fixed size -> bytes


def available_devices() -> tuple[str, ...]:
    """Devices that this onnxruntime was built for, fastest first; "cpu" is always the last."""
    there = set(onnxruntime.get_available_providers())
    return tuple(name for name, provider in _PROVIDERS.items() if provider in there)


class Session:
    """A network in memory. Safe to share between threads: running it changes nothing."""

    def __init__(self, network: bytes, device: str = "auto", threads: int | None = None) -> None:
        """network: the bytes of an ONNX file. threads: for one run, two if None; never more than
        there are cores.

        Raises DeviceUnavailable for a device that is not there, ModelUnavailable for bytes that
        are no network of a known version.
        """
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise ConfigInvalid(f"threads = {threads!r}", remedy="Use 1 or more.")
        there = available_devices()
        if device not in (*_PROVIDERS, "auto"):
            raise DeviceUnavailable(
                f"no device is called '{device}'", remedy=f"Use one of: auto, {', '.join(there)}."
            )
        if device != "auto" and device not in there:
            raise DeviceUnavailable(
                f"the device '{device}' is not available here",
                remedy=f"Use one of: {', '.join(there)}.",
            )
        self.device = there[0] if device == "auto" else device
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong comes back as an exception
        options.intra_op_num_threads = min(threads or 2, _cores())
        options.inter_op_num_threads = 1
        # The level is fixed since results differ between levels, not between thread counts.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        try:
            self._session = onnxruntime.InferenceSession(
                network, options, providers=[_PROVIDERS[self.device]]
            )
        except Exception as error:
            raise ModelUnavailable(
                f"onnxruntime cannot open this network: {_first_line(error)}"
            ) from error
        if self._session.get_providers()[0] != _PROVIDERS[self.device]:
            raise DeviceUnavailable(f"the device '{self.device}' could not be started")
        self.inputs = tuple(i.name for i in self._session.get_inputs())
        self.outputs = tuple(o.name for o in self._session.get_outputs())

    def run(self, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name for named inputs. Raises ModelUnavailable for what does not fit."""
        try:
            return dict(zip(self.outputs, self._session.run(None, feed), strict=True))
        except Exception as error:
            sizes = {name: array.shape for name, array in feed.items()}
            raise ModelUnavailable(
                f"the network cannot run {sizes}: {_first_line(error)}"
            ) from error


@dataclass(frozen=True)
class Node:
    """One step of a network: its kind, as "Conv", the tensors that it reads and those it makes."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_nodes(network: bytes) -> list[Node]:
    """The steps of an ONNX file in their order; each reads what is given or was made before.

    Raises ModelUnavailable for bytes that are no ONNX file.
    """
    return [_node(content) for number, content, _ in _fields(_graph(network)) if number == _NODE]


def cut(network: bytes, tensors: Sequence[str]) -> bytes:
    """The same network only as far as these inner tensors, which become its outputs, in order.

    Steps that lead to none of them are left out; inputs and weights stay. Their shapes are left to
    onnxruntime, which refuses a tensor that nothing makes when it opens the file. Raises
    ModelUnavailable for bytes that are no ONNX file.
    """
    needed, kept = set(tensors), []
    for number, content, whole in reversed(list(_fields(_graph(network)))):
        if number == _NODE:
            node = _node(content)
            if needed.isdisjoint(node.outputs):
                continue
            needed.update(node.inputs)
        if number != _OUTPUT:
            kept.append(bytes(whole))
    outputs = [_field(_OUTPUT, _field(_NAME, name.encode())) for name in tensors]
    graph = b"".join([*reversed(kept), *outputs])
    return b"".join(
        _field(_GRAPH, graph) if number == _GRAPH else bytes(whole)
        for number, _, whole in _fields(memoryview(network))
    )


def _graph(network: bytes) -> memoryview:
    graphs = [content for number, content, _ in _fields(memoryview(network)) if number == _GRAPH]
    if len(graphs) != 1:
        raise ModelUnavailable(f"this is no ONNX file: it has {len(graphs)} graphs")
    return graphs[0]


def _node(message: memoryview) -> Node:
    texts: dict[int, list[str]] = {_NODE_INPUT: [], _NODE_OUTPUT: [], _NODE_KIND: []}
    for number, content, _ in _fields(message):
        if number in texts:
            texts[number].append(str(content, "utf-8", "replace"))
    inputs, outputs, kinds = texts.values()
    return Node("".join(kinds[-1:]), tuple(inputs), tuple(outputs))


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """(number, content, whole) of each field; whole is what stands in the message for it.

    Source: protobuf's encoding, https://protobuf.dev/programming-guides/encoding/
    """
    end = 0
    while end < len(message):
        begin = end
        key, at = _varint(message, begin)
        if key & 7 == 0:
            _, end = _varint(message, at)
        elif key & 7 == 2:
            length, at = _varint(message, at)
            end = at + length
        else:
            end = at + _FIXED.get(key & 7, len(message))
        if end > len(message):
            raise ModelUnavailable("this is no ONNX file: one of its fields does not end in it")
        yield key >> 3, message[at:end], message[begin:end]


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """(number, place behind it); seven bits a byte, the lowest first, 64 at most."""
    number = 0
    for shift, byte in enumerate(message[at : at + 10]):
        number |= (byte & 127) << (7 * shift)
        if byte < 128:
            return number, at + shift + 1
    raise ModelUnavailable("this is no ONNX file: a number in it does not end")


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field; numbers are below 16, so that its key takes one byte."""
    head, length = bytearray([number << 3 | 2]), len(content)
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes([*head, length]) + content


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
