"""training/onnx_file.py: the file gives what torch gives, at odd sizes, in half the bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from kolorit.errors import ModelUnavailable
from kolorit.runtime.model import Prediction, load_model
from kolorit.training.as_run import as_run_input
from kolorit.training.nets import hinted_unet
from kolorit.training.onnx_file import OPSET, start_weights, store_half, to_onnx, weights_of
from kolorit.training.toml_file import toml

LOOKS = {"faithful": {"prior_exponent": 0.0, "temperature": 1.0, "regression": 1.0}}


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    """With logits and hints."""
    torch.manual_seed(0)
    net = hinted_unet.build(deep=32, s16=32, s8=32, s4=16, s2=8).eval()
    nn.init.normal_(net.ab.weight, std=0.1)
    return net


@pytest.fixture(scope="module")
def exported(trained: nn.Module) -> bytes:
    return to_onnx(trained)


def save_with_card(network: bytes, path: Path, **more: object) -> Path:
    path.write_bytes(network)
    card = {"name": "small", "version": "0", "sha256": hashlib.sha256(network).hexdigest()}
    path.with_suffix(".toml").write_text(
        toml({**card, "size": 64, "multiple": 32, **more, "looks": LOOKS})
    )
    return path


def predictions(path: Path) -> list[tuple[Tensor, Tensor, Prediction]]:
    """What the product gets at three sizes, and what the network saw: L and hints, padded."""
    model, rng, answers = load_model(path, threads=1), np.random.default_rng(0), []
    for h, w in ((32, 32), (64, 160), (61, 93)):
        L = rng.uniform(0, 100, (h, w)).astype(np.float32)
        hints = np.zeros((3, h, w), np.float32)
        hints[:, 3:6, 4:7] = np.array([40, -20, 1])[:, None, None]
        pad = ((0, -h % 32), (0, -w % 32))
        seen = torch.from_numpy(np.pad(L, pad, mode="symmetric"))[None, None]
        seen_hints = torch.from_numpy(np.pad(hints, ((0, 0), *pad)))[None]
        answers.append((seen, seen_hints, model.predict(L, hints, mirror=False)))
    return answers


def test_the_file_equals_torch_at_odd_sizes(
    trained: nn.Module, exported: bytes, tmp_path: Path
) -> None:
    assert not trained.training
    bins = {"stride": 4, "prior": [1 / 313] * 313}
    for L, hints, got in predictions(save_with_card(exported, tmp_path / "x.onnx", bins=bins)):
        with torch.no_grad():
            want = trained(L, hints)
        h, w = got.L.shape
        assert got.ab.shape == (2, h, w)
        assert got.logits is not None
        assert got.logits.shape == (313, -(-h // 4), -(-w // 4))
        np.testing.assert_allclose(got.ab, want["ab"][0, :, :h, :w], atol=0.1)
        hq, wq = got.logits.shape[1:]
        np.testing.assert_allclose(got.logits, want["logits"][0, :, :hq, :wq], atol=0.02)


class _Plain(nn.Module):
    """Without logits and hints."""

    def __init__(self) -> None:
        super().__init__()
        self.ab = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, L: Tensor, hints: Tensor) -> dict[str, Tensor]:
        return {"ab": self.ab(L)}


def test_a_network_without_logits_as_the_first_study_fed_it(tmp_path: Path) -> None:
    """The file takes a true L, and puts in front what the study's inference made of it."""
    net = _Plain()
    network = to_onnx(net, "as-run")
    graph = onnx.load_from_string(network).graph
    assert [output.name for output in graph.output] == ["ab"]
    for L, hints, got in predictions(save_with_card(network, tmp_path / "x.onnx")):
        h, w = got.L.shape
        with torch.no_grad():
            want, other = (net(x, hints)["ab"][0, :, :h, :w].numpy() for x in (as_run_input(L), L))
        assert got.logits is None
        np.testing.assert_allclose(got.ab, want, atol=0.1)
        assert np.abs(want - other).max() > 1


def test_a_folded_norm_comes_back_as_a_bias() -> None:
    """Of a network that was in training too: it is exported as it judges."""
    conv, norm = nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8)
    assert norm.running_mean is not None
    norm.running_mean.normal_()
    norm.bias.data.normal_()
    whole = nn.Sequential(nn.Sequential(conv, norm)).train()
    plain = nn.Conv2d(1, 8, 3)
    before = norm.running_mean.clone()
    weights = weights_of(to_onnx(_Headed(whole)))
    assert torch.equal(norm.running_mean, before)
    plain.load_state_dict({k.removeprefix("inner.0.0."): v for k, v in weights.items()})
    L = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(plain(L), whole.eval()(L), atol=0.01, rtol=0.01)


class _Headed(nn.Module):
    """Any part as a network of two inputs and two outputs."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, L: Tensor, hints: Tensor) -> dict[str, Tensor]:
        x = self.inner(L)
        return {"ab": x, "logits": x + hints.sum()}


# weights, there and back


def test_weights_come_back(trained: nn.Module, exported: bytes, tmp_path: Path) -> None:
    path = save_with_card(
        exported, tmp_path / "x.onnx", bins={"stride": 4, "prior": [1 / 313] * 313}
    )
    own, found = trained.state_dict(), start_weights(str(path))
    lost = own.keys() - found.keys()
    assert all(name.endswith("bias") and not own[name].any() for name in lost)
    assert found.keys() <= own.keys()
    for name, value in found.items():
        torch.testing.assert_close(value, own[name], rtol=1e-3, atol=1e-6)
    path.write_bytes(exported[:-1])
    with pytest.raises(ModelUnavailable, match="sha256"):
        start_weights(str(path))


def test_halves_weigh_half(exported: bytes) -> None:
    half = onnx.load_from_string(exported)
    kinds = {t.data_type for t in half.graph.initializer if np.prod(t.dims) >= 64}
    assert kinds == {TensorProto.FLOAT16}
    again = store_half(onnx.load_from_string(half.SerializeToString()))
    assert len(again.graph.node) == len(half.graph.node)


def test_what_half_precision_cannot_hold_stays_whole() -> None:
    """70,000 would become infinite."""
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [100])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, [100])
    nodes = [helper.make_node("Mul", ["x", "a"], ["b"]), helper.make_node("Add", ["b", "c"], ["y"])]
    values = {"a": np.full(100, 7e4, np.float32), "c": np.full(100, 6e4, np.float32)}
    weights = [numpy_helper.from_array(v, name) for name, v in values.items()]
    graph = helper.make_graph(nodes, "g", [given], [answer], weights)
    opset = helper.make_opsetid("", OPSET)
    stored = store_half(helper.make_model(graph, opset_imports=[opset])).graph.initializer
    assert {t.name: t.data_type for t in stored} == {
        "a": TensorProto.FLOAT, "c_half": TensorProto.FLOAT16,
    }  # fmt: skip


def test_the_file_says_nothing_of_the_machine_that_made_it(exported: bytes) -> None:
    for trace in (b".py", b"File ", b"stack_trace", str(Path.cwd()).encode()):
        assert trace not in exported
    graph = onnx.load_from_string(exported)
    assert [opset.version for opset in graph.opset_import if not opset.domain] == [OPSET]
