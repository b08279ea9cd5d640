"""nets/split_brain.py: size by hand, two halves that do not meet, cells at their places, export."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kolorit.colour import bins
from kolorit.errors import ConfigInvalid
from kolorit.runtime.onnx import Session
from kolorit.training.nets.split_brain import LIGHTNESS_BINS, SplitBrainModule, build
from kolorit.training.onnx_file import to_onnx


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def pictures(h: int, w: int, B: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    ab = 120 * torch.rand(B, 2, h, w) - 60
    return 100 * torch.rand(B, 1, h, w), torch.zeros(B, 3, h, w), ab


def small() -> SplitBrainModule:
    torch.manual_seed(0)
    return build(widths=[4, 6, 6, 6, 4], deep=8)


def test_parameter_counts_by_hand() -> None:
    # AlexNet has 96, 256, 384, 384, 256 channels, 4096 in fc6 and fc7; a half has half of each.
    kernels = 25 * 48 * 128 + 9 * 128 * 192 + 9 * 192 * 192 + 9 * 192 * 128  # conv2 to conv5
    kernels += 9 * 128 * 2048 + 2048 * 2048  # fc6, fc7
    norms = 2 * (48 + 128 + 192 + 192 + 128 + 2048 + 2048)
    first = 121 * 1 * 48 + kernels + norms + 313 * (2048 + 1)
    second = 121 * 2 * 48 + kernels + norms + 50 * (2048 + 1)
    net = build()
    assert count(net.colour_of_lightness) == first == 8_138_057
    assert count(net.lightness_of_colour) == second == 7_604_978
    assert count(net) == first + second == 15_743_035


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (24, 72)])
def test_shapes(size: tuple[int, int]) -> None:
    (h, w), net = size, small().eval()
    L, hints, ab = pictures(h, w)
    out = net(L, hints)
    assert set(out) == {"ab", "logits"}
    assert out["ab"].shape == (2, 2, h, w)
    assert out["logits"].shape == (2, 313, h // 8, w // 8)
    both = net(L, hints, ab=ab)
    torch.testing.assert_close(both["logits"], out["logits"])
    assert both["L_logits"].shape == (2, LIGHTNESS_BINS, h // 8, w // 8)
    torch.testing.assert_close(both["L_logits"], net.lightness_logits(ab))


def test_features_of_one_half_and_of_both() -> None:
    net = small().eval()
    L, hints, ab = pictures(64, 96)
    one, both = net.features(L, hints), net.features(L, hints, ab)
    other = net.lightness_of_colour.features(ab / 110)
    widths = {"conv1": 4, "conv2": 6, "conv3": 6, "conv4": 6, "conv5": 4}
    assert list(one) == list(both) == list(widths)
    for name, width in widths.items():
        s = 4 if name == "conv1" else 8
        assert one[name].shape == (2, width, 64 // s, 96 // s)
        torch.testing.assert_close(both[name], torch.cat([one[name], other[name]], 1))


def test_ab_is_the_annealed_mean_of_the_product() -> None:
    net = small().eval()
    nn.init.normal_(net.colour_of_lightness.classes.weight, std=20)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        out = net(*pictures(32, 64)[:2])
    small_ab = bins.annealed_mean(out["logits"].permute(0, 2, 3, 1).numpy(), 0.38)
    want = torch.from_numpy(small_ab).permute(0, 3, 1, 2)
    want = F.interpolate(want, scale_factor=8, mode="bilinear", align_corners=False)
    assert want.std() > 1
    torch.testing.assert_close(out["ab"], want, atol=2e-3, rtol=1e-4)


def test_the_halves_do_not_meet() -> None:
    net = small()
    L, hints, ab = pictures(32, 32)
    L.requires_grad_()
    ab.requires_grad_()
    out = net(L, hints, ab=ab)
    assert torch.autograd.grad(out["logits"].sum(), ab, allow_unused=True) == (None,)
    assert torch.autograd.grad(out["L_logits"].sum(), L, allow_unused=True) == (None,)


def test_both_halves_get_finite_gradients() -> None:
    net = small()
    assert not any(p.requires_grad for p in net.lightness_of_colour.parameters())
    net.requires_grad_()  # as build(both=True) leaves it
    out = net(*pictures(32, 48))
    sum(x.square().mean() for x in out.values()).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_scales_of_what_goes_in() -> None:
    net, seen = small().eval(), []
    for half in (net.colour_of_lightness, net.lightness_of_colour):
        half.conv1.register_forward_pre_hook(lambda module, x: seen.append(x[0]))
    net(torch.full((1, 1, 8, 8), 100.0), torch.rand(1, 3, 8, 8), ab=torch.full((1, 2, 8, 8), -55.0))
    assert seen[0].aminmax() == (0, 1)  # 0 is the padding
    torch.testing.assert_close(seen[1].min(), torch.tensor(-0.5))


def test_cells_see_what_alexnet_sees_and_lie_where_they_are_painted() -> None:
    """conv5 of AlexNet sees 163 px: 11, 19 (pool), 51, 67 (pool), 99, 131, 163.

    Cell i is painted at 8 i + 4; the window's centre lies within half a pixel of it.
    """
    half = small().double().eval().colour_of_lightness
    for parameter in half.parameters():
        nn.init.constant_(parameter, 0.1)  # no ReLU is off
    half.pool1, half.pool2 = nn.AvgPool2d(3, 2, padding=1), nn.AvgPool2d(3, 1, padding=1)
    x = torch.ones(1, 1, 8, 320, dtype=torch.float64, requires_grad=True)
    half.features(x)["conv5"][0, :, 0, 20].sum().backward()
    assert x.grad is not None
    seen = x.grad[0, 0].abs().sum(0).nonzero()[:, 0]
    assert len(seen) == seen[-1] - seen[0] + 1 == 163
    assert abs((seen[0] + seen[-1] + 1) / 2 - (8 * 20 + 4)) <= 0.5


def test_impossible_configs_are_refused() -> None:
    with pytest.raises(ConfigInvalid, match="widths"):
        build(widths=(48, 128))
    with pytest.raises(ConfigInvalid, match="temperature"):
        build(temperature=1.5)


def test_the_exported_file_is_the_half_that_colours() -> None:
    net = small()
    for _ in range(20):
        net(*pictures(64, 64, B=4)[:2])  # the norms get statistics
    nn.init.normal_(net.eval().colour_of_lightness.classes.weight, std=4)
    session = Session(to_onnx(net), threads=1)
    for h, w in ((32, 32), (64, 128)):
        L, hints, _ = pictures(h, w, B=1)
        feed = {"L": L.numpy(), "hints": hints.numpy()}
        got = session.run({name: feed[name] for name in session.inputs})
        with torch.no_grad():
            want = net(L, hints)
        assert set(got) == {"ab", "logits"}
        for name, share in (("ab", 0.02), ("logits", 0.01)):  # of their spread: weights are fp16
            spread = want[name].std().item()
            assert spread > 0.5
            np.testing.assert_allclose(got[name], want[name], atol=share * spread, err_msg=name)
