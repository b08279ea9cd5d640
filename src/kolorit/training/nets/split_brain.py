"""The split-brain pair: one half tells ab from L, the other L from ab; their features are joined.

    B pictures, h and w multiples of 8, Q = 313 ab bins, 50 lightness bins
    in   L (B,1,h,w) 0..100, ab (B,2,h,w) in ab units where the second half is wanted
    out  ab (B,2,h,w) in ab units, logits (B,Q,h/8,w/8); L_logits (B,50,h/8,w/8) where ab is given

Only the first half colours. Each half is an AlexNet (Krizhevsky et al. 2012) of half its channels
in which the fully connected layers are convolutions. Source: Zhang, Isola, Efros 2017, "Split-Brain
Autoencoders", with classification both ways ("cl,cl"). Lightness has 50 bins of 2 L units each:
bin k holds L from 2k to 2k + 2, the last one 100 too.

Otherwise than there, since AlexNet's cells are too coarse to paint with: the second pooling has no
stride, and what follows is dilated by as much, so cells stay at stride 8 and see what they saw at
stride 16. There is no third pooling. fc6 has 3x3 kernels dilated by 4 in place of 6x6. Batch norm
stands in for local response norm. conv1 pads more on the right than on the left, and so each cell
at stride 8 looks, within half a pixel, at the place where it is painted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.colour.bins import BINS
from kolorit.errors import ConfigInvalid
from kolorit.training.colour import annealed_mean

LIGHTNESS_BINS = 50
_LEFT, _RIGHT = 2, 5  # padding of conv1


@dataclass(frozen=True)
class SplitBrain:
    """widths: channels of conv1..conv5 of one half. deep: of fc6 and fc7.

    temperature: of the annealed mean, 0..1, mode to mean. both: whether the half that gives L of ab
    learns too; it needs the true ab in forward and a loss on "L_logits".
    """

    widths: tuple[int, ...] = (48, 128, 192, 192, 128)
    deep: int = 2048
    temperature: float = 0.38
    both: bool = False


class _Half(nn.Module):
    """``channels`` (B,channels,h,w) in about -1..1 -> logits (B,classes,h/8,w/8)."""

    def __init__(self, channels: int, classes: int, config: SplitBrain):
        super().__init__()
        one, two, three, four, five = config.widths
        self.conv1 = _block(channels, one, 11, stride=4)
        self.pool1, self.pool2 = nn.MaxPool2d(3, 2, padding=1), nn.MaxPool2d(3, 1, padding=1)
        self.conv2 = _block(one, two, 5)
        self.conv3 = _block(two, three, 3, dilation=2)
        self.conv4 = _block(three, four, 3, dilation=2)
        self.conv5 = _block(four, five, 3, dilation=2)
        self.fc6 = _block(five, config.deep, 3, dilation=4)
        self.fc7 = _block(config.deep, config.deep, 1)
        self.classes = nn.Conv2d(config.deep, classes, 1)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        conv1 = self.conv1(F.pad(x, (_LEFT, _RIGHT) * 2))  # (B,one,h/4,w/4)
        conv2 = self.conv2(self.pool1(conv1))  # (B,two,h/8,w/8)
        conv3 = self.conv3(self.pool2(conv2))  # (B,three,h/8,w/8)
        conv4 = self.conv4(conv3)  # (B,four,h/8,w/8)
        conv5 = self.conv5(conv4)  # (B,five,h/8,w/8)
        return {"conv1": conv1, "conv2": conv2, "conv3": conv3, "conv4": conv4, "conv5": conv5}

    def forward(self, x: Tensor) -> Tensor:
        deep = self.fc7(self.fc6(self.features(x)["conv5"]))  # (B,deep,h/8,w/8)
        logits: Tensor = self.classes(deep)
        return logits.float()


class SplitBrainModule(nn.Module):
    def __init__(self, config: SplitBrain):
        super().__init__()
        self.config = config
        self.colour_of_lightness = _Half(1, len(BINS), config)
        self.lightness_of_colour = _Half(2, LIGHTNESS_BINS, config)
        self.lightness_of_colour.requires_grad_(config.both)

    def features(
        self, L: Tensor, hints: Tensor | None = None, ab: Tensor | None = None
    ) -> dict[str, Tensor]:
        """conv1..conv5 for probes: of the first half; with ab both halves' channels, first's first.

        conv1 (B,C,h/4,w/4), all others (B,C,h/8,w/8).
        """
        stages = self.colour_of_lightness.features((L - 50) / 50)
        if ab is None:
            return stages
        others = self.lightness_of_colour.features(ab / 110)
        return {name: torch.cat([stages[name], others[name]], 1) for name in stages}

    def lightness_logits(self, ab: Tensor) -> Tensor:
        """Scores of the lightness bins (B,50,h/8,w/8), any real, from ab (B,2,h,w) in ab units."""
        logits: Tensor = self.lightness_of_colour(ab / 110)
        return logits

    def forward(
        self, L: Tensor, hints: Tensor | None = None, ab: Tensor | None = None
    ) -> dict[str, Tensor]:
        logits = self.colour_of_lightness((L - 50) / 50)  # (B,Q,h/8,w/8)
        with torch.autocast(L.device.type, enabled=False):  # 16 bits are too few for colours
            shown = annealed_mean(logits, self.config.temperature)  # (B,2,h/8,w/8) ab units
        shown = F.interpolate(shown, scale_factor=8, mode="bilinear", align_corners=False)
        out = {"ab": shown, "logits": logits}  # ab (B,2,h,w)
        return out if ab is None else {**out, "L_logits": self.lightness_logits(ab)}


def _block(i: int, o: int, kernel: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution, norm, ReLU; padded to keep the size, but for the one with a stride."""
    padding = 0 if stride > 1 else dilation * (kernel // 2)
    conv = nn.Conv2d(i, o, kernel, stride, padding, dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(o), nn.ReLU())


def build(weights: dict[str, Tensor] | None = None, **config: Any) -> SplitBrainModule:
    """A new pair; ``weights``: all of its tensors by name. Raises ConfigInvalid."""
    config = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
    settings = SplitBrain(**config)
    if len(settings.widths) != 5:
        raise ConfigInvalid(f"widths = {settings.widths}", remedy="Give five.")
    if not 0 < settings.temperature <= 1:
        raise ConfigInvalid(f"temperature = {settings.temperature}", remedy="Use 0 to 1, above 0.")
    net = SplitBrainModule(settings)
    if weights is not None:
        net.load_state_dict(weights)
    return net
