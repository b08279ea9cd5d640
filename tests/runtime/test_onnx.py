"""runtime/onnx.py: devices that are there, networks that open, answers that repeat."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kolorit.errors import DeviceUnavailable, ModelUnavailable
from kolorit.runtime.onnx import Session, available_devices

NETWORK_FILE = Path(__file__).parents[1] / "data" / "constant.onnx"
NETWORK = NETWORK_FILE.read_bytes()


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


_OPEN = "import kolorit.runtime.onnx; import onnxruntime; onnxruntime.InferenceSession({path!r})"


@pytest.mark.parametrize("told", [True, False])
def test_onnxruntime_reports_nothing(tmp_path: Path, told: bool) -> None:
    """Its reports begin with a file of their own among the temporary ones.

    Planted: onnxruntime alone; whether it reports there depends on its build.
    """
    code = _OPEN.format(path=str(NETWORK_FILE))
    code = code if told else code.replace("kolorit.runtime.onnx", "numpy")
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "ORT_DISABLE_TELEMETRY")}
    environment = {**kept, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2] / "src")
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    left = sorted(p.name for p in tmp_path.rglob("*"))
    if not told and not left:
        pytest.skip("this build of onnxruntime reports nothing by itself")
    assert bool(left) is not told, left


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
