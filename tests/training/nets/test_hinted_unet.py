"""nets/hinted_unet.py: size, shapes, hints, and the encoder's weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from kolorit.training.nets.hinted_unet import build, load_encoder, pool_hints


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_parameter_counts() -> None:
    net = build()
    # MobileNetV2 has 2,223,872 without its classifier; two of three input channels of the first
    # convolution are gone (2 * 32 * 9) and each norm's two parameters became one bias (17,056).
    assert count(net.encoder) == 2_223_872 - 2 * 32 * 9 - 17_056 == 2_206_240
    assert count(net) == 5_218_427
    assert count(build(frozen=4)) == count(net)


@pytest.mark.parametrize("size", [(32, 32), (96, 64), (160, 224)])
def test_shapes_and_a_grey_start(size: tuple[int, int]) -> None:
    h, w = size
    out = build(deep_blocks=1).eval()(torch.rand(2, 1, h, w) * 100, torch.zeros(2, 3, h, w))
    assert out["ab"].shape == (2, 2, h, w)
    assert out["logits"].shape == (2, 313, h // 4, w // 4)
    assert out["ab"].abs().max() == 0


def test_features_have_their_strides() -> None:
    features = build().eval().features(torch.zeros(1, 1, 64, 96), torch.zeros(1, 3, 64, 96))
    strides = {"s2": 2, "s4": 4, "s8": 8, "s16": 16, "s32": 32, "deep": 32, "up16": 16, "up8": 8}
    for name, stride in {**strides, "up4": 4, "up2": 2}.items():
        assert features[name].shape[-2:] == (64 // stride, 96 // stride), name


def test_hints_reach_the_answer_and_pooling_keeps_their_colour() -> None:
    hints = torch.zeros(1, 3, 64, 64)
    hints[0, :, 10, 20] = torch.tensor([40.0, -30.0, 1.0])
    for stride in (2, 8, 32):
        pooled = pool_hints(hints, stride)[0, :, 10 // stride, 20 // stride]
        torch.testing.assert_close(pooled, torch.tensor([0.8, -0.6, 1.0]))
        assert pool_hints(hints, stride)[0, 2].sum() == 1
    net = build().eval()
    L = torch.full((1, 1, 64, 64), 50.0)
    moved = net(L, hints)["logits"] - net(L, torch.zeros_like(hints))["logits"]
    assert moved.abs().max() > 1e-4


def test_frozen_layers_get_no_gradient() -> None:
    net = build(frozen=4)
    net(torch.rand(2, 1, 64, 64) * 100, torch.zeros(2, 3, 64, 64))["logits"].sum().backward()
    frozen = list(net.encoder.features[:4].parameters())
    assert frozen
    assert all(p.grad is None for p in frozen)
    assert all(p.grad is not None for p in net.encoder.features[5].parameters())


class _Reference(nn.Module):
    """The first two layers of MobileNetV2 on RGB, written with norms and torch's own modules."""

    def __init__(self) -> None:
        super().__init__()

        def conv(i: int, o: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
            padding = kernel // 2 if stride == 1 else 0
            return nn.Conv2d(i, o, kernel, stride, padding, groups=groups, bias=False)

        self.stem, self.norm0 = conv(3, 32, 3, 2), nn.BatchNorm2d(32)
        self.deep, self.norm1 = conv(32, 32, 3, 1, 32), nn.BatchNorm2d(32)
        self.thin, self.norm2 = conv(32, 16, 1), nn.BatchNorm2d(16)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        x = nn.functional.relu6(self.norm0(self.stem(nn.functional.pad(rgb, (0, 1, 0, 1)))))
        return self.norm2(self.thin(nn.functional.relu6(self.norm1(self.deep(x)))))


def test_encoder_weights_fold_to_the_same_function() -> None:
    torch.manual_seed(0)
    reference = _Reference().eval()
    for module in reference.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    net = build().eval()
    weights = _fake_weights(net)
    names = {"stem": "features.0.0", "deep": "features.1.conv.0.0", "thin": "features.1.conv.1"}
    norms = {"norm0": "features.0.1", "norm1": "features.1.conv.0.1", "norm2": "features.1.conv.2"}
    state = reference.state_dict()
    for ours, theirs in {**names, **norms}.items():
        for key, value in state.items():
            if key.startswith(f"{ours}.") and "num_batches" not in key:
                weights[f"{theirs}.{key.split('.')[1]}"] = value
    load_encoder(net.encoder, weights)
    L = torch.rand(1, 1, 32, 32) * 100
    grey = ((L - 50) / 50).repeat(1, 3, 1, 1)
    with torch.no_grad():
        expected = reference(grey)
        got = net.encoder((L - 50) / 50)[2]
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def _fake_weights(net: nn.Module) -> dict[str, torch.Tensor]:
    """Identity norms and zero kernels under torchvision's names, in the encoder's shapes."""
    weights: dict[str, torch.Tensor] = {}
    for name, module in net.encoder.named_modules():
        if not isinstance(module, nn.Conv2d):
            continue
        parts = name.removesuffix(".conv").split(".")  # features.N(.conv.K)
        block = [k for k in parts if k.isdigit()]
        last = len(block) > 1 and module.groups == 1 and not _widens(module)
        key = f"features.{block[0]}" + (f".conv.{block[1]}" if len(block) > 1 else "")
        conv, norm = (key, _next(key)) if last else (f"{key}.0", f"{key}.1")
        i = 3 if module.weight.shape[1] == 1 and module.groups == 1 else module.weight.shape[1]
        weights[f"{conv}.weight"] = torch.zeros(module.out_channels, i, *module.kernel_size)
        for kind, value in (
            ("weight", 1.0),
            ("bias", 0.0),
            ("running_mean", 0.0),
            ("running_var", 1.0),
        ):
            weights[f"{norm}.{kind}"] = torch.full((module.out_channels,), value)
    return weights


def _widens(conv: nn.Conv2d) -> bool:
    return conv.out_channels == 6 * conv.in_channels


def _next(key: str) -> str:
    head, _, last = key.rpartition(".")
    return f"{head}.{int(last) + 1}"


def test_imagenet_weights_fit(weights_folder: Path) -> None:
    from safetensors.torch import load_file

    weights = load_file(weights_folder / "mobilenet_v2_imagenet_fp16.safetensors")
    net = build(weights)
    assert net.encoder.features[0].conv.weight.abs().sum() > 0
    with pytest.raises(ValueError, match="convolutions"):
        load_encoder(net.encoder, {k: v for k, v in weights.items() if "features.3" not in k})
