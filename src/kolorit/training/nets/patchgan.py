"""The PatchGAN-70 critic: says of each 70 x 70 patch of a picture whether its colours look true.

    B pictures of at least 32 x 32 px
    in   L (B,1,h,w) 0..100, ab (B,2,h,w) in ab units
    out  logits (B,1,h/8-2,w/8-2) for h, w multiples of 8; any real: no sigmoid behind them

With L beside ab it is conditional: it sees whether a colour fits its thing. 2,765,633 parameters at
3 channels, 2,768,705 at 6. Source: Isola et al. 2017, 3.2.2 and appendix 6.1.2 (the first layer
has no norm); spectral norm: Miyato et al. 2018, section 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from kolorit.errors import ConfigInvalid
from kolorit.training.colour import lab_to_rgb

_NORMS = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d, "none": None}


@dataclass(frozen=True)
class PatchGAN:
    """What the critic looks at, and its norms.

    channels: 3 = L, a, b; 6 = the grey and the coloured picture side by side, both in RGB, as the
    source has it. base: channels of the first layer. norm: batch, instance or none; with a
    gradient penalty not batch, which lets a picture's logits depend on its neighbours. spectral:
    every kernel divided by its largest singular value.
    """

    channels: int = 3
    base: int = 64
    norm: str = "batch"
    spectral: bool = False


class PatchGANModule(nn.Module):
    def __init__(self, config: PatchGAN):
        super().__init__()
        self.config = config
        norm, widths = _NORMS[config.norm], [config.base * k for k in (1, 2, 4, 8)]
        layers: list[nn.Module] = [_conv(config.channels, widths[0], 2, config), nn.LeakyReLU(0.2)]
        for i, o, stride in zip(widths, widths[1:], (2, 2, 1), strict=False):
            layers.append(_conv(i, o, stride, config, bias=norm is None))
            layers += [norm(o, affine=True)] if norm else []
            layers.append(nn.LeakyReLU(0.2))
        layers.append(_conv(widths[-1], 1, 1, config))
        self.layers = nn.Sequential(*layers)

    def forward(self, L: Tensor, ab: Tensor) -> Tensor:
        if self.config.channels == 3:
            x = torch.cat([(L - 50) / 50, ab / 110], 1)  # (B,3,h,w) about -1..1
        else:
            grey = lab_to_rgb(L, torch.zeros_like(ab))  # (B,3,h,w) 0..1
            x = 2 * torch.cat([grey, lab_to_rgb(L, ab)], 1) - 1  # (B,6,h,w) about -1..1
        logits: Tensor = self.layers(x)  # strides 2, 4, 8, 8, 8
        return logits.float()  # (B,1,h/8-2,w/8-2)


def _conv(i: int, o: int, stride: int, config: PatchGAN, bias: bool = True) -> nn.Module:
    conv = nn.Conv2d(i, o, 4, stride, padding=1, bias=bias)
    nn.init.normal_(conv.weight, std=0.02)
    return spectral_norm(conv) if config.spectral else conv


def build(weights: dict[str, Tensor] | None = None, **config: Any) -> PatchGANModule:
    """A new critic; ``weights``: all of its tensors by name. Raises ConfigInvalid."""
    settings = PatchGAN(**config)
    if settings.norm not in _NORMS:
        remedy = f"Use one of: {', '.join(_NORMS)}."
        raise ConfigInvalid(f"norm = '{settings.norm}'", remedy=remedy)
    if settings.channels not in (3, 6):
        remedy = "Use 3 (L, a, b) or 6 (grey and coloured)."
        raise ConfigInvalid(f"channels = {settings.channels}", remedy=remedy)
    net = PatchGANModule(settings)
    if weights is not None:
        net.load_state_dict(weights)
    return net
