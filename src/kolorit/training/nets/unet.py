"""The plain U-Net of the loss study: a baseline that leaves differences to the losses.

    B pictures, h and w multiples of 2^depth
    in   L (B,1,h,w) 0..100    (hints are not looked at)
    out  ab (B,2,h,w) in ab units

Levels as in Ronneberger et al. 2015, figure 1: two 3x3 convolutions, max-pooling on the way down,
a concatenated skip on the way up. Otherwise than there: padded convolutions, so the answer is as
large as the picture; norms; the width stays at 8 bases; bilinear upsampling, which leaves no
chequers; and ab is a linear answer without tanh, so that no loss meets a saturated one. The
study itself: Ballester et al. 2022, "Analysis of Different Losses for Deep Learning Image
Colorization", which one network serves with all losses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid

_REACH = 110  # ab units at an answer of 1
_NORMS = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d, "none": None}


@dataclass(frozen=True)
class UNet:
    """base: channels at full size. depth: how often it halves. norm: batch, instance or none."""

    base: int = 64
    depth: int = 4
    norm: str = "batch"


class UNetModule(nn.Module):
    def __init__(self, config: UNet):
        super().__init__()
        widths = [config.base * min(2**k, 8) for k in range(config.depth + 1)]
        self.down = nn.ModuleList(
            _level(i, o, config.norm) for i, o in zip([1, *widths], widths, strict=False)
        )
        steps = zip(widths[:0:-1], widths[-2::-1], strict=True)  # deepest first
        self.up = nn.ModuleList(_level(deep + skip, skip, config.norm) for deep, skip in steps)
        self.ab = nn.Conv2d(widths[0], 2, 1)
        nn.init.zeros_(self.ab.weight)  # starts as a grey picture
        nn.init.zeros_(self.ab.bias)  # type: ignore[arg-type]

    def features(self, L: Tensor, hints: Tensor | None = None) -> dict[str, Tensor]:
        """Every level by name, for probes: s1, s2, s4, ... on the way down; ..., up2, up1."""
        x, skips = (L - 50) / 50, []  # (B,1,h,w) -1..1
        for k, level in enumerate(self.down):
            x = level(F.max_pool2d(x, 2) if k else x)  # (B,width,h/s,w/s), s = 2^k
            skips.append(x)
        stages = {f"s{2**k}": skip for k, skip in enumerate(skips)}
        for k, level in zip(reversed(range(len(self.up))), self.up, strict=True):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = level(torch.cat([x, skips[k]], 1))  # (B,width,h/s,w/s), s = 2^k
            stages[f"up{2**k}"] = x
        return stages

    def forward(self, L: Tensor, hints: Tensor | None = None) -> dict[str, Tensor]:
        return {"ab": _REACH * self.ab(self.features(L)["up1"]).float()}  # (B,2,h,w)


def _level(i: int, o: int, norm: str) -> nn.Sequential:
    """Two 3x3 convolutions, each with norm and ReLU; biases only where no norm brings its own."""
    kind = _NORMS[norm]
    layers: list[nn.Module] = []
    for width in (i, o):
        layers.append(nn.Conv2d(width, o, 3, padding=1, bias=kind is None))
        layers += [kind(o, affine=True)] if kind else []
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def build(weights: dict[str, Tensor] | None = None, **config: Any) -> UNetModule:
    """A new network; ``weights``: all of its tensors by name. Raises ConfigInvalid."""
    settings = UNet(**config)
    if settings.norm not in _NORMS:
        remedy = f"Use one of: {', '.join(_NORMS)}."
        raise ConfigInvalid(f"norm = '{settings.norm}'", remedy=remedy)
    if not 1 <= settings.depth <= 5:
        raise ConfigInvalid(f"depth = {settings.depth}", remedy="Use 1 to 5: sides are 32 n px.")
    net = UNetModule(settings)
    if weights is not None:
        net.load_state_dict(weights)
    return net
