"""Classifiers of maps (B,C,side,side), all of them untaught.

two-conv            the second study's: two convolutions and a mean
resnet18, resnet50  timm's; their stem is fitted to small maps
vit_tiny            timm's; 8 x 8 patches whatever the side

On the picture itself such a classifier learns from nothing but the labels; on a frozen encoder's
maps it shows what the encoder brings to a strong one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from kolorit.errors import DeviceUnavailable
from kolorit.training.representation.two_conv import TwoConv

_CELLS = 4  # a side that a residual network's last maps keep where they can
_PATCHES = 8  # a side


def _resnet(name: str, channels: int, side: int, classes: int) -> nn.Module:
    """He et al. 2016. Its blocks halve three times, its stem as often as leaves four cells a side.

    Made for 224 px, the stem halves twice by itself; without its pooling once; the 3x3 convolution
    that the paper has for pictures of 32 px does not.
    """
    net: Any = _timm().create_model(name, pretrained=False, in_chans=channels, num_classes=classes)
    if side < 2**5 * _CELLS:
        net.maxpool = nn.Identity()
    if side < 2**4 * _CELLS:
        net.conv1 = nn.Conv2d(channels, net.conv1.out_channels, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    whole: nn.Module = net
    return whole


def _vit(channels: int, side: int, classes: int) -> nn.Module:
    patch = max(1, side // _PATCHES)
    net: nn.Module = _timm().create_model(
        "vit_tiny_patch16_224",
        pretrained=False,
        img_size=side,
        patch_size=patch,
        in_chans=channels,
        num_classes=classes,
    )
    return net


# name -> what makes one for channels, side of the maps, classes
CLASSIFIERS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "two-conv": lambda channels, _, classes: TwoConv(channels, classes),
    "resnet18": partial(_resnet, "resnet18"),
    "resnet50": partial(_resnet, "resnet50"),
    "vit_tiny": _vit,
}


def _timm() -> Any:
    """timm; raises DeviceUnavailable without it."""
    try:
        import timm
    except ImportError as error:
        remedy = "pip install 'kolorit[train]'"
        raise DeviceUnavailable(f"this classifier needs timm: {error}", remedy=remedy) from error
    return timm
