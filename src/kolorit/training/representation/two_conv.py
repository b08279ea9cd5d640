"""The second study's probe, its "ResNetFoodClassifierSmall": two convolutions and a mean.

    in   x (B,C,h,w) -> conv 3x3 (C -> 128), norm, ReLU, conv 3x3 (128 -> 256), norm, mean over
         places, linear (256 -> classes)
    out  scores (B,classes)

325,093 parameters for 3 channels and 101 classes, 326,245 for 4. There is no ReLU after the second
norm: what follows the first is linear, so the probe sees textures of five cells at most.
"""

from __future__ import annotations

from torch import Tensor, nn

from kolorit.errors import ConfigInvalid

HIDDEN, WIDE = 128, 256


class TwoConv(nn.Module):
    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.channels = channels
        self.body = nn.Sequential(
            nn.Conv2d(channels, HIDDEN, 3, padding=1, bias=False),
            nn.BatchNorm2d(HIDDEN),
            nn.ReLU(),
            nn.Conv2d(HIDDEN, WIDE, 3, padding=1, bias=False),
            nn.BatchNorm2d(WIDE),
        )
        self.classes = nn.Linear(WIDE, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Raises ConfigInvalid for maps of another number of channels."""
        if x.shape[1] != self.channels:
            raise ConfigInvalid(
                f"the latent has {x.shape[1]} channels, this probe takes {self.channels}",
                remedy="Make the probe for the encoder that it is put on.",
            )
        scores: Tensor = self.classes(self.body(x).mean((2, 3)))
        return scores
