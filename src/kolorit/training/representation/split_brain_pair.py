"""The split-brain pretext on the shared encoder: two halves of it, each guesses the other's side.

    in   x (B,3,h,w): L / 50 - 1, a / 110, b / 110
    out  (scores of the 313 ab bins from L, scores of 50 lightness bins from ab), both (B,.,h/s,w/s)

Each half has half of the widths, so that joined stages have the shape of all other arms' and half
of their weights. Source: Zhang, Isola, Efros 2017, "Split-Brain Autoencoders", classification both
ways. `nets/split_brain.py` is that paper's own network.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from kolorit.colour.bins import BINS
from kolorit.errors import ConfigInvalid
from kolorit.training.nets.autoencoder import Autoencoder
from kolorit.training.nets.split_brain import LIGHTNESS_BINS
from kolorit.training.representation.encoder_decoder import EncoderDecoder


class SplitBrainPair(nn.Module):
    def __init__(self, shape: Autoencoder, decoder: str):
        super().__init__()
        if any(n % 2 for n in (*shape.widths, shape.groups, shape.latent)):
            raise ConfigInvalid(
                f"split-brain halves widths = {shape.widths}, groups = {shape.groups} and latent = "
                f"{shape.latent}",
                remedy="Give even numbers.",
            )
        half = replace(
            shape,
            widths=tuple(n // 2 for n in shape.widths),
            groups=shape.groups // 2,
            latent=shape.latent // 2,
        )
        self.of_lightness = EncoderDecoder(half, decoder, len(BINS), cells=True)
        self.of_colour = EncoderDecoder(half, decoder, LIGHTNESS_BINS, cells=True)
        two = self.of_colour.encoder.encode
        two.conv_in = nn.Conv2d(2, half.widths[0], 3, padding=1)

    def features(self, x: Tensor, *, decoder: bool = False) -> dict[str, Tensor]:
        """The stages of both halves, joined along the channels, those of lightness first."""
        first = self.of_lightness.features(x[:, :1], decoder=decoder)
        second = self.of_colour.features(x[:, 1:], decoder=decoder)
        return {name: torch.cat([first[name], second[name]], 1) for name in first}

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.of_lightness(x[:, :1]), self.of_colour(x[:, 1:])
