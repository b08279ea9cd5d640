"""training/geometry.py: layers whose centres are plain arithmetic. Encoders: test_seed_a."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from kolorit.training.geometry import first_centres, linear_probe, seen_from


class Levels(nn.Module):
    """Gives the map after each part, as an encoder gives its levels."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for part in self.parts:
            x = part(x)
            found.append(x)
        return found


class SqueezeExcite(nn.Module):
    """A gate: every place looks at all others."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.weigh(x.mean((2, 3), keepdim=True)))


def halves(i: int, o: int, kernel: int, padding: int = 0) -> nn.Module:
    conv = nn.Conv2d(i, o, kernel, 2, padding)
    return nn.Sequential(conv, nn.BatchNorm2d(o), nn.LeakyReLU(-0.5))


@pytest.mark.parametrize(
    ("kernel", "padding", "first", "second"),
    [
        (2, 0, 1.0, 2.0),  # where a decoder paints: stride / 2
        (3, 0, 1.5, 3.5),  # cell i of the first sees pixels 2i, 2i+1, 2i+2
        (3, 1, 0.5, 0.5),
        (5, 0, 2.5, 6.5),
        (7, 3, 0.5, 0.5),
    ],
)
def test_centres_of_two_strided_convolutions(
    kernel: int, padding: int, first: float, second: float
) -> None:
    torch.manual_seed(0)
    net = Levels(halves(3, 4, kernel, padding), halves(4, 4, kernel, padding))
    assert first_centres(net, [2, 4], 64) == [first, second]


@pytest.mark.parametrize(
    ("pool", "centre"),
    [(nn.MaxPool2d(3, 2), 1.5), (nn.MaxPool2d(2), 1.0), (nn.AvgPool2d(3, 2, 1), 0.5)],
)
def test_centres_of_pools(pool: nn.Module, centre: float) -> None:
    assert first_centres(Levels(pool), [2], 64) == [centre]


def test_gates_and_norms_do_not_move_them() -> None:
    torch.manual_seed(0)
    bare = Levels(halves(3, 8, 3))
    gated = Levels(nn.Sequential(halves(3, 8, 3), SqueezeExcite(8), nn.GroupNorm(2, 8)))
    assert first_centres(gated, [2], 64) == first_centres(bare, [2], 64) == [1.5]


def test_borders_do_not_move_them() -> None:
    """The middle cell of three reaches over the left border, and not over the right one."""
    assert first_centres(Levels(nn.Conv2d(3, 4, 7, 2, 3)), [2], 6) == [0.5]


def test_the_probe_is_linear_and_the_network_stays_as_it_was() -> None:
    torch.manual_seed(0)
    net = Levels(nn.Sequential(halves(3, 4, 3), SqueezeExcite(4))).train()
    before = copy.deepcopy(net.state_dict())
    probe = linear_probe(net)
    first_centres(net, [2], 64)
    assert net.training
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert not any(isinstance(m, (nn.BatchNorm2d, nn.LeakyReLU)) for m in probe.modules())
    x = torch.rand(2, 3, 16, 16)
    one, two, both = probe(x[:1])[0], probe(x[1:])[0], probe(x[:1] + x[1:])[0]
    torch.testing.assert_close(both, one + two)


def test_seen_from_is_the_centroid_of_what_a_cell_reads() -> None:
    x = torch.zeros(1, 1, 8, 8, requires_grad=True)
    weight = torch.tensor([0.0, 0, 1, 0, 0, -3, 0, 0])  # the sign does not matter
    level = (x * weight).sum(3, keepdim=True).expand(1, 1, 8, 4)
    assert seen_from(level, x, 1) == pytest.approx((1 * 2.5 + 3 * 5.5) / 4)
