"""nets/unet.py: size by hand, shapes, norms, and the exported file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from kolorit.errors import ConfigInvalid
from kolorit.runtime.onnx import Session
from kolorit.training.nets.unet import build


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def pictures(h: int, w: int, B: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    return 100 * torch.rand(B, 1, h, w), torch.zeros(B, 3, h, w)


def awake(**config: object) -> nn.Module:
    """A small network whose last layer is not zero."""
    torch.manual_seed(0)
    net = build(base=4, **config)
    nn.init.normal_(net.ab.weight, std=0.3)
    return net


def test_parameter_count_by_hand() -> None:
    # kernels, in -> out of each pair of 3x3 convolutions
    down = 9 * (1 * 64 + 64 * 64)  # at full size
    down += 9 * (64 * 128 + 128 * 128)  # 1/2
    down += 9 * (128 * 256 + 256 * 256)  # 1/4
    down += 9 * (256 * 512 + 512 * 512)  # 1/8
    down += 9 * (512 * 512 + 512 * 512)  # 1/16
    up = 9 * ((512 + 512) * 512 + 512 * 512)  # 1/8
    up += 9 * ((512 + 256) * 256 + 256 * 256)  # 1/4
    up += 9 * ((256 + 128) * 128 + 128 * 128)  # 1/2
    up += 9 * ((128 + 64) * 64 + 64 * 64)  # full size
    channels = 2 * (64 + 128 + 256 + 512 + 512) + 2 * (512 + 256 + 128 + 64)  # of 18 convolutions
    last = 2 * 64 + 2
    assert count(build()) == down + up + 2 * channels + last == 19_585_218
    assert count(build(norm="instance")) == count(build())
    assert count(build(norm="none")) == down + up + channels + last  # biases


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
@pytest.mark.parametrize("size", [(32, 32), (64, 96), (160, 32)])
def test_shapes_and_a_grey_start(size: tuple[int, int], norm: str) -> None:
    torch.manual_seed(0)
    (h, w), net = size, build(base=2, norm=norm)
    out = net(*pictures(h, w))
    assert set(out) == {"ab"}
    assert out["ab"].shape == (2, 2, h, w)
    assert out["ab"].abs().max() == 0


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_every_level_has_its_stride(depth: int) -> None:
    stages = build(base=2, depth=depth).eval().features(*pictures(64, 96))
    names = [f"s{2**k}" for k in range(depth + 1)] + [f"up{2**k}" for k in reversed(range(depth))]
    assert list(stages) == names
    for name, stage in stages.items():
        s = int(name.removeprefix("s").removeprefix("up"))
        assert stage.shape == (2, 2 * min(s, 8), 64 // s, 96 // s), name


def test_an_answer_of_one_is_110_ab_units_and_hints_are_not_looked_at() -> None:
    net = awake().eval()
    L, hints = pictures(32, 64)
    torch.testing.assert_close(net(L, torch.rand(2, 3, 32, 64)), net(L, hints))
    nn.init.zeros_(net.ab.weight)
    net.ab.bias.data = torch.tensor([0.5, -2.0])  # no tanh: as far as it likes
    colour = net(L, hints)["ab"]
    wanted = torch.tensor([55.0, -220.0])[:, None, None].expand_as(colour)
    torch.testing.assert_close(colour, wanted)


def test_skips_carry_single_pixels() -> None:
    net = awake().eval()
    L, hints = pictures(64, 64)
    other = L.clone()
    other[..., 32, 32] += 20
    moved = (net(other, hints)["ab"] - net(L, hints)["ab"]).abs()[0].sum(0)
    assert moved[32, 32] > 5 * moved.mean()


@pytest.mark.parametrize(("norm", "tied"), [("batch", True), ("instance", False), ("none", False)])
def test_only_batch_norm_ties_pictures_together(norm: str, tied: bool) -> None:
    net = awake(norm=norm).train()
    L, hints = pictures(64, 64)
    alone = net(L, hints)["ab"][0]
    beside = net(torch.cat([L[:1], L[1:] / 3]), hints)["ab"][0]
    assert torch.allclose(alone, beside, atol=1e-3) != tied


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_gradients_are_finite(norm: str) -> None:
    net = awake(norm=norm)
    net(*pictures(32, 64))["ab"].square().mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("config", [{"norm": "group"}, {"depth": 0}, {"depth": 6}])
def test_impossible_configs_are_refused(config: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid, match=next(iter(config))):
        build(base=2, **config)


def test_the_exported_file_equals_torch(exported_unet: tuple[nn.Module, bytes]) -> None:
    net, network = exported_unet
    session = Session(network, threads=1)
    for h, w in ((32, 32), (64, 128)):
        L, hints = pictures(h, w, B=1)
        feed = {"L": L.numpy(), "hints": hints.numpy()}
        got = session.run({name: feed[name] for name in session.inputs})
        with torch.no_grad():
            want = net(L, hints)["ab"]
        spread = want.std().item()
        assert spread > 10
        np.testing.assert_allclose(got["ab"], want, atol=0.01 * spread)  # weights are fp16
