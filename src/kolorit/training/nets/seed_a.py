"""The first study's network, as it was and mended: an ImageNet encoder, a plain decoder, ab out.

    B pictures, h and w multiples of 32
    in   L (B,1,h,w) 0..100    (hints are not looked at)
    out  ab (B,2,h,w) in ab units

As it was: the deepest of five levels alone, nearest upsampling, tanh, 62,934,754 parameters. Its
encoder pads nothing, so a colour lies up to 24 px beside its thing at 400 px. ``aligned`` mends
that: the picture's border is mirrored outwards and each level is read at its true position. Then
``skips`` and ``attention`` can be added. Sources: the study (its 400 px output is the resize to the
input's size here); Ronneberger et al. 2015 (skips); Zhang et al. 2019, eq. 1-3 (attention).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid, DeviceUnavailable
from kolorit.training.geometry import first_centres


@dataclass(frozen=True)
class SeedA:
    """encoder: any of timm that halves down to 1/32. widths: of the decoder, deepest first."""

    encoder: str = "inception_resnet_v2"
    widths: tuple[int, ...] = (512, 256, 128, 64)
    reach: float = 128.0  # ab at tanh = 1
    aligned: bool = False
    skips: bool = False
    attention: bool = False
    frozen_norms: bool = False  # the encoder's norms keep the statistics that they came with


class SeedAModule(nn.Module):
    def __init__(self, config: SeedA):
        super().__init__()
        self.config = config
        self.encoder = make_encoder(config.encoder)
        self.strides = self.encoder.feature_info.reduction()
        channels = dict(zip(self.strides, self.encoder.feature_info.channels(), strict=True))
        inputs = [channels[32]]
        for stride, width in zip((16, 8, 4, 2), config.widths, strict=True):
            inputs.append(width + (channels.get(stride, 0) if config.skips else 0))
        self.stages = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1) for i, o in zip(inputs[:4], config.widths, strict=True)
        )
        self.attention = SelfAttention(config.widths[0]) if config.attention else nn.Identity()
        self.ab = nn.Conv2d(inputs[4], 2, 3, padding=1)
        self.before, self.after, self.centres = 0, 0, [s / 2 for s in self.strides]
        if config.aligned:
            self.before, self.after, self.centres = true_positions(config.encoder)

    def train(self, mode: bool = True) -> SeedAModule:
        super().train(mode)
        if self.config.frozen_norms:
            for part in self.encoder.modules():
                if "BatchNorm" in type(part).__name__:
                    part.eval()
        return self

    def levels(self, L: Tensor) -> dict[int, Tensor]:
        """The encoder's maps (B,C,h/s,w/s) by stride s; aligned: at their true positions."""
        h, w = L.shape[-2:]
        if self.config.aligned and (h % 32 or w % 32):
            raise ValueError(f"{h} x {w} px are no multiples of 32, which aligned features need")
        x = ((L - 50) / 50).expand(-1, 3, -1, -1)  # (B,3,h,w)
        x = F.pad(x, (self.before, self.after) * 2, mode="reflect") if self.after else x
        maps = dict(zip(self.strides, self.encoder(x), strict=True))
        if self.config.aligned:
            for s, c0 in zip(self.strides, self.centres, strict=True):
                maps[s] = read_at(maps[s], s, (s / 2 + self.before - c0) / s, h, w)
        return maps

    def features(self, L: Tensor, hints: Tensor | None = None) -> dict[str, Tensor]:
        """Every stage by name, for probes: s2..s32 of the encoder, up16, up8, up4, up2."""
        levels = self.levels(L)
        stages = {f"s{s}": level for s, level in levels.items()}
        x = levels[32]
        for s, conv in zip((16, 8, 4, 2), self.stages, strict=True):
            x = F.relu(conv(x))
            x = F.interpolate(x, scale_factor=2, mode="nearest")  # (B,width,h/s,w/s)
            x = self.attention(x) if s == 16 else x
            stages[f"up{s}"] = x
            if self.config.skips and s in levels:
                x = torch.cat([x, levels[s]], 1)
        return {**stages, "last": x}

    def forward(self, L: Tensor, hints: Tensor | None = None) -> dict[str, Tensor]:
        ab = torch.tanh(self.ab(self.features(L)["last"]).float())  # (B,2,h/2,w/2)
        ab = F.interpolate(ab, size=L.shape[-2:], mode="bilinear", align_corners=False)
        return {"ab": self.config.reach * ab}  # (B,2,h,w)


class SelfAttention(nn.Module):
    """Each cell looks at all others; gamma starts at 0, so that it begins as the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.query, self.key = (nn.Conv2d(width, max(1, width // 8), 1) for _ in range(2))
        self.value = nn.Conv2d(width, width, 1)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        parts = (self.query, self.key, self.value)
        q, k, v = (part(x).flatten(2).mT[:, None] for part in parts)  # (B,1,hw,c)
        seen = F.scaled_dot_product_attention(q, k, v, scale=1.0)  # (B,1,hw,C)
        return x + self.gamma * seen.mT.reshape(x.shape)


class SamePadded(nn.Conv2d):
    """TensorFlow's SAME padding at stride 2 and even sizes: right and bottom get what is odd.

    timm's own computes it from the size, which makes an export of free size take minutes.
    """

    def forward(self, x: Tensor) -> Tensor:
        left = (self.kernel_size[0] - 2) // 2
        right = self.kernel_size[0] - 2 - left
        x = F.pad(x, (left, right) * 2)
        return F.conv2d(x, self.weight, self.bias, self.stride, groups=self.groups)


def read_at(level: Tensor, stride: int, shift: float, h: int, w: int) -> Tensor:
    """level (B,C,n,m) at cells i + shift: (B,C,h/stride,w/stride), bilinear, edges repeated."""
    for axis, size in ((2, h // stride), (3, w // stride)):
        low = torch.arange(size, device=level.device) + int(shift // 1)
        last = level.shape[axis] - 1
        one, two = (level.index_select(axis, (low + k).clamp(0, last)) for k in (0, 1))
        level = one + (shift % 1) * (two - one)
    return level


@cache
def true_positions(encoder: str) -> tuple[int, int, list[float]]:
    """How far to mirror the picture outwards (before, after), and c0 of each level there, in px.

    Only for an encoder that pads nothing itself and so has too few cells. Before: the deepest cells
    then begin half a pixel from where the decoder paints them. After: enough for all cells.
    """
    net = make_encoder(encoder)
    centres = first_centres(net, net.feature_info.reduction())
    before = int(centres[-1] - 16) if _cells(net, 128) < 4 else 0
    after = before
    while before and _cells(net, 128 + before + after) < 4:
        after += 1
    return before, after, centres


def _cells(encoder: nn.Module, px: int) -> int:
    with torch.no_grad():
        return int(encoder.eval()(torch.zeros(1, 3, px, px))[-1].shape[-1])


def make_encoder(name: str) -> Any:
    """timm's network by name as a list of levels, with random weights; ConfigInvalid for others."""
    # The MobileNetV2 weights at hand were trained with TensorFlow's padding.
    options: dict[str, Any] = {"pad_type": "same"} if name.startswith("mobilenetv2") else {}
    try:
        encoder: Any = _timm().create_model(name, features_only=True, pretrained=False, **options)
    except (RuntimeError, TypeError, AttributeError, AssertionError) as error:
        raise ConfigInvalid(
            f"timm has no encoder '{name}': {error}", remedy="See timm.list_models()."
        ) from error
    strides = encoder.feature_info.reduction()
    if strides != [2, 4, 8, 16, 32][-len(strides) :]:
        raise ConfigInvalid(f"'{name}' gives levels at {strides}, not at 2, 4, 8, 16, 32")
    for parent in list(encoder.modules()):
        for part_name, part in list(parent.named_children()):
            if type(part).__name__ == "Conv2dSame":
                setattr(parent, part_name, _same(part))
    return encoder


def _timm() -> Any:
    try:
        import timm
    except ImportError as error:
        remedy = "pip install 'kolorit[train]'"
        raise DeviceUnavailable(f"this network needs timm: {error}", remedy=remedy) from error
    return timm


def _same(conv: Any) -> SamePadded:
    i, o, k = conv.in_channels, conv.out_channels, conv.kernel_size[0]
    mine = SamePadded(i, o, k, stride=2, groups=conv.groups, bias=conv.bias is not None)
    mine.load_state_dict(conv.state_dict())
    return mine


def build(weights: dict[str, Tensor] | None = None, **config: Any) -> SeedAModule:
    """A new network of the first study; ``weights``: tensors for its encoder."""
    config = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
    settings = SeedA(**config)
    if len(settings.widths) != 4:
        raise ConfigInvalid(f"widths = {settings.widths}", remedy="Give four.")
    net = SeedAModule(settings)
    if weights is not None:
        load_encoder(net.encoder, weights)
    return net


def imagenet(encoder: str) -> str:
    """Path of timm's ImageNet weights of an encoder on this computer; never fetches them."""
    timm = _timm()
    from huggingface_hub import try_to_load_from_cache

    source = timm.get_pretrained_cfg(encoder)
    found = (
        source
        and source.hf_hub_id
        and try_to_load_from_cache(source.hf_hub_id, "model.safetensors")
    )
    if not isinstance(found, (str, os.PathLike)):
        raise ConfigInvalid(
            f"the ImageNet weights of {encoder} are not on this computer",
            remedy="Fetch them once, online: python -c 'import timm; "
            f'timm.create_model("{encoder}", pretrained=True)\'. Or give a file, or "none".',
        )
    return str(found)


def load_encoder(encoder: nn.Module, weights: dict[str, Tensor]) -> None:
    """Fill the encoder: by timm's names, or, where names differ, in the order of the layers."""
    own = {k: v for k, v in encoder.state_dict().items() if not k.endswith("num_batches_tracked")}
    if not set(own) <= set(weights):
        ordered = sorted(weights, key=_place)[: len(own)]
        weights = dict(zip(own, (weights[k] for k in ordered), strict=False))
    wrong = [k for k, v in own.items() if k not in weights or weights[k].shape != v.shape]
    if wrong:
        raise ConfigInvalid(f"these weights do not fit the encoder: {wrong[0]}")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(weights[name].float())


_WITHIN = ("weight", "bias", "running_mean", "running_var")


def _place(key: str) -> tuple[tuple[int, ...], int]:
    *path, last = key.split(".")
    numbers = tuple(int(p) for p in path if p.isdigit())
    head = 0 if path and path[0] != "classifier" else 1
    return ((head, *numbers), _WITHIN.index(last) if last in _WITHIN else len(_WITHIN))
