"""The hinted U-Net: the network that Kolorit ships.

A MobileNetV2 encoder (Sandler et al. 2018, table 2) sees lightness alone; a light decoder sees its
features at five strides and, at each of them, the user's hints. One network colours with and
without hints, as in Zhang et al. 2017 ("Real-Time User-Guided Image Colorization").

    B pictures, h and w multiples of 32, Q = 313 ab bins
    in   L (B,1,h,w) 0..100    hints (B,3,h,w) = a, b in ab units where mask is 1, else 0
    out  ab (B,2,h,w) in ab units, logits (B,Q,h/4,w/4)

There are no norms. The ImageNet weights at hand come with theirs folded into the convolutions, and
``load_encoder`` folds whatever norms a file still has; in the decoder, pictures with and without
hints would have to share statistics that fit neither (docs/decisions.md). The encoder's stride-2
convolutions pad right and bottom only, as its weights were trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.colour.bins import BINS

# expansion, channels, repeats, first stride of each stage
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_TAPS = {1: 2, 3: 4, 6: 8, 13: 16}  # feature index -> stride at which the decoder reads it


@dataclass(frozen=True)
class HintedUNet:
    """Widths of the decoder at strides 32, 16, 8, 4, 2, and the number of blocks at stride 32."""

    deep: int = 256
    s16: int = 192
    s8: int = 128
    s4: int = 80
    s2: int = 32
    deep_blocks: int = 2
    frozen: int = 0  # encoder layers that stay as they came: 4 = up to stride 4


class _Conv(nn.Module):
    """Convolution with bias; TensorFlow's SAME padding where stride is 2; ReLU6 unless linear."""

    def __init__(
        self, i: int, o: int, kernel: int, stride: int = 1, groups: int = 1, linear: bool = False
    ):
        super().__init__()
        self.same = stride == 2
        self.conv = nn.Conv2d(i, o, kernel, stride, 0 if self.same else kernel // 2, groups=groups)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(F.pad(x, (0, 1, 0, 1)) if self.same else x)
        return x if self.linear else F.relu6(x)


class _Inverted(nn.Module):
    """Inverted residual: widen 1x1, depthwise 3x3, narrow 1x1 without activation."""

    def __init__(self, i: int, o: int, stride: int, expand: int):
        super().__init__()
        wide = i * expand
        layers = [] if expand == 1 else [_Conv(i, wide, 1)]
        layers += [_Conv(wide, wide, 3, stride, groups=wide), _Conv(wide, o, 1, linear=True)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and i == o

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.residual else y


class _Encoder(nn.Module):
    """MobileNetV2 on one channel of lightness in -1..1."""

    def __init__(self, frozen: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [_Conv(1, 32, 3, 2)]
        i = 32
        for expand, o, repeats, stride in _STAGES:
            for k in range(repeats):
                layers.append(_Inverted(i, o, stride if k == 0 else 1, expand))
                i = o
        layers.append(_Conv(i, 1280, 1))
        self.features = nn.Sequential(*layers)
        self.features[:frozen].requires_grad_(False)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Features by stride: 2 (16), 4 (24), 8 (32), 16 (96), 32 (1280 channels)."""
        taps = {}
        for k, layer in enumerate(self.features):
            x = layer(x)
            if k in _TAPS:
                taps[_TAPS[k]] = x
        taps[32] = x
        return taps


def _block(i: int, o: int, kernel: int = 3) -> nn.Sequential:
    """Convolution and ReLU that keep the variance of what they get (He et al. 2015, eq. 10)."""
    conv = nn.Conv2d(i, o, kernel, padding=kernel // 2)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return nn.Sequential(conv, nn.ReLU())


class _Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.body = _block(width, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y


def pool_hints(hints: Tensor, stride: int) -> Tensor:
    """Hints seen at a stride: mean colour of each cell's hinted pixels, and whether there are any.

    hints (B,3,h,w) in ab units; returns (B,3,h/stride,w/stride), a and b divided by 50.
    """
    pooled = F.avg_pool2d(hints, stride)  # (B,3,h/s,w/s): sum of a*mask, b*mask, mask over the cell
    mask = pooled[:, 2:]
    ab = pooled[:, :2] / (50 * mask.clamp(min=1e-6))
    return torch.cat([ab, (mask > 0).to(ab)], 1)


class HintedUNetModule(nn.Module):
    def __init__(self, config: HintedUNet):
        super().__init__()
        c = config
        self.encoder = _Encoder(c.frozen)
        self.reduce = _block(1280 + 3, c.deep, 1)
        self.scene = nn.Linear(c.deep, c.deep)
        self.deep = nn.Sequential(*[_Residual(c.deep) for _ in range(c.deep_blocks)])
        self.up16 = nn.Sequential(_block(c.deep + 96 + 3, c.s16), _block(c.s16, c.s16))
        self.to8 = nn.Conv2d(c.s16, 96, 1)
        self.up8 = nn.Sequential(_block(96 + 32 + 3, c.s8), _block(c.s8, c.s8))
        self.to4 = nn.Conv2d(c.s8, 64, 1)
        self.up4 = nn.Sequential(_block(64 + 24 + 3, c.s4), _block(c.s4, c.s4))
        self.bins = nn.Conv2d(c.s4, len(BINS), 1)
        self.to2 = nn.Conv2d(c.s4, 32, 1)
        self.up2 = _block(32 + 16 + 3, c.s2)
        self.ab = nn.Conv2d(c.s2, 2, 3, padding=1)
        nn.init.zeros_(self.ab.weight)  # starts as a grey picture
        nn.init.zeros_(self.ab.bias)  # type: ignore[arg-type]

    def features(self, L: Tensor, hints: Tensor) -> dict[str, Tensor]:
        """Every stage by name, for probes: s2..s32 of the encoder, deep, up16, up8, up4, up2."""
        skip = self.encoder((L - 50) / 50)
        x = self.reduce(torch.cat([skip[32], pool_hints(hints, 32)], 1))  # (B,deep,h/32,w/32)
        x = x + self.scene(x.mean((2, 3)))[:, :, None, None]  # what kind of picture this is
        deep = self.deep(x)
        up16 = self.up16(_join(deep, skip[16], hints, 16))  # (B,s16,h/16,w/16)
        up8 = self.up8(_join(self.to8(up16), skip[8], hints, 8))  # (B,s8,h/8,w/8)
        up4 = self.up4(_join(self.to4(up8), skip[4], hints, 4))  # (B,s4,h/4,w/4)
        up2 = self.up2(_join(self.to2(up4), skip[2], hints, 2))  # (B,s2,h/2,w/2)
        stages = {f"s{s}": skip[s] for s in sorted(skip)}
        return {**stages, "deep": deep, "up16": up16, "up8": up8, "up4": up4, "up2": up2}

    def forward(self, L: Tensor, hints: Tensor) -> dict[str, Tensor]:
        x = self.features(L, hints)
        half = 20 * self.ab(x["up2"]).float()  # (B,2,h/2,w/2) ab units
        ab = F.interpolate(half, scale_factor=2, mode="bilinear", align_corners=False)  # (B,2,h,w)
        return {"ab": ab, "logits": self.bins(x["up4"]).float()}


def _join(x: Tensor, skip: Tensor, hints: Tensor, stride: int) -> Tensor:
    up = F.interpolate(x, scale_factor=2, mode="nearest")
    return torch.cat([up, skip, pool_hints(hints, stride).to(up)], 1)


def build(weights: dict[str, Tensor] | None = None, **config: int) -> HintedUNetModule:
    """A new hinted U-Net; ``weights`` = torchvision-named MobileNetV2 tensors for its encoder."""
    net = HintedUNetModule(HintedUNet(**config))
    if weights is not None:
        load_encoder(net.encoder, weights)
    return net


def load_encoder(encoder: _Encoder, weights: dict[str, Tensor]) -> None:
    """Fill the encoder from MobileNetV2 weights on RGB: norms folded, RGB summed to one channel.

    The source weights expect (rgb - 0.5) / 0.5; grey repeated on three channels equals one channel
    with the summed kernel.
    """
    convs = [
        key[: -len(".weight")]
        for key, w in weights.items()
        if key.endswith(".weight") and w.ndim == 4
    ]
    ours = [m.conv for m in encoder.modules() if isinstance(m, _Conv)]
    if len(convs) != len(ours):
        raise ValueError(f"{len(convs)} convolutions in the file, {len(ours)} in the encoder")
    for conv, key in zip(ours, sorted(convs, key=_position), strict=True):
        norm = _norm_of(key)
        w = weights[f"{key}.weight"].float()
        gain = weights[f"{norm}.weight"].float() / torch.sqrt(
            weights[f"{norm}.running_var"].float() + 1e-5
        )
        bias = weights[f"{norm}.bias"].float() - weights[f"{norm}.running_mean"].float() * gain
        w = w * gain[:, None, None, None]
        if conv.weight.shape[1] == 1 and w.shape[1] == 3:
            w = w.sum(1, keepdim=True)
        with torch.no_grad():
            conv.weight.copy_(w)
            assert conv.bias is not None
            conv.bias.copy_(bias)


def _position(key: str) -> tuple[int, ...]:
    return tuple(int(part) for part in key.split(".") if part.isdigit())


def _norm_of(conv: str) -> str:
    """The norm stands one index behind its convolution: features.0.0 -> features.0.1."""
    head, last = conv.rsplit(".", 1)
    return f"{head}.{int(last) + 1}"
