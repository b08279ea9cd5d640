"""MobileNetV2 1.0 (Sandler et al. 2018, table 2): what a picture shows, and its pooled features.

Names are torchvision's, padding is TensorFlow's, as the weights at hand want it: with torchvision's
a tenth of the right answers turn wrong. Input: a picture with short side 256, its central 224 x
224, each channel from -1 to 1; not ImageNet's mean and deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.backbones import to_tensor
from kolorit.evaluate.deep.kinds import Classifier, Embedding
from kolorit.evaluate.deep.weights import read_tensors
from kolorit.picture.rgb import resize_rgb

SHORT, SIDE = 256, 224  # pixels: of the picture, of its middle
_BLOCKS = (  # expansion, width, repeats, first stride
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_WIDEST, _CLASSES = 1280, 1000


class MobileNetV2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        parts: list[nn.Module] = [_conv(3, 32, 3, stride=2)]
        i = 32
        for expansion, width, repeats, first in _BLOCKS:
            for k in range(repeats):
                parts.append(_Inverted(i, width, expansion, first if k == 0 else 1))
                i = width
        self.features = nn.Sequential(*parts, _conv(i, _WIDEST, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(_WIDEST, _CLASSES))

    def pool(self, rgb: Tensor) -> Tensor:
        """(B,1280), mean over places, of rgb (B,3,224,224) in [0, 1]."""
        pooled: Tensor = self.features((rgb - 0.5) / 0.5).mean((2, 3))
        return pooled

    def forward(self, rgb: Tensor) -> Tensor:
        """Logits (B,1000)."""
        logits: Tensor = self.classifier(self.pool(rgb))
        return logits


class _Inverted(nn.Module):
    """1x1 wider, 3x3 channel by channel, 1x1 narrow and linear; added to the input if it fits."""

    def __init__(self, i: int, o: int, expansion: int, stride: int):
        super().__init__()
        wide = i * expansion
        parts: list[nn.Module] = [_conv(i, wide, 1)] if expansion > 1 else []
        parts += [_conv(wide, wide, 3, stride=stride, groups=wide)]
        parts += [nn.Conv2d(wide, o, 1, bias=False), nn.BatchNorm2d(o)]
        self.conv = nn.Sequential(*parts)
        self.adds = stride == 1 and i == o

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.adds else y


class _Same(nn.Conv2d):
    """3x3 at stride 2 and even sizes as TensorFlow pads it: nothing left and above, 1 on."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1, 0, 1)))


def _conv(i: int, o: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    made = (
        _Same(i, o, kernel, 2, groups=groups, bias=False)
        if stride == 2
        else nn.Conv2d(i, o, kernel, padding=kernel // 2, groups=groups, bias=False)
    )
    return nn.Sequential(made, nn.BatchNorm2d(o), nn.ReLU6())


def load_classifier(weights: Path, classes: Path) -> Classifier:
    """What a picture shows. Raises ConfigInvalid for files that are missing or do not fit."""
    names, net, pool = read_classes(classes), _load(weights), _pooling(weights)

    def choose(rgb: np.ndarray) -> int:
        with torch.inference_mode():
            return int(net.classifier(pool(rgb.tobytes(), rgb.shape)).argmax())

    return Classifier("mobilenet_v2", names, choose)


def load_mobilenet1280(weights: Path) -> Embedding:
    """What the classifier decides by. Raises ConfigInvalid as `load_classifier`."""
    pool = _pooling(weights)

    def place(rgb: np.ndarray) -> np.ndarray:
        return np.asarray(pool(rgb.tobytes(), rgb.shape)[0].numpy())

    return Embedding("mobilenet1280", _WIDEST, place)


def read_classes(path: Path) -> tuple[str, ...]:
    """The lines "wnid names" of a file, in the order of the logits.

    Raises ConfigInvalid unless it is there and has 1000 of them, none empty.
    """
    if not path.is_file():
        raise ConfigInvalid(
            "the names of the classes are missing", file=path, remedy="Put the file there."
        )
    lines = path.read_text("utf-8", errors="replace").splitlines()
    if len(lines) != _CLASSES:
        raise ConfigInvalid(
            f"this names {len(lines)} classes, not {_CLASSES}",
            file=path,
            remedy="Give a line for each class of ImageNet, in the order of the network.",
        )
    if blank := [number for number, line in enumerate(lines, 1) if not line.strip()]:
        raise ConfigInvalid(
            f"line {blank[0]} names no class",
            file=path,
            remedy="Give a line for each class of ImageNet, in the order of the network.",
        )
    return tuple(lines)


def cut_middle(rgb: np.ndarray) -> np.ndarray:
    """The central (224,224,3) of rgb (H,W,3) uint8, whose short side is brought to 256 first."""
    scale = SHORT / min(rgb.shape[:2])
    if scale != 1:
        height, width = (round(n * scale) for n in rgb.shape[:2])
        rgb = resize_rgb(rgb, (height, width))
    top, left = ((n - SIDE) // 2 for n in rgb.shape[:2])
    return rgb[top : top + SIDE, left : left + SIDE]


@cache
def _load(path: Path) -> MobileNetV2:
    """One for all judges, loaded once."""
    return load_mobilenet(path)


def load_mobilenet(path: Path) -> MobileNetV2:
    """The network in evaluation mode, with the weights of a safetensors file.

    Raises ConfigInvalid for a file that is missing or has other weights.
    """
    net = MobileNetV2()
    counters = {k: v for k, v in net.state_dict().items() if k.endswith("num_batches_tracked")}
    try:  # files leave these counters out as a rule
        net.load_state_dict(counters | read_tensors(path))
    except RuntimeError as error:
        raise ConfigInvalid(
            "these are not the weights of MobileNetV2 1.0",
            file=path,
            remedy="Give a state dict with torchvision's names (features.0.0.weight ...).",
        ) from error
    return net.eval().requires_grad_(False)


@cache
def _pooling(path: Path) -> Callable[[bytes, tuple[int, ...]], Tensor]:
    """Pooled features (1,1280) of a picture's bytes and shape, kept for the one asked for last."""
    net = _load(path)

    @lru_cache(maxsize=1)
    def pool(data: bytes, shape: tuple[int, ...]) -> Tensor:
        with torch.inference_mode():
            return net.pool(to_tensor(cut_middle(np.frombuffer(data, np.uint8).reshape(shape))))

    return pool
