"""Distance of the coloured picture to the true one in the features of an ImageNet network.

What it is without heads, and when it is LPIPS: evaluate/deep/distance.py.
"""

from __future__ import annotations

from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.backbones import load_backbone
from kolorit.evaluate.deep.distance import load_heads, picture_distance
from kolorit.evaluate.deep.weights import weights_path
from kolorit.training.data import Batch
from kolorit.training.losses.spaces import read_rgb

_AT_HAND = {"squeezenet": "squeezenet1_1_caffe_fp16.safetensors"}


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
    or under KOLORIT_WEIGHTS, weights also a .pth under its published name; squeezenet has weights
    at hand; without linear: `feature_distance`, with it: `lpips_distance`. Raises ConfigInvalid as
    `spaces.read_rgb`, for small pictures, and for a file that is missing or does not fit.
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
    return picture_distance(net, shown, truth, heads).mean()
