"""Deep features of pictures: three published ImageNet networks, up to what LPIPS reads of them.

Layers and names are torchvision's, so that its weights fit. The weights come from a file and stay
as they are: no gradient, no state.

    squeezenet   SqueezeNet 1.1, Iandola et al. 2016    7 stages
    vgg16        Simonyan and Zisserman 2015, table 1 D 5 stages
    alexnet      Krizhevsky 2014 (one column)           5 stages
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.weights import read_published, read_tensors

CPU = torch.device("cpu")
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, RGB in [0, 1]


class DeepFeatures(nn.Module):
    """The layers of a network, and the indices after which its features are read."""

    def __init__(self, layers: list[nn.Module], taps: tuple[int, ...]):
        super().__init__()
        self.features = nn.Sequential(*layers)
        self.taps = taps

    def forward(self, rgb: Tensor) -> list[Tensor]:
        """Features (B,C,h/s,w/s), one a stage, none negative, of rgb (B,3,h,w) about [0, 1]."""
        x, found = normalise(rgb), []
        for k, layer in enumerate(self.features):
            x = layer(x)
            if k in self.taps:
                found.append(x)
        return found


class _Fire(nn.Module):
    """Narrow 1x1, then widen by 1x1 and 3x3 side by side."""

    def __init__(self, i: int, narrow: int, wide: int):
        super().__init__()
        self.squeeze = nn.Conv2d(i, narrow, 1)
        self.expand1x1 = nn.Conv2d(narrow, wide, 1)
        self.expand3x3 = nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))


def squeezenet() -> DeepFeatures:
    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool()]
    layers += [_Fire(64, 16, 64), _Fire(128, 16, 64), pool()]
    layers += [_Fire(128, 32, 128), _Fire(256, 32, 128), pool()]
    layers += [_Fire(256, 48, 192), _Fire(384, 48, 192), _Fire(384, 64, 256), _Fire(512, 64, 256)]
    return DeepFeatures(layers, (1, 4, 7, 9, 10, 11, 12))


def vgg16() -> DeepFeatures:
    layers: list[nn.Module] = []
    taps, i = [], 3
    for wide, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(repeats):
            layers += [nn.Conv2d(i, wide, 3, padding=1), nn.ReLU()]
            i = wide
        taps.append(len(layers) - 1)
        layers.append(nn.MaxPool2d(2))
    return DeepFeatures(layers[:-1], tuple(taps))


def alexnet() -> DeepFeatures:
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)]
    layers += [nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)]
    layers += [nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()]
    layers += [nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()]
    layers += [nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()]
    return DeepFeatures(layers, (1, 4, 7, 9, 11))


BACKBONES = {"squeezenet": squeezenet, "vgg16": vgg16, "alexnet": alexnet}


def to_tensor(rgb: np.ndarray) -> Tensor:
    """rgb (1,3,h,w) float32 in [0, 1] of rgb (h,w,3) uint8: the one way in for bytes."""
    return torch.from_numpy(rgb.astype(np.float32) / 255).permute(2, 0, 1)[None]


def normalise(rgb: Tensor) -> Tensor:
    """rgb (B,3,h,w) in [0, 1] less ImageNet's mean, over its deviation."""
    mean, deviation = (rgb.new_tensor(x)[:, None, None] for x in (MEAN, DEVIATION))
    return (rgb - mean) / deviation


@cache
def load_backbone(name: str, path: Path, device: torch.device, dtype: torch.dtype) -> DeepFeatures:
    """The network with its weights, frozen, in evaluation mode; loaded once.

    Raises ConfigInvalid for an unknown name, and for a file that is missing or of another network.
    """
    if name not in BACKBONES:
        raise ConfigInvalid(f"no backbone '{name}'", remedy=f"Use one of: {', '.join(BACKBONES)}.")
    tensors = read_published(path) if path.suffix == ".pth" else read_tensors(path)
    with torch.device("meta"):  # no random start: it would shift the random numbers of the run
        net = BACKBONES[name]()
    try:  # the classifier, if the file has one, is not needed
        net.load_state_dict(
            {k: v for k, v in tensors.items() if k.startswith("features.")}, assign=True
        )
    except RuntimeError as error:
        raise ConfigInvalid(
            f"these are not the weights of {name}",
            file=path,
            remedy="Give a state dict with torchvision's names (features.0.weight ...).",
        ) from error
    with torch.inference_mode(False):
        return net.to(device, dtype).eval().requires_grad_(False)
