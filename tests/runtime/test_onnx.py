"""runtime/onnx.py: devices that are there, networks that open, answers that repeat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kolorit.errors import DeviceUnavailable, ModelUnavailable
from kolorit.runtime.onnx import Session, available_devices

NETWORK = (Path(__file__).parents[1] / "data" / "constant.onnx").read_bytes()


def test_cpu_is_always_there() -> None:
    assert available_devices()[-1] == "cpu"
    assert Session(NETWORK, "cpu").device == "cpu"
    assert Session(NETWORK).device == available_devices()[0]


def test_a_device_that_is_not_there_is_an_error() -> None:
    gone = next(d for d in ("cuda", "rocm", "directml", "coreml") if d not in available_devices())
    with pytest.raises(DeviceUnavailable, match=gone):
        Session(NETWORK, gone)
    with pytest.raises(DeviceUnavailable) as caught:
        Session(NETWORK, "gpu")
    assert "cpu" in caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, NETWORK[:2000]])
def test_what_is_no_network_is_refused(content: bytes) -> None:
    with pytest.raises(ModelUnavailable):
        Session(content)


def test_threads_do_not_change_the_answer() -> None:
    rng = np.random.default_rng(0)
    feed = {
        "L": rng.random((1, 1, 64, 96), np.float32),
        "hints": rng.random((1, 3, 64, 96), np.float32),
    }
    answers = [Session(NETWORK, threads=n).run(feed) for n in (1, 2, 4)]
    for other in answers[1:]:
        for name in ("ab", "logits"):
            np.testing.assert_array_equal(answers[0][name], other[name])
