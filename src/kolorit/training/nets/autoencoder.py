"""The second study's autoencoder: a grey picture through a small latent to an RGB picture.

    B pictures, h and w multiples of 4
    in   L (B,1,h,w) 0..100    (hints are not looked at)
    out  rgb (B,3,h,w) in [0, 1], sRGB-encoded; ab (B,2,h,w) in ab units: that of this rgb

The encoder sees what the study gave it, sRGB-encoded grey in [-1, 1]: 2 g - 1, where g is the grey
value whose lightness is L. It predicts the whole picture, lightness too; whoever merges ab with the
picture's own L drops that part. 1,287,631 parameters: diffusers' encoder 533,544, a plain 1x1
convolution 8 -> 4 in place of the variational sampling 36, decoder 754,051. The middle of both has
one self-attention over all latent cells, so memory grows with the square of their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid, DeviceUnavailable
from kolorit.training.colour import lab_to_rgb, rgb_to_lab


@dataclass(frozen=True)
class Autoencoder:
    """widths: channels at strides 1, 2 and 4, multiples of ``groups``, that of the norms.

    layers: residual blocks a stage, one more in the decoder. latent: channels at stride 4.
    channels: 1, or 3 to give the encoder grey three times.
    """

    widths: tuple[int, ...] = (32, 64, 64)
    layers: int = 2
    groups: int = 32
    latent: int = 4
    channels: int = 1


class AutoencoderModule(nn.Module):
    def __init__(self, config: Autoencoder):
        super().__init__()
        self.config = config
        Encoder, Decoder = _parts()
        stages = len(config.widths)
        shape = {
            "block_out_channels": config.widths,
            "layers_per_block": config.layers,
            "norm_num_groups": config.groups,
        }
        # Not named "encoder": that is what a recipe trains at the lower rate of a pretrained one.
        self.encode = Encoder(
            in_channels=config.channels,
            out_channels=config.latent,
            down_block_types=("DownEncoderBlock2D",) * stages,
            double_z=True,
            **shape,
        )
        self.quant = nn.Conv2d(2 * config.latent, config.latent, 1)
        self.decode = Decoder(
            in_channels=config.latent,
            out_channels=3,
            up_block_types=("UpDecoderBlock2D",) * stages,
            **shape,
        )

    def features(self, L: Tensor, hints: Tensor | None = None) -> dict[str, Tensor]:
        """Every stage by name, for probes, in the order in which it comes (at h = w = 128 px).

        conv_in (32, 128 x 128), down1 (32, 64 x 64), down2 and down3 (64, 32 x 32: the last does
        not halve), mid and conv_norm_out (64, 32 x 32), conv_out (8, 32 x 32), latent (4, 32 x 32);
        then of the decoder dec_in and dec_mid (64, 32 x 32), up1 (64, 64 x 64), up2 (64, 128 x 128)
        and up3 (32, 128 x 128).
        """
        grey = lab_to_rgb(L, torch.zeros_like(L).expand(-1, 2, -1, -1))  # (B,3,h,w) 0..1, r = g = b
        e, stages = self.encode, {}
        stages["conv_in"] = x = e.conv_in(2 * grey[:, : self.config.channels] - 1)  # (B,32,h,w)
        for k, block in enumerate(e.down_blocks, 1):
            stages[f"down{k}"] = x = block(x)
        stages["mid"] = x = e.mid_block(x)  # (B,64,h/4,w/4)
        stages["conv_norm_out"] = x = e.conv_norm_out(x)  # (B,64,h/4,w/4)
        stages["conv_out"] = x = e.conv_out(e.conv_act(x))  # (B,8,h/4,w/4)
        stages["latent"] = x = self.quant(x)  # (B,4,h/4,w/4)
        d = self.decode
        stages["dec_in"] = x = d.conv_in(x)  # (B,64,h/4,w/4)
        stages["dec_mid"] = x = d.mid_block(x)
        for k, block in enumerate(d.up_blocks, 1):
            stages[f"up{k}"] = x = block(x)
        return stages

    def forward(self, L: Tensor, hints: Tensor | None = None) -> dict[str, Tensor]:
        d, stages = self.decode, self.features(L)
        x = d.conv_out(d.conv_act(d.conv_norm_out(stages[f"up{len(d.up_blocks)}"])))  # (B,3,h,w)
        rgb = (torch.tanh(x.float()) + 1) / 2  # (B,3,h,w) 0..1
        _, ab = rgb_to_lab(rgb, check=False)  # (B,2,h,w)
        return {"rgb": rgb, "ab": ab}


def _parts() -> tuple[Any, Any]:
    """diffusers' Encoder and Decoder. Raises DeviceUnavailable without diffusers."""
    try:
        from diffusers.models.autoencoders.vae import Decoder, Encoder
    except ImportError as error:
        raise DeviceUnavailable(
            f"this network needs diffusers: {error}", remedy="pip install 'kolorit[train]'"
        ) from error
    return Encoder, Decoder


def build(weights: dict[str, Tensor] | None = None, **config: Any) -> AutoencoderModule:
    """A new autoencoder; ``weights``: all of its tensors by name. Raises ConfigInvalid."""
    config = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
    settings = Autoencoder(**config)
    if not settings.widths or any(width % settings.groups for width in settings.widths):
        remedy = f"Give multiples of groups = {settings.groups}."
        raise ConfigInvalid(f"widths = {settings.widths}", remedy=remedy)
    if settings.channels not in (1, 3):
        raise ConfigInvalid(f"channels = {settings.channels}", remedy="Use 1 or 3.")
    net = AutoencoderModule(settings)
    if weights is not None:
        net.load_state_dict(weights)
    return net
