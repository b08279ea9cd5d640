"""Colorful Image Colorization: the colour of each cell as a choice among the 313 ab bins.

A plain chain of 3x3 convolutions without skips. Dilation keeps it at stride 8 from block 3 on, and
one transposed convolution brings it to stride 4.

    B pictures, h and w multiples of 8, Q = 313 ab bins
    in   L (B,1,h,w) 0..100    (hints are not looked at)
    out  ab (B,2,h,w) in ab units, logits (B,Q,h/4,w/4)

32,236,011 parameters at base 64, the 626 of the fixed bin centres among them. Source: Zhang, Isola,
Efros 2016, figure 2 and section 2.3; scaled as in the authors' public network. As there, kernels
are padded alike on both sides: each stride of 2 looks half a cell to the left of and above where
its cell is painted, 3.5 px in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.colour.bins import BINS
from kolorit.errors import ConfigInvalid

# convolutions, width in bases, stride of the last one, dilation
_BLOCKS = (
    (2, 1, 2, 1),
    (2, 2, 2, 1),
    (3, 4, 2, 1),
    (3, 8, 1, 1),
    (3, 8, 1, 2),
    (3, 8, 1, 2),
    (3, 8, 1, 1),
)


@dataclass(frozen=True)
class ECCV16:
    """base: channels of the first block. temperature: of the annealed mean, 0..1, mode to mean."""

    base: int = 64
    temperature: float = 0.38


class ECCV16Module(nn.Module):
    def __init__(self, config: ECCV16):
        super().__init__()
        self.config = config
        blocks, i = [], 1
        for convs, width, stride, dilation in _BLOCKS:
            blocks.append(_block(i, width * config.base, convs, stride, dilation))
            i = width * config.base
        self.blocks = nn.ModuleList(blocks)
        o = 4 * config.base
        self.up = nn.Sequential(
            nn.ConvTranspose2d(i, o, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(o, o, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(o, o, 3, padding=1),
            nn.ReLU(),
        )
        self.bins = nn.Conv2d(o, len(BINS), 1)
        self.centres = nn.Conv2d(len(BINS), 2, 1, bias=False).requires_grad_(False)
        with torch.no_grad():
            self.centres.weight.copy_(torch.from_numpy(BINS.T.copy())[:, :, None, None])

    def features(self, L: Tensor, hints: Tensor | None = None) -> dict[str, Tensor]:
        """Every block by name, for probes: conv1..conv8, at strides 2, 4, 8 (five times) and 4."""
        x, stages = (L - 50) / 100, {}  # (B,1,h,w) -0.5..0.5
        for k, block in enumerate(self.blocks, 1):
            x = block(x)  # (B,C,h/2,w/2), (B,C,h/4,w/4), then (B,C,h/8,w/8)
            stages[f"conv{k}"] = x
        return {**stages, "conv8": self.up(x)}  # (B,4 base,h/4,w/4)

    def forward(self, L: Tensor, hints: Tensor | None = None) -> dict[str, Tensor]:
        logits = self.bins(self.features(L)["conv8"]).float()  # (B,Q,h/4,w/4)
        with torch.autocast(L.device.type, enabled=False):  # 16 bits are too few for colours
            p = torch.softmax(logits / self.config.temperature, 1)  # (B,Q,h/4,w/4)
            ab = self.centres(p)  # (B,2,h/4,w/4) ab units
        ab = F.interpolate(ab, scale_factor=4, mode="bilinear", align_corners=False)  # (B,2,h,w)
        return {"ab": ab, "logits": logits}


def _block(i: int, o: int, convs: int, stride: int, dilation: int) -> nn.Sequential:
    """3x3 convolutions with ReLU, the last one with the stride; one norm at the end."""
    layers: list[nn.Module] = []
    for k in range(convs):
        step = stride if k == convs - 1 else 1
        layers += [nn.Conv2d(i if k == 0 else o, o, 3, step, dilation, dilation), nn.ReLU()]
    return nn.Sequential(*layers, nn.BatchNorm2d(o))


def build(weights: dict[str, Tensor] | None = None, **config: Any) -> ECCV16Module:
    """A new network; ``weights``: all of its tensors by name. Raises ConfigInvalid."""
    settings = ECCV16(**config)
    if not 0 < settings.temperature <= 1:
        raise ConfigInvalid(f"temperature = {settings.temperature}", remedy="Use 0 to 1, above 0.")
    net = ECCV16Module(settings)
    if weights is not None:
        net.load_state_dict(weights)
    return net
