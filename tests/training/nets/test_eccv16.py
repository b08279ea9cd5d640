"""nets/eccv16.py: its table, what it reads out of its bins, and the exported file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kolorit.colour import bins
from kolorit.errors import ConfigInvalid
from kolorit.runtime.onnx import Session
from kolorit.training.nets.eccv16 import build
from kolorit.training.onnx_file import to_onnx


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def pictures(h: int, w: int, B: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    return 100 * torch.rand(B, 1, h, w), torch.zeros(B, 3, h, w)


def test_parameter_counts() -> None:
    net = build()
    assert count(net.blocks) == 28_877_376
    assert count(net.up) + count(net.bins) == 3_358_009
    assert count(net.centres) == 2 * 313 == 626
    assert count(net) == 32_236_011


@pytest.mark.parametrize("size", [(8, 8), (32, 96), (72, 40)])
def test_shapes_and_strides(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    (h, w), net = size, build(base=2).eval()
    out = net(*pictures(h, w))
    assert out["ab"].shape == (2, 2, h, w)
    assert out["logits"].shape == (2, 313, h // 4, w // 4)
    strides = (2, 4, 8, 8, 8, 8, 8, 4)
    for (name, stage), stride in zip(net.features(*pictures(h, w)).items(), strides, strict=True):
        assert stage.shape[-2:] == (h // stride, w // stride), name


def test_lightness_enters_as_in_the_authors_network_and_hints_do_not() -> None:
    torch.manual_seed(0)
    net, seen = build(base=2).eval(), []
    net.blocks[0].register_forward_pre_hook(lambda module, x: seen.append(x[0]))
    L = torch.tensor([0.0, 50.0, 100.0, 75.0]).repeat(8, 2)[None, None]
    plain = net(L, torch.zeros(1, 3, 8, 8))
    torch.testing.assert_close(seen[0][0, 0, 0, :4], torch.tensor([-0.5, 0.0, 0.5, 0.25]))
    torch.testing.assert_close(net(L, torch.rand(1, 3, 8, 8)), plain)


def test_ab_is_the_annealed_mean_of_the_product() -> None:
    torch.manual_seed(0)
    net = build(base=2).eval()
    nn.init.normal_(net.bins.weight, std=20)
    out = net(*pictures(32, 64))
    logits = out["logits"].detach().permute(0, 2, 3, 1).numpy()
    small = torch.from_numpy(bins.annealed_mean(logits, 0.38)).permute(0, 3, 1, 2)
    want = F.interpolate(small, scale_factor=4, mode="bilinear", align_corners=False)
    assert want.std() > 1
    torch.testing.assert_close(out["ab"].detach(), want, atol=1e-3, rtol=1e-4)


def test_a_sure_bin_is_its_colour_and_the_temperature_lies_between_mode_and_mean() -> None:
    net = build(base=2, temperature=0.77).eval()
    nn.init.zeros_(net.bins.weight)
    nn.init.constant_(net.bins.bias, -100)
    first, second = (bins.BINS.tolist().index(colour) for colour in ([50, 30], [-20, 40]))
    with torch.no_grad():
        net.bins.bias[first] = np.log(0.6)
    colour = net(*pictures(8, 8))["ab"]
    torch.testing.assert_close(colour, torch.tensor([50.0, 30.0])[:, None, None].expand_as(colour))
    with torch.no_grad():
        net.bins.bias[second] = np.log(0.4)
    p = 0.628685  # of (.6, .4) at T = .77
    a = net(*pictures(8, 8))["ab"][0, 0, 4, 4].item()
    assert a == pytest.approx(50 * p - 20 * (1 - p), abs=1e-3)
    with pytest.raises(ConfigInvalid, match="temperature"):
        build(base=2, temperature=0)


def test_colours_are_exact_where_layers_run_in_16_bits() -> None:
    torch.manual_seed(0)
    net = build(base=2).eval()
    with torch.autocast("cpu", torch.bfloat16):
        out = net(*pictures(32, 32))
    assert out["ab"].dtype == out["logits"].dtype == torch.float32
    logits = out["logits"].detach().permute(0, 2, 3, 1).numpy()
    small = torch.from_numpy(bins.annealed_mean(logits, 0.38)).permute(0, 3, 1, 2)
    want = F.interpolate(small, scale_factor=4, mode="bilinear", align_corners=False)
    torch.testing.assert_close(out["ab"].detach(), want, atol=1e-3, rtol=1e-4)


def test_everything_learns_but_the_bin_centres() -> None:
    torch.manual_seed(0)
    net = build(base=2)
    out = net(*pictures(32, 40))
    (out["ab"].square().mean() + out["logits"].square().mean()).backward()
    for name, parameter in net.named_parameters():
        if name == "centres.weight":
            assert not parameter.requires_grad
            assert parameter.grad is None
        else:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
    moved = torch.optim.SGD(net.parameters(), lr=1.0, weight_decay=0.5)
    moved.step()
    assert torch.equal(net.centres.weight[:, :, 0, 0].T, torch.from_numpy(bins.BINS.copy()))


def test_dilation_widens_what_a_cell_sees() -> None:
    """325 px by hand, kernel by kernel: (k - 1) x dilation x stride so far.

    Blocks 1 and 2: 1 + 2 + 2 + 4 + 4 = 13; 3: 3 x 8 = 24; 4: 3 x 16 = 48; 5 and 6: 6 x 32 = 192;
    7: 48. Cell i is centred on 8 i + 0.5 px, where 8 i + 4 would be painted.
    """
    net = build(base=1).double().eval()
    for parameter in net.parameters():
        nn.init.constant_(parameter, 0.1)  # no ReLU is off
    L = torch.full((1, 1, 8, 512), 90.0, dtype=torch.float64, requires_grad=True)
    net.features(L)["conv7"][0, :, 0, 32].sum().backward()
    assert L.grad is not None
    seen = L.grad[0, 0].abs().sum(0).nonzero()[:, 0]
    assert len(seen) == seen[-1] - seen[0] + 1 == 325
    assert (seen[0] + seen[-1] + 1) / 2 == 8 * 32 + 0.5


def test_the_exported_file_equals_torch() -> None:
    torch.manual_seed(0)
    net = build(base=2)
    for _ in range(20):
        net(*pictures(64, 64, B=4))  # the norms get statistics
    nn.init.normal_(net.eval().bins.weight, std=20)
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
            want = net(L, hints)
        assert set(got) == set(want) == {"ab", "logits"}
        for name, tensor in want.items():
            assert tensor.std() > 0.5
            np.testing.assert_allclose(got[name], tensor, atol=2e-3, err_msg=name)
