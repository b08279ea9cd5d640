"""The only door to onnxruntime: a session that runs named arrays."""

from __future__ import annotations

import os

import numpy as np
import onnxruntime

from kolorit.errors import ConfigInvalid, DeviceUnavailable, ModelUnavailable

_PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


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


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
