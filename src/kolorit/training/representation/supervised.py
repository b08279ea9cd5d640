"""The ceiling's network: it is told the classes.

    in   x (B,1,h,w): grey from -1 to 1
    out  scores (B,classes)

The shared encoder and the second study's classifier on its latent learn together.
"""

from __future__ import annotations

from torch import Tensor, nn

from kolorit.training.nets.autoencoder import Autoencoder
from kolorit.training.representation.encoder_decoder import Encoder
from kolorit.training.representation.two_conv import TwoConv


class Supervised(nn.Module):
    def __init__(self, shape: Autoencoder, classes: int):
        super().__init__()
        self.encoder = Encoder(shape)
        self.classifier = TwoConv(shape.latent, classes)

    def features(self, x: Tensor, *, decoder: bool = False) -> dict[str, Tensor]:
        """The encoder's stages; there is no decoder to ask for more."""
        return self.encoder.features(x)

    def forward(self, x: Tensor) -> Tensor:
        latent = self.encoder(x)  # (B,latent,h/s,w/s)
        scores: Tensor = self.classifier(latent)  # (B,classes)
        return scores
