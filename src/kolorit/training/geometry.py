"""Where an encoder looks: the centre of each feature cell in the picture that it was given.

Cell i of a level looks at ``c0 + stride * i`` in edge coordinates (pixel k spans k to k + 1). Valid
convolutions push c0 to the right of where a decoder paints the cell, "same" padding to the left of
it: colours then lie beside their things.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
_PLAIN = (nn.Identity, nn.Linear, nn.ZeroPad2d, nn.Flatten, nn.Dropout)


def first_centres(encoder: nn.Module, strides: list[int], px: int = 256) -> list[float]:
    """c0 of each level, in pixels, to the half pixel.

    encoder: gives a list of maps (B,C,h/s,w/s) of (B,3,px,px), one for each of ``strides``.
    """
    probe = linear_probe(encoder)
    x = torch.zeros(1, 3, px, px, requires_grad=True)
    centres = []
    with torch.enable_grad():
        for level, stride in zip(probe(x), strides, strict=True):
            i = level.shape[-1] // 2
            centres.append(round(2 * (seen_from(level, x, i) - stride * i)) / 2)
    return centres


def seen_from(level: Tensor, x: Tensor, column: int) -> float:
    """Centroid, along the width of the picture ``x``, of what a column of a level depends on."""
    row = level.shape[-2] // 2
    (gradient,) = torch.autograd.grad(level[0, :, row, column].sum(), x, retain_graph=True)
    weight = gradient[0].abs().sum((0, 1)).double()  # (w)
    return float((weight * (torch.arange(len(weight)) + 0.5)).sum() / weight.sum())


def linear_probe(encoder: nn.Module) -> nn.Module:
    """A copy that only passes positions on: no norms or activations, kernels all of one sign.

    Padded kernels keep their middle tap alone, so that borders cut nothing; the others are uniform.
    """
    probe = copy.deepcopy(encoder).float().eval()
    for parent in list(probe.modules()):
        for name, part in list(parent.named_children()):
            if isinstance(part, nn.Conv2d):
                _uniform(part)
            elif isinstance(part, nn.Linear):
                nn.init.constant_(part.weight, 1 / part.in_features)
            elif isinstance(part, nn.MaxPool2d):
                mean = nn.AvgPool2d(part.kernel_size, part.stride, part.padding, part.ceil_mode)
                setattr(parent, name, mean)
            elif _bends(part):
                setattr(parent, name, nn.Identity())
    return probe


def _uniform(conv: nn.Conv2d) -> None:
    padded = any(conv.padding) or "Same" in type(conv).__name__
    taps = conv.weight.shape[-2] * conv.weight.shape[-1]
    with torch.no_grad():
        conv.weight.fill_(1 / (conv.weight.shape[1] * taps))
        if padded:
            middle = conv.weight[
                :, :, conv.weight.shape[-2] // 2, conv.weight.shape[-1] // 2
            ].clone()
            conv.weight.zero_()
            conv.weight[:, :, conv.weight.shape[-2] // 2, conv.weight.shape[-1] // 2] = (
                taps * middle
            )
        if conv.bias is not None:
            conv.bias.zero_()


def _bends(part: nn.Module) -> bool:
    """Whether a part is a norm, an activation or a gate: anything that is no plain sum of cells."""
    kind = type(part).__name__
    if "Excite" in kind or kind in ("SEModule", "EffectiveSEModule"):
        return True
    if "Norm" in kind and not any(isinstance(p, nn.Conv2d) for p in part.modules()):
        return True  # and not timm's ConvNormAct
    childless = not list(part.children()) and not list(part.parameters(recurse=False))
    return childless and not isinstance(part, (*_POOLS, *_PLAIN))
