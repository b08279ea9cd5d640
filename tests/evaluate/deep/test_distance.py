"""deep/distance.py: LPIPS against its definition, and what keeps a number from being another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.backbones import BACKBONES, CPU, DeepFeatures, load_backbone
from kolorit.evaluate.deep.distance import (
    feature_distance,
    load_distance,
    load_heads,
    lpips_distance,
    picture_distance,
)

F32, F64 = torch.float32, torch.float64
HEADS = "lpips_v0.1_lin.safetensors"
SUMS = {
    "alexnet": [2.3495, 16.143, 39.268, 27.197, 20.317],
    "vgg16": [6.926, 8.858, 17.515, 51.521, 47.035],
}
ONE, TWO = np.random.default_rng(0).integers(0, 256, (2, 40, 48, 3), dtype=np.uint8)


def slow(xs: Sequence[Tensor], ys: Sequence[Tensor], heads: Sequence[Tensor]) -> list[float]:
    """One place after the other, as the paper writes it."""
    distances = []
    for b in range(len(xs[0])):
        total = 0.0
        for x, y, w in zip(xs, ys, heads, strict=True):
            _, C, h, width = x.shape
            layer = 0.0
            for i in range(h):
                for j in range(width):
                    u, v = x[b, :, i, j].tolist(), y[b, :, i, j].tolist()
                    of_u = math.sqrt(sum(t * t for t in u)) + 1e-10
                    of_v = math.sqrt(sum(t * t for t in v)) + 1e-10
                    layer += sum(float(w[c]) * (u[c] / of_u - v[c] / of_v) ** 2 for c in range(C))
            total += layer / (h * width)
        distances.append(total)
    return distances


def made_up(widths: Sequence[int], seed: int) -> list[Tensor]:
    torch.manual_seed(seed)
    return [torch.randn(2, C, 3, 2, dtype=F64).relu() for C in widths]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the backbones, and heads for one of them."""
    folder = tmp_path_factory.mktemp("weights")
    for name in BACKBONES:
        torch.manual_seed(0)
        save_file(BACKBONES[name]().state_dict(), folder / f"{name}.safetensors")
    torch.manual_seed(1)
    heads = {
        f"alex.lin{k}.model.1.weight": torch.rand(1, C, 1, 1)
        for k, C in enumerate((64, 192, 384, 256, 256))
    }
    save_file(heads, folder / "heads.safetensors")
    return folder


@pytest.fixture
def net(folder: Path) -> DeepFeatures:
    return load_backbone("squeezenet", folder / "squeezenet.safetensors", CPU, F64)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "squeezenet"])
def test_published_heads_on_made_up_features(name: str, weights_folder: Path) -> None:
    heads = load_heads(name, weights_folder / HEADS, CPU, F64)
    assert all((w >= 0).all() for w in heads)
    if name in SUMS:
        assert [w.sum().item() for w in heads] == pytest.approx(SUMS[name], rel=1e-4)
    xs, ys = (made_up([len(w) for w in heads], seed) for seed in (0, 1))
    found = lpips_distance(xs, ys, heads).tolist()
    assert found == pytest.approx(slow(xs, ys, heads), rel=1e-9)
    assert min(found) > 0.1


def test_without_heads_all_channels_weigh_1() -> None:
    xs, ys = (made_up((4, 7), seed) for seed in (0, 1))
    ones = [torch.ones(4), torch.ones(7)]
    assert feature_distance(xs, ys).tolist() == pytest.approx(slow(xs, ys, ones), rel=1e-9)


def test_lpips_of_pictures_equals_the_public_form(folder: Path) -> None:
    """Written as the public package does: [-1, 1], shift and scale, slices, heads as 1 x 1."""
    alexnet = load_backbone("alexnet", folder / "alexnet.safetensors", CPU, F32)
    torch.manual_seed(5)
    x, y = torch.rand(2, 1, 3, 64, 64)
    shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    heads = load_file(folder / "heads.safetensors")
    slices = [alexnet.features[a:b] for a, b in ((0, 2), (2, 5), (5, 8), (8, 10), (10, 12))]
    of_x, of_y, expected = (2 * x - 1 - shift) / scale, (2 * y - 1 - shift) / scale, 0.0
    for k, part in enumerate(slices):
        of_x, of_y = part(of_x), part(of_y)
        unit_x = of_x / (of_x.square().sum(1, keepdim=True).sqrt() + 1e-10)
        unit_y = of_y / (of_y.square().sum(1, keepdim=True).sqrt() + 1e-10)
        weighted = torch.conv2d((unit_x - unit_y) ** 2, heads[f"alex.lin{k}.model.1.weight"])
        expected += weighted.mean().item()
    ours = load_heads("alexnet", folder / "heads.safetensors", CPU, F32)
    distance = picture_distance(alexnet, x, y, ours)
    assert distance.item() == pytest.approx(expected, abs=1e-5)
    assert expected > 1e-3


def test_zero_at_truth_symmetric_and_without_state(net: DeepFeatures) -> None:
    torch.manual_seed(0)
    x, y = torch.rand(2, 2, 3, 32, 32, dtype=F64)
    assert picture_distance(net, x, x).tolist() == [0, 0]
    there, back = picture_distance(net, x, y), picture_distance(net, y, x)
    assert (there > 0).all()
    torch.testing.assert_close(there, back)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    for _ in range(100):
        last = picture_distance(net, x[:1], y[:1])
    torch.testing.assert_close(last, there[:1])
    after = net.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[k], before[k]) for k in before) and not net.training


def test_gradient_is_right(net: DeepFeatures) -> None:
    torch.manual_seed(3)
    x, y = torch.rand(2, 1, 3, 32, 32, dtype=F64)
    direction = torch.randn_like(x) * 1e-6
    x.requires_grad_()
    (slope,) = torch.autograd.grad(picture_distance(net, x, y).sum(), x)
    with torch.no_grad():
        up, down = (picture_distance(net, (x + s * direction).clamp(0, 1), y) for s in (1, -1))
    assert (slope * direction).sum().item() == pytest.approx((up - down).item() / 2, rel=1e-3)


@pytest.mark.parametrize(("backbone", "theirs"), [("alexnet", "alex"), ("squeezenet", "squeeze")])
def test_it_is_what_the_public_package_gives(backbone: str, theirs: str) -> None:
    """With its own heads, and the same random weights in both backbones."""
    lpips = pytest.importorskip("lpips")
    torch.manual_seed(0)
    judge = lpips.LPIPS(net=theirs, pnet_rand=True, verbose=False).eval()
    net = BACKBONES[backbone]().eval()
    with torch.no_grad():
        for mine, other in zip(net.parameters(), judge.net.parameters(), strict=True):
            mine.copy_(other)
    heads = [lin.model[-1].weight.detach().flatten() for lin in judge.lins]
    x, y = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        want = judge(2 * x - 1, 2 * y - 1).flatten()
        torch.testing.assert_close(picture_distance(net, x, y, heads), want, atol=1e-5, rtol=1e-4)


def test_pictures_in_bytes(folder: Path) -> None:
    """The same as of tensors in [0, 1]; alike both ways; 0 for the truth itself."""
    path, heads = folder / "alexnet.safetensors", folder / "heads.safetensors"
    net, linear = load_backbone("alexnet", path, CPU, F32), load_heads("alexnet", heads, CPU, F32)
    x, y = (torch.from_numpy(p).permute(2, 0, 1)[None] / 255 for p in (ONE, TWO))
    for files, own in (((path,), None), ((path, heads), linear)):
        distance = load_distance("d", "alexnet", *files)
        there, weight = distance.terms(shown=ONE, truth=TWO)
        assert weight == 1
        assert there == pytest.approx(picture_distance(net, x, y, own).item(), rel=1e-5)
        assert there == pytest.approx(distance.terms(shown=TWO, truth=ONE)[0], rel=1e-5)
        assert distance.terms(shown=TWO, truth=TWO.copy()) == (0, 1)


def test_a_truth_that_is_kept_is_not_taken_for_another(folder: Path) -> None:
    """The same bytes in another shape, and other bytes in the same."""
    path = folder / "squeezenet.safetensors"
    turned = [p.reshape(48, 40, 3) for p in (ONE, TWO)]
    pairs = [(ONE, TWO), (turned[0], turned[1]), (255 - ONE, ONE), (TWO, TWO), (ONE, TWO)]
    one_by_one = [
        load_distance("d", "squeezenet", path).terms(shown=x, truth=y)[0] for x, y in pairs
    ]
    distance = load_distance("d", "squeezenet", path)
    assert [distance.terms(shown=x, truth=y)[0] for x, y in pairs] == one_by_one
    assert len(set(one_by_one)) == 4 and one_by_one[3] == 0


def test_what_cannot_be_compared_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"no heads 'squeeze\.lin"):
        load_distance(
            "d", "squeezenet", folder / "squeezenet.safetensors", folder / "heads.safetensors"
        )
    distance = load_distance("d", "squeezenet", folder / "squeezenet.safetensors")
    with pytest.raises(ConfigInvalid, match="too small") as refusal:
        distance.terms(shown=ONE[:31], truth=TWO[:31])
    assert "32 pixels" in refusal.value.remedy
    with pytest.raises(ValueError, match="expected uint8"):
        distance.terms(shown=ONE / 255, truth=TWO / 255)


def test_the_squeezenet_at_hand_grows_with_the_error(weights_folder: Path) -> None:
    path = weights_folder / "squeezenet1_1_caffe_fp16.safetensors"
    distance = load_distance("squeezenet_distance", "squeezenet", path)
    ramp = np.linspace(0, 255, 48).astype(np.uint8)
    truth = np.stack([*np.meshgrid(ramp, ramp), np.full((48, 48), 90, np.uint8)], -1)
    grey = truth.mean(-1, keepdims=True)
    paler = [(k * truth + (1 - k) * grey).round().astype(np.uint8) for k in (1.0, 0.7, 0.4, 0.0)]
    values = [distance.terms(shown=p, truth=truth)[0] for p in paler]
    assert values[0] == 0 and values == sorted(values) and values[-1] > 0.1
