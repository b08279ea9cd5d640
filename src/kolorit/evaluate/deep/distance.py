"""How far two pictures are apart in the features of an ImageNet network.

Without linear heads this is a plain feature distance: unit-normalised, unweighted, and not LPIPS.
With the published heads, and the very backbone weights that they were fitted to (torchvision's
VGG16, AlexNet or SqueezeNet), it is LPIPS 0.1. The SqueezeNet of the Caffe release is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.backbones import CPU, DeepFeatures, load_backbone, to_tensor
from kolorit.evaluate.deep.kinds import Distance
from kolorit.evaluate.deep.weights import read_tensors

_HEADS = {"squeezenet": "squeeze", "vgg16": "vgg", "alexnet": "alex"}
_EPS = 1e-10
_LEAST = 32  # pixels each way: below that the deepest features have no place left


def load_distance(name: str, backbone: str, weights: Path, heads: Path | None = None) -> Distance:
    """A distance of pictures in bytes, on the CPU; with heads it is `lpips_distance`.

    Raises ConfigInvalid as `load_backbone` and `load_heads`, and when it is asked for pictures of
    less than 32 pixels a side.
    """
    net = load_backbone(backbone, weights, CPU, torch.float32)
    linear = None if heads is None else load_heads(backbone, heads, CPU, torch.float32)

    @lru_cache(maxsize=1)  # the truth stays while the rows that are judged change
    def of_truth(data: bytes, shape: tuple[int, ...]) -> list[Tensor]:
        return read_stages(net, to_tensor(np.frombuffer(data, np.uint8).reshape(shape)))

    def measure(shown: np.ndarray, truth: np.ndarray) -> float:
        with torch.inference_mode():
            of_shown = read_stages(net, to_tensor(shown))
            there = of_truth(truth.tobytes(), truth.shape)
            return float(compare(of_shown, there, linear))

    return Distance(name, measure)


def picture_distance(
    net: DeepFeatures, shown: Tensor, truth: Tensor, heads: Sequence[Tensor] | None = None
) -> Tensor:
    """Distance (B,) of pictures (B,3,h,w); gradients reach ``shown`` only.

    About [0, 1] and not checked: colours out of gamut lie outside. Who calls it answers for the
    range, as the loss does by its Lab and `load_distance` by taking bytes. Raises ConfigInvalid
    for pictures of less than 32 pixels a side, and for heads of another backbone.
    """
    with torch.no_grad():
        of_truth = read_stages(net, truth)
    return compare(read_stages(net, shown), of_truth, heads)


def read_stages(net: DeepFeatures, rgb: Tensor) -> list[Tensor]:
    """The features (B,C,h/s,w/s) of each stage; ConfigInvalid for pictures that are too small."""
    if min(rgb.shape[2:]) < _LEAST:
        raise ConfigInvalid(
            f"pictures of {tuple(rgb.shape[2:])} pixels are too small for deep features",
            remedy=f"Use pictures or crops of {_LEAST} pixels or more.",
        )
    found: list[Tensor] = net(rgb)
    return found


def compare(
    features_x: Sequence[Tensor], features_y: Sequence[Tensor], heads: Sequence[Tensor] | None
) -> Tensor:
    """`lpips_distance` with heads, `feature_distance` without.

    Raises ConfigInvalid for heads of another backbone.
    """
    if heads is None:
        return feature_distance(features_x, features_y)
    if [len(head) for head in heads] != [x.shape[1] for x in features_x]:
        raise ConfigInvalid(
            "these linear heads belong to another backbone",
            remedy="Name the file with the heads of this one.",
        )
    return lpips_distance(features_x, features_y, heads)


def lpips_distance(
    features_x: Sequence[Tensor], features_y: Sequence[Tensor], heads: Sequence[Tensor]
) -> Tensor:
    """sum_l mean_hw sum_c w_lc (x^ - y^)^2, with x^ = x over its length along the channels.

    features (B,C,h,w) of each stage l, heads (C,) of each, none negative; returns (B,). Source:
    Zhang et al. 2018 (LPIPS), eq. 1, version 0.1, whose epsilon is 1e-10.
    """
    parts = []
    for x, y, head in zip(features_x, features_y, heads, strict=True):
        square = (_unit(x) - _unit(y)).square()  # (B,C,h,w)
        parts.append((head[:, None, None] * square).sum(1).mean((1, 2)))
    return torch.stack(parts).sum(0)


def feature_distance(features_x: Sequence[Tensor], features_y: Sequence[Tensor]) -> Tensor:
    """`lpips_distance` with all weights 1, which makes it another distance than LPIPS."""
    return lpips_distance(features_x, features_y, [x.new_ones(x.shape[1]) for x in features_x])


@cache
def load_heads(
    backbone: str, path: Path, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, ...]:
    """The linear heads of a backbone, (C,) each, in the order of its stages; loaded once.

    Raises ConfigInvalid for a file that is missing or does not have them.
    """
    tensors, prefix = read_tensors(path), f"{_HEADS[backbone]}.lin"
    names = sorted(name for name in tensors if name.startswith(prefix))  # lin0 to lin6
    if not names:
        raise ConfigInvalid(
            f"there are no heads '{prefix}...' here",
            file=path,
            remedy="Give the linear layers of LPIPS 0.1 with their published names.",
        )
    with torch.inference_mode(False):
        return tuple(tensors[name].flatten().to(device, dtype) for name in names)


def _unit(x: Tensor) -> Tensor:
    """x (B,C,h,w) over its length along C. `vector_norm` has a gradient at 0, a root has not."""
    length: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / (length + _EPS)
