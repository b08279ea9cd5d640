"""nets/autoencoder.py: the second study's numbers, what goes in and out, and the exported file."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from torch import nn

from kolorit.colour.lab import grey_to_lightness, rgb_to_lab
from kolorit.errors import ConfigInvalid, DeviceUnavailable
from kolorit.runtime.onnx import Session
from kolorit.training.nets.autoencoder import AutoencoderModule, build
from kolorit.training.onnx_file import to_onnx

pytest.importorskip("diffusers", reason="the extra 'train' is not installed")


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def pictures(h: int, w: int, B: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    return 100 * torch.rand(B, 1, h, w), torch.zeros(B, 3, h, w)


def small(**config: object) -> AutoencoderModule:
    torch.manual_seed(0)
    net = build(**{"widths": (4, 8, 8), "layers": 1, "groups": 4, **config})
    nn.init.normal_(net.decode.conv_out.weight, std=0.3)  # colours that differ
    return net.eval()


@pytest.fixture(scope="module")
def whole() -> AutoencoderModule:
    torch.manual_seed(0)
    return build().eval()


def test_parameter_counts(whole: AutoencoderModule) -> None:
    parts = [count(part) for part in (whole.encode, whole.quant, whole.decode)]
    assert parts == [533_544, 36, 754_051]
    assert count(whole) == sum(parts) == 1_287_631
    assert count(build(channels=3)) == 1_288_207


def test_norms_of_the_encoder(whole: AutoencoderModule) -> None:
    kinds = [type(part) for part in whole.encode.modules()]
    assert kinds.count(nn.GroupNorm) == 18
    assert not [part for part in whole.modules() if isinstance(part, nn.BatchNorm2d)]
    assert {part.p for part in whole.modules() if isinstance(part, nn.Dropout)} == {0.0}


def test_stages_at_128_px(whole: AutoencoderModule) -> None:
    with torch.no_grad():
        stages = whole.features(*pictures(128, 128, B=1))
    assert {name: (x.shape[1], x.shape[2]) for name, x in stages.items()} == {
        "conv_in": (32, 128),
        "down1": (32, 64),
        "down2": (64, 32),
        "down3": (64, 32),
        "mid": (64, 32),
        "conv_norm_out": (64, 32),
        "conv_out": (8, 32),
        "latent": (4, 32),
        "dec_in": (64, 32),
        "dec_mid": (64, 32),
        "up1": (64, 64),
        "up2": (64, 128),
        "up3": (32, 128),
    }
    assert stages["latent"].numel() == 4096


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(32, 32), (64, 96), (20, 44)])
def test_shapes(size: tuple[int, int], channels: int) -> None:
    (h, w), net = size, small(channels=channels)
    out = net(*pictures(h, w))
    assert out["rgb"].shape == (2, 3, h, w)
    assert out["ab"].shape == (2, 2, h, w)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_encoder_sees_grey_values_from_minus_1_to_1(channels: int) -> None:
    net, seen = small(channels=channels), []
    net.encode.conv_in.register_forward_pre_hook(lambda module, x: seen.append(x[0]))
    grey = np.array([0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 1, 0, 1, 0.5])
    L = torch.from_numpy(grey_to_lightness(grey).astype(np.float32)).expand(1, 1, 4, 12)
    plain = net(L, torch.zeros(1, 3, 4, 12))
    assert seen[0].shape[1] == channels
    want = [-1, -0.8, -0.5, -0.2, 0, 0.2, 0.5, 0.8, 1, -1, 1, 0]
    np.testing.assert_allclose(seen[0][0, :, 0].numpy(), [want] * channels, atol=1e-5)
    torch.testing.assert_close(net(L, torch.rand(1, 3, 4, 12)), plain)


def test_the_stages_are_those_of_the_library_and_tanh_ends_them() -> None:
    net = small()
    L, hints = pictures(32, 48)
    seen: list[torch.Tensor] = []
    net.encode.conv_in.register_forward_pre_hook(lambda module, x: seen.append(x[0]))
    rgb = net(L, hints)["rgb"]
    want = torch.tanh(net.decode(net.quant(net.encode(seen[0]))))
    torch.testing.assert_close(2 * rgb - 1, want, atol=1e-5, rtol=0)
    assert rgb.std() > 0.05


def test_ab_is_that_of_rgb() -> None:
    with torch.no_grad():
        out = small()(*pictures(32, 32))
    lab = rgb_to_lab(out["rgb"].permute(0, 2, 3, 1).double().numpy())
    assert np.abs(lab[..., 1:]).max() > 20
    np.testing.assert_allclose(out["ab"].permute(0, 2, 3, 1), lab[..., 1:], atol=1e-3)


def test_each_latent_cell_sees_the_whole_picture() -> None:
    L = (100 * torch.rand(1, 1, 64, 64)).requires_grad_()
    small().features(L)["latent"][0, :, 0, 0].sum().backward()
    assert L.grad is not None
    assert (L.grad[0, 0, 56:, 56:] != 0).all()


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_gradients_are_finite_also_where_tanh_is_saturated(scale: float) -> None:
    net = small()
    with torch.no_grad():
        net.decode.conv_out.weight *= scale
    L, hints = pictures(32, 48)
    out = net(L.clamp(max=60).where(L > 20, torch.zeros(())), hints)
    (out["ab"].square().mean() + out["rgb"].square().mean()).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_a_nan_goes_through_to_the_loss() -> None:
    net = small()
    nn.init.constant_(net.quant.bias, float("nan"))
    assert net(*pictures(32, 32))["ab"].isnan().all()


def test_without_diffusers_there_is_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers.models.autoencoders.vae", None)
    with pytest.raises(DeviceUnavailable, match="diffusers") as caught:
        build()
    assert caught.value.remedy == "pip install 'kolorit[train]'"


def test_impossible_configs_are_refused() -> None:
    with pytest.raises(ConfigInvalid, match="channels"):
        build(channels=2)
    for widths in ((32, 48), ()):
        with pytest.raises(ConfigInvalid, match="widths"):
            build(widths=widths)


def test_the_exported_file_equals_torch() -> None:
    net = small()
    with torch.no_grad():
        for tensor in net.state_dict().values():
            if tensor.numel() >= 64:  # the file has it in fp16
                tensor.copy_(tensor.half())
    session = Session(to_onnx(net), threads=1)
    for h, w in ((32, 32), (64, 128)):
        L, hints = pictures(h, w, B=1)
        feed = {"L": L.numpy(), "hints": hints.numpy()}
        got = session.run({name: feed[name] for name in session.inputs})
        with torch.no_grad():
            want = net(L, hints)["ab"]
        assert want.std() > 5
        np.testing.assert_allclose(got["ab"], want, atol=0.01)
