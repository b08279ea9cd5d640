"""nets/patchgan.py: size, patches of 70 px, and what a gradient penalty needs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from kolorit.colour.lab import rgb_to_lab
from kolorit.errors import ConfigInvalid
from kolorit.training.losses.adversarial import gradient_penalty
from kolorit.training.nets import CRITICS
from kolorit.training.nets.patchgan import build

NORMS = ("batch", "instance", "none")


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def pictures(h: int, w: int, B: int = 2) -> tuple[Tensor, Tensor]:
    return 100 * torch.rand(B, 1, h, w), 120 * torch.rand(B, 2, h, w) - 60


def test_parameter_counts() -> None:
    assert CRITICS["patchgan"] is build
    assert count(build()) == 2_765_633
    assert count(build(channels=6)) == 2_768_705
    assert count(build(norm="instance")) == count(build(spectral=True)) == 2_765_633
    assert count(build(norm="none")) == 2_765_633 - (128 + 256 + 512)  # a bias, no gain and shift


def test_bias_stands_only_where_no_norm_has_its_own() -> None:
    biased = {n: [c.bias is not None for c in _convs(build(base=2, norm=n))] for n in NORMS}
    ends = [True, False, False, False, True]
    assert biased == {"batch": ends, "instance": ends, "none": [True] * 5}


def _convs(critic: nn.Module) -> list[nn.Conv2d]:
    return [part for part in critic.modules() if isinstance(part, nn.Conv2d)]


@pytest.mark.parametrize("channels", [3, 6])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("size", [(256, 256), (64, 96), (32, 40)])
def test_shapes(size: tuple[int, int], norm: str, channels: int) -> None:
    (h, w), critic = size, build(base=2, norm=norm, channels=channels)
    logits = critic(*pictures(h, w))
    assert logits.shape == (2, 1, h // 8 - 2, w // 8 - 2)
    assert h != 256 or logits.shape[-2:] == (30, 30)


@pytest.mark.parametrize("channels", [3, 6])
def test_a_logit_sees_70_by_70_pixels(channels: int) -> None:
    torch.manual_seed(0)
    critic = build(base=4, norm="none", channels=channels).double()
    L, ab = (x.double().requires_grad_() for x in pictures(256, 192, B=1))
    critic(L, ab)[0, 0, 15, 10].backward()
    for gradient in (L.grad, ab.grad):
        assert gradient is not None
        rows, columns = gradient[0].abs().sum(0).nonzero().T
        assert rows.max() - rows.min() + 1 == columns.max() - columns.min() + 1 == 70
        assert (gradient != 0).sum() == 70 * 70 * gradient.shape[1]


def test_what_it_looks_at() -> None:
    red = torch.from_numpy(rgb_to_lab([1.0, 0.0, 0.0])).float()[None, :, None, None]
    L, ab = red[:, :1].expand(-1, -1, 32, 32), red[:, 1:].expand(-1, -1, 32, 32)
    seen: list[Tensor] = []
    for channels in (3, 6):
        critic = build(base=2, channels=channels).eval()
        critic.layers.register_forward_pre_hook(lambda module, x: seen.append(x[0][0, :, 0, 0]))
        critic(L, ab)
    lab, rgb = seen
    torch.testing.assert_close(lab, torch.tensor([0.0648, 0.7281, 0.6109]), atol=1e-3, rtol=0)
    torch.testing.assert_close(rgb[3:], torch.tensor([1.0, -1.0, -1.0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(rgb[:3], rgb[:1].expand(3), atol=1e-5, rtol=0)  # grey
    assert rgb_to_lab([(rgb[0].item() + 1) / 2] * 3)[0] == pytest.approx(53.24, abs=0.01)


@pytest.mark.parametrize(("norm", "tied"), [("batch", True), ("instance", False), ("none", False)])
def test_a_picture_is_judged_alone_but_with_batch_norm(norm: str, tied: bool) -> None:
    torch.manual_seed(0)
    critic = build(base=4, norm=norm).train()
    L, ab = pictures(64, 64)
    before = critic(L, ab)[0]
    after = critic(torch.cat([L[:1], L[1:] / 4]), torch.cat([ab[:1], ab[1:] + 30]))[0]
    assert torch.allclose(before, after, atol=1e-6) != tied


@pytest.mark.parametrize("spectral", [False, True])
@pytest.mark.parametrize("norm", ["instance", "none"])
def test_a_gradient_penalty_reaches_all_kernels(norm: str, spectral: bool) -> None:
    torch.manual_seed(0)
    critic = build(base=4, norm=norm, spectral=spectral)
    gradient_penalty(critic, pictures(64, 96), pictures(64, 96)).backward()
    kernels = [p for p in critic.parameters() if p.ndim == 4]
    assert len(kernels) == 5
    for kernel in kernels:
        assert kernel.grad is not None
        assert kernel.grad.isfinite().all()
        assert kernel.grad.abs().max() > 0


def test_a_gradient_penalty_refuses_batch_norm() -> None:
    with pytest.raises(ConfigInvalid, match="BatchNorm"):
        gradient_penalty(build(base=4), pictures(64, 64), pictures(64, 64))


@pytest.mark.parametrize("norm", NORMS)
def test_gradients_are_finite(norm: str) -> None:
    torch.manual_seed(0)
    critic = build(base=4, norm=norm)
    L, ab = pictures(64, 96)
    ab.requires_grad_()
    critic(L, ab).square().mean().backward()
    for tensor in (ab, *critic.parameters()):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()


def test_spectral_norm_brings_every_kernel_to_a_gain_of_one() -> None:
    torch.manual_seed(0)
    plain, spectral = build(base=4), build(base=4, spectral=True).train()
    for _ in range(30):
        spectral(*pictures(32, 32))  # a step of the power iteration each
    gains = [
        [torch.linalg.matrix_norm(c.weight.flatten(1), 2).item() for c in _convs(critic)]
        for critic in (spectral.eval(), plain)
    ]
    assert gains[0] == pytest.approx([1] * 5, abs=0.02)
    assert max(gains[1]) < 0.9


@pytest.mark.parametrize("config", [{"norm": "layer"}, {"channels": 4}])
def test_impossible_configs_are_refused(config: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid, match=next(iter(config))):
        build(**config)
