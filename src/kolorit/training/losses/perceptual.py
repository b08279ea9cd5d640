"""Distance of the coloured picture to the true one in the features of an ImageNet network.

Without linear heads this is a plain feature distance: unit-normalised, unweighted, and not LPIPS.
With the published heads, and the very backbone weights that they were fitted to (torchvision's
VGG16, AlexNet or SqueezeNet), it is LPIPS 0.1. The SqueezeNet of the Caffe release is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.training.colour import check_rgb
from kolorit.training.data import Batch
from kolorit.training.losses.deep_features import (
    DeepFeatures,
    load_backbone,
    read_tensors,
    weights_path,
)
from kolorit.training.losses.spaces import read_rgb

_AT_HAND = {"squeezenet": "squeezenet1_1_caffe_fp16.safetensors"}
_HEADS = {"squeezenet": "squeeze", "vgg16": "vgg", "alexnet": "alex"}
_EPS = 1e-10
_LEAST = 32  # pixels each way: below that the deepest features have no place left


def perceptual(
    out: dict[str, Tensor],
    batch: Batch,
    *,
    backbone: str = "squeezenet",
    weights: str | None = None,
    linear: str | None = None,
) -> Tensor:
    """Feature distance of the predicted and the true picture, mean over pictures; 0 for equal ones.

    out["ab"] and batch.ab (B,2,h,w) in ab units, batch.L (B,1,h,w) 0..100, h and w at least 32;
    pictures unclipped. backbone: a key of BACKBONES. weights, linear: safetensors files, absolute
    or under KOLORIT_WEIGHTS; squeezenet has weights at hand; without linear: `feature_distance`,
    with it: `lpips_distance`. Raises ConfigInvalid as `spaces.read_rgb`, for small pictures, and
    for a file that is missing or does not fit.
    """
    shown, truth = read_rgb(out, batch)
    if weights is None and backbone in _AT_HAND:
        weights = _AT_HAND[backbone]
    elif weights is None:
        raise ConfigInvalid(
            f"there are no weights for the backbone {backbone}",
            remedy="Name a safetensors file under KOLORIT_WEIGHTS, or use squeezenet.",
        )
    net = load_backbone(backbone, weights_path(weights), shown.device, shown.dtype)
    heads = None
    if linear is not None:
        heads = load_heads(backbone, weights_path(linear), shown.device, shown.dtype)
    return _distance(net, shown, truth, heads).mean()


def picture_distance(
    net: DeepFeatures, x: Tensor, y: Tensor, heads: Sequence[Tensor] | None = None
) -> Tensor:
    """Distance (B,) of pictures x and y (B,3,h,w) in [0, 1]; gradients reach x only.

    Raises ConfigInvalid outside [0, 1]: [-1, 1] passed by mistake would give a wrong distance.
    """
    check_rgb(x)
    check_rgb(y)
    return _distance(net, x, y, heads)


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


def _distance(
    net: DeepFeatures, shown: Tensor, truth: Tensor, heads: Sequence[Tensor] | None
) -> Tensor:
    """(B,) of pictures about [0, 1] and of one shape."""
    if min(shown.shape[2:]) < _LEAST:
        raise ConfigInvalid(
            f"pictures of {tuple(shown.shape[2:])} pixels are too small for deep features",
            remedy=f"Use crops of {_LEAST} pixels or more.",
        )
    with torch.no_grad():
        of_truth = net(truth)
    of_shown = net(shown)
    if heads is None:
        return feature_distance(of_shown, of_truth)
    if [len(head) for head in heads] != [x.shape[1] for x in of_shown]:
        raise ConfigInvalid(
            "these linear heads belong to another backbone",
            remedy="Name the file with the heads of this one.",
        )
    return lpips_distance(of_shown, of_truth, heads)


def _unit(x: Tensor) -> Tensor:
    """x (B,C,h,w) over its length along C. `vector_norm` has a gradient at 0, a root has not."""
    length: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / (length + _EPS)
