"""training/export.py: the ONNX gives what torch gives, at odd sizes, and its card opens it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from kolorit.runtime.model import load_model
from kolorit.training.export import store_half, to_onnx, write_model
from kolorit.training.nets.hinted_unet import build

CARD = """
name = "tiny"
version = "0"
sha256 = "{sha256}"
size = 64
multiple = 32
[bins]
stride = 4
prior = [PRIOR]
[looks.faithful]
prior_exponent = 0.0
temperature = 1.0
regression = 1.0
""".replace("PRIOR", ", ".join(["0.003194888178913738"] * 313))


@pytest.fixture(scope="module")
def trained() -> torch.nn.Module:
    torch.manual_seed(0)
    net = build(deep=32, s16=32, s8=32, s4=16, s2=8).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    torch.nn.init.normal_(net.ab.weight, std=0.1)
    return net


@pytest.fixture(scope="module")
def exported(trained: torch.nn.Module) -> bytes:
    return to_onnx(trained)


def test_the_shipped_file_equals_torch_at_odd_sizes(
    trained: torch.nn.Module, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.onnx"
    write_model(to_onnx(trained), path, CARD)
    assert not trained.training
    model = load_model(path, threads=1)
    rng = np.random.default_rng(0)
    for h, w in ((32, 32), (64, 160), (61, 93)):
        L = rng.uniform(0, 100, (h, w)).astype(np.float32)
        hints = np.zeros((3, h, w), np.float32)
        hints[:, 3:6, 4:7] = np.array([40, -20, 1])[:, None, None]
        got = model.predict(L, hints)
        pad = ((0, -h % 32), (0, -w % 32))
        with torch.no_grad():
            want = trained(
                torch.from_numpy(np.pad(L, pad, mode="edge"))[None, None],
                torch.from_numpy(np.pad(hints, ((0, 0), *pad)))[None],
            )
        assert got.ab.shape == (2, h, w)
        assert got.logits is not None
        assert got.logits.shape == (313, -(-h // 4), -(-w // 4))
        np.testing.assert_allclose(got.ab, want["ab"][0, :, :h, :w], atol=0.1)
        hq, wq = got.logits.shape[1:]
        np.testing.assert_allclose(got.logits, want["logits"][0, :, :hq, :wq], atol=0.02)


def test_halves_weigh_half(exported: bytes) -> None:
    half = onnx.load_from_string(exported)
    kinds = {t.data_type for t in half.graph.initializer if np.prod(t.dims) >= 64}
    assert kinds == {onnx.TensorProto.FLOAT16}
    again = store_half(onnx.load_from_string(half.SerializeToString()))
    assert len(again.graph.node) == len(half.graph.node)
