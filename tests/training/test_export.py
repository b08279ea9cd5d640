"""training/export.py: the ONNX gives what torch gives, at odd sizes, and its card opens it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from kolorit.errors import CheckpointRefused
from kolorit.runtime.model import load_model
from kolorit.training.export import export_run
from kolorit.training.loop import train
from kolorit.training.nets.hinted_unet import build
from kolorit.training.onnx_file import store_half, to_onnx, weights_of
from kolorit.training.recipe_file import load_recipe
from kolorit.training.toml_file import toml


@pytest.fixture(scope="module")
def trained() -> torch.nn.Module:
    torch.manual_seed(0)
    net = build(deep=32, s16=32, s8=32, s4=16, s2=8).eval()
    torch.nn.init.normal_(net.ab.weight, std=0.1)
    return net


@pytest.fixture(scope="module")
def exported(trained: torch.nn.Module) -> bytes:
    return to_onnx(trained)


@pytest.fixture
def file(exported: bytes, tmp_path: Path) -> Path:
    """The exported model with a card beside it."""
    path = tmp_path / "small.onnx"
    path.write_bytes(exported)
    looks = {"faithful": {"prior_exponent": 0.0, "temperature": 1.0, "regression": 1.0}}
    card = {"name": "small", "version": "0", "sha256": hashlib.sha256(exported).hexdigest()}
    card |= {"size": 64, "multiple": 32, "bins": {"stride": 4, "prior": [1 / 313] * 313}}
    path.with_suffix(".toml").write_text(toml({**card, "looks": looks}))
    return path


def test_the_shipped_file_equals_torch_at_odd_sizes(trained: torch.nn.Module, file: Path) -> None:
    assert not trained.training
    model = load_model(file, threads=1)
    rng = np.random.default_rng(0)
    for h, w in ((32, 32), (64, 160), (61, 93)):
        L = rng.uniform(0, 100, (h, w)).astype(np.float32)
        hints = np.zeros((3, h, w), np.float32)
        hints[:, 3:6, 4:7] = np.array([40, -20, 1])[:, None, None]
        got = model.predict(L, hints)
        pad = ((0, -h % 32), (0, -w % 32))
        with torch.no_grad():
            want = trained(
                torch.from_numpy(np.pad(L, pad, mode="symmetric"))[None, None],
                torch.from_numpy(np.pad(hints, ((0, 0), *pad)))[None],
            )
        assert got.ab.shape == (2, h, w)
        assert got.logits is not None
        assert got.logits.shape == (313, -(-h // 4), -(-w // 4))
        np.testing.assert_allclose(got.ab, want["ab"][0, :, :h, :w], atol=0.1)
        hq, wq = got.logits.shape[1:]
        np.testing.assert_allclose(got.logits, want["logits"][0, :, :hq, :wq], atol=0.02)


def test_a_folded_norm_comes_back_as_a_bias() -> None:
    conv, norm = torch.nn.Conv2d(1, 8, 3, bias=False), torch.nn.BatchNorm2d(8)
    norm.running_mean.normal_()
    norm.bias.data.normal_()
    whole = torch.nn.Sequential(torch.nn.Sequential(conv, norm).eval())
    plain = torch.nn.Conv2d(1, 8, 3)
    weights = weights_of(to_onnx(_Headed(whole)))
    plain.load_state_dict({k.removeprefix("inner.0.0."): v for k, v in weights.items()})
    L = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(plain(L), whole(L), atol=0.01, rtol=0.01)


class _Headed(torch.nn.Module):
    """Any part as a network of two inputs and two outputs."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, L: torch.Tensor, hints: torch.Tensor) -> dict[str, torch.Tensor]:
        x = self.inner(L)
        return {"ab": x, "logits": x + hints.sum()}


def test_halves_weigh_half(exported: bytes) -> None:
    half = onnx.load_from_string(exported)
    kinds = {t.data_type for t in half.graph.initializer if np.prod(t.dims) >= 64}
    assert kinds == {onnx.TensorProto.FLOAT16}
    again = store_half(onnx.load_from_string(half.SerializeToString()))
    assert len(again.graph.node) == len(half.graph.node)


def test_a_run_becomes_a_model_that_opens(shards: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(tiny_recipe), ("steps=1", "size=64", 'about={licence="CC0"}'))
    train(recipe, tmp_path / "run", accelerator="cpu", say=lambda line: None)
    digest = export_run(tmp_path / "run", recipe, tmp_path / "run" / "model.onnx")
    model = load_model(tmp_path / "run" / "model.onnx")
    assert (model.card.sha256, model.card.size) == (digest, 64)
    assert model.card.about["licence"] == "CC0"
    assert {"vivid", "faithful"} <= set(model.card.looks)
    other = load_recipe(str(tiny_recipe), ("net_config={deep=32}",))
    with pytest.raises(CheckpointRefused, match="another shape"):
        export_run(tmp_path / "run", other, tmp_path / "run" / "other.onnx")


def test_the_file_says_nothing_of_the_machine_that_made_it(exported: bytes) -> None:
    for trace in (b".py", b"File ", b"stack_trace", str(Path.cwd()).encode()):
        assert trace not in exported
