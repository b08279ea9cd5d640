"""losses/perceptual.py: LPIPS against its definition, and the traps of deep losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.deep_features import BACKBONES, DeepFeatures, load_backbone, normalise
from kolorit.training.losses.perceptual import (
    feature_distance,
    load_heads,
    lpips_distance,
    perceptual,
    picture_distance,
)

CPU, F32, F64 = torch.device("cpu"), torch.float32, torch.float64
HEADS = "lpips_v0.1_lin.safetensors"
SUMS = {
    "alexnet": [2.3495, 16.143, 39.268, 27.197, 20.317],
    "vgg16": [6.926, 8.858, 17.515, 51.521, 47.035],
}


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


@pytest.mark.parametrize("name", BACKBONES)
def test_gradients_reach_ab_and_no_weight(
    name: str, folder: Path, colours: Callable[..., Batch]
) -> None:
    batch = colours(side=32, dtype=F32)
    path = folder / f"{name}.safetensors"
    options = {"backbone": name, "weights": str(path)}
    shown = (2 * batch.ab).requires_grad_()  # many of them out of gamut
    perceptual({"ab": shown}, batch, **options).backward()
    assert shown.grad is not None and shown.grad.isfinite().all()
    assert (shown.grad != 0).float().mean() > 0.9
    net = load_backbone(name, path, CPU, F32)
    assert all(p.grad is None for p in net.parameters())
    assert perceptual({"ab": batch.ab}, batch, **options).item() == 0


def test_flat_black_has_a_finite_gradient(folder: Path, batch_of: Callable[..., Batch]) -> None:
    """Where no feature is above 0, a root of the sum of squares would have none."""
    shown = torch.zeros(1, 2, 32, 32, requires_grad=True)
    batch = batch_of(torch.full((1, 2, 32, 32), 5.0), torch.zeros(1, 1, 32, 32))
    perceptual({"ab": shown}, batch, weights=str(folder / "squeezenet.safetensors")).backward()
    assert shown.grad is not None and shown.grad.isfinite().all()
    nothing = torch.zeros(1, 4, 2, 2, requires_grad=True)
    feature_distance([nothing], [torch.ones(1, 4, 2, 2)]).sum().backward()
    assert nothing.grad is not None and nothing.grad.isfinite().all()


def test_gradient_is_right(net: DeepFeatures) -> None:
    torch.manual_seed(3)
    x, y = torch.rand(2, 1, 3, 32, 32, dtype=F64)
    direction = torch.randn_like(x) * 1e-6
    x.requires_grad_()
    (slope,) = torch.autograd.grad(picture_distance(net, x, y).sum(), x)
    with torch.no_grad():
        up, down = (picture_distance(net, (x + s * direction).clamp(0, 1), y) for s in (1, -1))
    assert (slope * direction).sum().item() == pytest.approx((up - down).item() / 2, rel=1e-3)


@pytest.mark.parametrize("scale", [lambda x: 2 * x - 1, lambda x: 255 * x, normalise])
def test_another_scale_is_refused(scale: Callable[[Tensor], Tensor], net: DeepFeatures) -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 3, 32, 32, dtype=F64)
    for pair in ((scale(x), x), (x, scale(x))):
        with pytest.raises(ConfigInvalid, match=r"rgb must lie in \[0, 1\]"):
            picture_distance(net, *pair)


def test_lightness_of_another_scale_is_refused(folder: Path, colours: Callable[..., Batch]) -> None:
    batch = colours(side=32)
    wrong = replace(batch, L=(batch.L - 50) / 50)
    with pytest.raises(ConfigInvalid, match="L must lie in"):
        perceptual({"ab": batch.ab}, wrong, weights=str(folder / "squeezenet.safetensors"))
    with pytest.raises(ConfigInvalid, match="not true Lab"):
        perceptual({"ab": batch.ab}, replace(batch, reach=182.0))


def test_the_loss_takes_heads(
    folder: Path, colours: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(folder))
    batch = colours(side=32, dtype=F32)
    out = {"ab": torch.zeros_like(batch.ab)}
    options = {"backbone": "alexnet", "weights": "alexnet.safetensors"}
    plain = perceptual(out, batch, **options)
    headed = perceptual(out, batch, **options, linear="heads.safetensors")
    assert 0 < headed < plain  # these heads are below 1


def test_files_that_do_not_serve_are_refused(
    folder: Path, colours: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(folder))
    batch = colours(side=32, dtype=F32)
    out = {"ab": batch.ab}
    with pytest.raises(ConfigInvalid, match="missing") as refusal:
        perceptual(out, batch)  # the one at hand is not in this folder
    assert refusal.value.file == str(folder / "squeezenet1_1_caffe_fp16.safetensors")
    with pytest.raises(ConfigInvalid, match="no weights for the backbone vgg16"):
        perceptual(out, batch, backbone="vgg16")
    with pytest.raises(ConfigInvalid, match="no backbone"):
        perceptual(out, batch, backbone="vgg", weights="squeezenet.safetensors")
    own = {"weights": "squeezenet.safetensors"}
    with pytest.raises(ConfigInvalid, match=r"no heads 'squeeze\.lin"):
        perceptual(out, batch, **own, linear="heads.safetensors")
    swapped = folder / "swapped.safetensors"
    save_file({"squeeze.lin0.model.1.weight": torch.ones(1, 64, 1, 1)}, swapped)
    with pytest.raises(ConfigInvalid, match="another backbone"):
        perceptual(out, batch, **own, linear=str(swapped))
    small = colours(side=24, dtype=F32)
    with pytest.raises(ConfigInvalid, match="too small"):
        perceptual({"ab": small.ab}, small, **own)


def test_squeezenet_at_hand_grows_with_the_error(
    weights_folder: Path, colours: Callable[..., Batch]
) -> None:
    batch = colours(side=48, dtype=F32)
    values = [perceptual({"ab": k * batch.ab}, batch).item() for k in (1.0, 0.7, 0.4, 0.0)]
    assert values[0] == 0 and values == sorted(values) and values[-1] > 0.1


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
