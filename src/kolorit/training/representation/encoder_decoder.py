"""The network of every pretext: the second study's encoder, its small latent, a decoder.

    B pictures, s = stride of the latent (4 for three widths), h and w multiples of s
    in   x (B,1,h,w): grey from -1 to 1; or as many channels as the encoder has
    out  (B,outputs,h,w), any real; (B,outputs,h/s,w/s) where it answers cell by cell

Encoder and latent are `nets/autoencoder.py`'s, so a probe finds the same stages in all arms. Two
decoders: "seed", that of the second study, and "light", a few convolutions that cost a thirtieth of
the encoder, so that most of the time goes to what is studied. With decoder "seed" and three outputs
it has the second study's 1,287,631 parameters.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid
from kolorit.training.nets import autoencoder
from kolorit.training.nets.autoencoder import Autoencoder

DECODERS = ("light", "seed")
_WIDE = 64  # of the light decoder at the latent's stride; half of it at each doubling


class Encoder(nn.Module):
    """x (B,channels,h,w) -> latent (B,latent,h/s,w/s), by way of named stages."""

    def __init__(self, shape: Autoencoder):
        super().__init__()
        whole = autoencoder.build(**vars(shape))
        self.encode, self.quant = whole.encode, whole.quant

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Every stage by name, in the order in which it comes; the last is "latent"."""
        e, stages = self.encode, {}
        stages["conv_in"] = x = e.conv_in(x)  # (B,32,h,w) in the second study's shape
        for k, block in enumerate(e.down_blocks, 1):
            stages[f"down{k}"] = x = block(x)
        stages["mid"] = x = e.mid_block(x)  # (B,64,h/s,w/s)
        stages["conv_norm_out"] = x = e.conv_norm_out(x)
        stages["conv_out"] = x = e.conv_out(e.conv_act(x))  # (B,2 latent,h/s,w/s)
        stages["latent"] = self.quant(x)  # (B,latent,h/s,w/s)
        return stages

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x)["latent"]


class EncoderDecoder(nn.Module):
    """outputs: channels of the answer. cells: one answer for each cell of the latent."""

    def __init__(self, shape: Autoencoder, decoder: str, outputs: int, *, cells: bool = False):
        super().__init__()
        self.encoder = Encoder(shape)
        self.stride = 2 ** (len(shape.widths) - 1) if cells else 1
        if decoder == "seed":
            self.decode: Any = autoencoder.build(**vars(shape)).decode
            self.decode.conv_out = _head(shape.widths[0], outputs, cells=cells)
            self.blocks: list[str] = [f"up{k}" for k in range(1, len(shape.widths) + 1)]
        elif decoder == "light":
            self.decode = _Light(shape, outputs, cells=cells)
            self.blocks = []
        else:
            remedy = f"Use one of: {', '.join(DECODERS)}."
            raise ConfigInvalid(f"decoder = '{decoder}'", remedy=remedy)

    def features(self, x: Tensor, *, decoder: bool = False) -> dict[str, Tensor]:
        """The encoder's stages; with ``decoder`` also dec_in, dec_mid, up1... of the seed's."""
        stages = self.encoder.features(x)
        if decoder and self.blocks:
            d = self.decode
            stages["dec_in"] = y = d.conv_in(stages["latent"])  # (B,64,h/s,w/s)
            stages["dec_mid"] = y = d.mid_block(y)
            for name, block in zip(self.blocks, d.up_blocks, strict=True):
                stages[name] = y = block(y)
        return stages

    def forward(self, x: Tensor) -> Tensor:
        if not self.blocks:
            cheap: Tensor = self.decode(self.encoder(x))
            return cheap
        d, stages = self.decode, self.features(x, decoder=True)
        y = d.conv_act(d.conv_norm_out(stages[self.blocks[-1]]))  # (B,32,h,w)
        if self.stride > 1:
            y = F.avg_pool2d(y, self.stride)
        answer: Tensor = d.conv_out(y)
        return answer


class _Light(nn.Module):
    """latent (B,latent,h/s,w/s) -> (B,outputs,h,w), or cell by cell."""

    def __init__(self, shape: Autoencoder, outputs: int, *, cells: bool):
        super().__init__()
        i, wide, parts = shape.latent, _WIDE, []
        for _ in range(1 if cells else len(shape.widths)):
            parts += [nn.Conv2d(i, wide, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2)]
            i, wide = wide, max(wide // 2, 8)
        self.body = nn.Sequential(*parts[:-1])  # nothing is doubled after the last
        self.head = _head(i, outputs, cells=cells)

    def forward(self, latent: Tensor) -> Tensor:
        answer: Tensor = self.head(self.body(latent))
        return answer


def _head(i: int, outputs: int, *, cells: bool) -> nn.Conv2d:
    return nn.Conv2d(i, outputs, 1) if cells else nn.Conv2d(i, outputs, 3, padding=1)


def random_encoder(shape: Autoencoder, seed: int) -> Encoder:
    """An encoder as it is before any training; the run's random numbers are not touched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Encoder(shape)
