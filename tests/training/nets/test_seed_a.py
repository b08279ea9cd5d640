"""nets/seed_a.py: the study's counts and sizes, features at their true places, weights."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from kolorit.errors import ConfigInvalid
from kolorit.runtime.onnx import Session
from kolorit.training.geometry import linear_probe
from kolorit.training.nets import hinted_unet
from kolorit.training.nets.seed_a import SelfAttention, build, imagenet, read_at, true_positions
from kolorit.training.onnx_file import to_onnx

pytest.importorskip("timm", reason="timm is not installed")

MOBILENET = Path(os.environ.get("KOLORIT_WEIGHTS", "")) / "mobilenet_v2_imagenet_fp16.safetensors"
SMALL = {"encoder": "resnet10t", "widths": [16, 16, 8, 8]}


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_study_has_its_parameters_and_its_sizes() -> None:
    """The sums that the study printed were others; these are its code's."""
    net = build().eval()
    assert count(net.encoder) == 54_306_464
    assert [count(c) for c in net.stages] == [7_078_400, 1_179_904, 295_040, 73_792]
    assert count(net.ab) == 1_154
    assert count(net) - count(net.encoder) == 8_628_290
    assert count(net) == 62_934_754
    with torch.no_grad():
        features = net.features(torch.full((1, 1, 400, 400), 50.0))
        ab = net(torch.full((1, 1, 400, 400), 50.0))["ab"]
    sides = {name: stage.shape[-1] for name, stage in features.items()}
    assert [sides[f"s{s}"] for s in (2, 4, 8, 16, 32)] == [197, 96, 47, 23, 11]
    assert [sides[f"up{s}"] for s in (16, 8, 4, 2)] == [22, 44, 88, 176]
    assert ab.shape == (1, 2, 400, 400)
    assert ab.abs().max() <= 128


def test_where_the_study_looked_and_where_it_painted() -> None:
    before, after, centres = true_positions("inception_resnet_v2")
    assert centres == [3.5, 9.5, 13.5, 21.5, 37.5]
    assert (before, after) == (21, 22)
    off = [centres[4] + 32 * i - (i + 0.5) * 400 / 11 for i in range(11)]
    table = [19.4, 15.0, 10.6, 6.2, 1.9, -2.5, -6.9, -11.2, -15.6, -20.0, -24.4]
    np.testing.assert_allclose(off, table, atol=0.1)  # the outermost read 0.09 off the formula
    assert true_positions("resnet18") == (0, 0, [0.5] * 5)  # 15.5 px left of where it paints


@pytest.mark.parametrize("encoder", ["inception_resnet_v2", "resnet18"])
def test_mended_it_paints_where_it_looks(encoder: str) -> None:
    """Gradient centroid of each inner cell against where the decoder paints it, all levels."""
    px = 256
    net = build(encoder=encoder, aligned=True, widths=[2, 2, 2, 2])
    net.encoder = linear_probe(net.encoder)
    L = torch.full((1, 1, px, px), 50.0, requires_grad=True)
    for stride, level in net.levels(L).items():
        cells = px // stride
        assert level.shape[-2:] == (cells, cells)
        for i in range(cells // 4, cells - cells // 4, max(1, cells // 8)):
            picked = level[0, :, cells // 2, i].sum()
            (gradient,) = torch.autograd.grad(picked, L, retain_graph=True)
            weight = gradient[0, 0].abs().sum(0).double()
            seen = (weight * (torch.arange(px) + 0.5)).sum() / weight.sum()
            assert abs(seen.item() - (i + 0.5) * stride) <= 1, (stride, i)


def test_the_decoder_paints_a_cell_in_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    net = build(**SMALL).eval()
    for conv in (*net.stages, net.ab):
        nn.init.constant_(conv.weight, 1 / conv.weight[0].numel())
        nn.init.zeros_(conv.bias)
    for i in range(2, 6):  # the outermost spread over the border
        one = torch.zeros(1, 512, 8, 8)
        one[:, :, 4, i] = 1e-3
        monkeypatch.setattr(type(net), "levels", lambda self, L, one=one: {32: one})
        with torch.no_grad():
            column = net(torch.zeros(1, 1, 256, 256))["ab"][0].sum((0, 1)).double()
        painted = (column * (torch.arange(256) + 0.5)).sum() / column.sum()
        assert abs(painted.item() - (i + 0.5) * 32) < 1


def test_reading_between_cells() -> None:
    level = torch.arange(4.0).expand(1, 1, 4, 4)
    torch.testing.assert_close(
        read_at(level, 32, 0.25, 96, 96)[0, 0, 0], torch.tensor([0.25, 1.25, 2.25])
    )
    torch.testing.assert_close(
        read_at(level, 32, -0.5, 128, 128)[0, 0, 0], torch.tensor([0, 0.5, 1.5, 2.5])
    )
    torch.testing.assert_close(
        read_at(level, 32, 1.0, 128, 128)[0, 0, 0], torch.tensor([1.0, 2, 3, 3])
    )


def test_attention_begins_as_the_identity() -> None:
    torch.manual_seed(0)
    attention, x = SelfAttention(16), torch.randn(2, 16, 4, 6)
    assert torch.equal(attention(x), x)
    nn.init.ones_(attention.gamma)
    q, k, v = (part(x).flatten(2) for part in (attention.query, attention.key, attention.value))
    share = torch.softmax(torch.einsum("bci,bcj->bij", q, k), -1)  # the paper's eq. 1 to 3
    slow = x + torch.einsum("bij,bcj->bci", share, v).reshape(x.shape)
    torch.testing.assert_close(attention(x), slow)


@pytest.mark.parametrize("size", [(32, 64), (96, 160)])
def test_sizes_switches_and_gradients(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    L = 100 * torch.rand(2, 1, *size)
    plain = count(build(**SMALL))
    for switches, more in (
        ({"aligned": True}, 0),
        ({"skips": True}, 9 * (16 * 256 + 8 * 128 + 8 * 64 + 2 * 64)),
        ({"attention": True}, 2 * (16 * 2 + 2) + 16 * 16 + 16 + 1),
    ):
        net = build(**SMALL, **switches)
        assert count(net) - plain == more, switches
        ab = net(L)["ab"]
        assert ab.shape == (2, 2, *size)
        ab.sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in net.encoder.parameters())


def test_frozen_norms_keep_their_statistics() -> None:
    for frozen in (False, True):
        net = build(**SMALL, frozen_norms=frozen).train()
        before = {k: v.clone() for k, v in net.encoder.named_buffers() if "running" in k}
        net(100 * torch.rand(2, 1, 64, 64))
        after = dict(net.encoder.named_buffers())
        assert all(torch.equal(after[k], v) for k, v in before.items()) is frozen


@pytest.mark.skipif(not MOBILENET.is_file(), reason="no KOLORIT_WEIGHTS")
def test_weights_in_another_naming_give_the_same_features() -> None:
    """The shipped network reads the same file by its own code: one channel, norms folded."""
    weights = load_file(MOBILENET)
    net = build(weights, encoder="mobilenetv2_100").eval()
    other = hinted_unet.build(weights).eval()
    L = 100 * torch.rand(1, 1, 64, 96)
    with torch.no_grad():
        mine, theirs = net.levels(L), other.encoder((L - 50) / 50)
    for stride in (2, 4, 8, 16):
        torch.testing.assert_close(mine[stride], theirs[stride], atol=1e-3, rtol=1e-3)


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigInvalid, match="do not fit"):
        build({"x.0.weight": torch.zeros(3)}, **SMALL)
    own = build(**SMALL).encoder.state_dict()
    again = build(own, **SMALL).encoder.state_dict()
    assert all(torch.equal(own[k], again[k]) for k in own)


def test_imagenet_without_a_network_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigInvalid, match="not on this computer") as caught:
        imagenet("inception_resnet_v2")
    assert "pretrained=True" in caught.value.remedy


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"encoder": "no_such_net"}, "no_such_net"),
        ({"encoder": "vit_tiny_patch16_224"}, "levels"),
        ({"encoder": "resnet10t", "widths": [1, 2]}, "widths"),
    ],
)
def test_what_cannot_be_built_is_refused(config: dict, word: str) -> None:
    with pytest.raises(ConfigInvalid, match=word):
        build(**config)


def test_the_exported_file_gives_the_same() -> None:
    torch.manual_seed(0)
    net = build(**SMALL, aligned=True, skips=True, attention=True).eval()
    nn.init.ones_(net.attention.gamma)
    session = Session(to_onnx(net), "cpu", 1)
    for h, w in ((32, 64), (160, 96)):
        L = 100 * torch.rand(1, 1, h, w)
        feed = {"L": L.numpy(), "hints": np.zeros((1, 3, h, w), np.float32)}
        with torch.no_grad():
            np.testing.assert_allclose(session.run(feed)["ab"], net(L)["ab"], atol=0.2)


def test_aligned_features_need_whole_cells() -> None:
    with pytest.raises(ValueError, match="32"):
        build(**SMALL, aligned=True).eval()(torch.zeros(1, 1, 144, 144))
    assert build(**SMALL).eval()(torch.zeros(1, 1, 144, 144))["ab"].shape[-1] == 144
