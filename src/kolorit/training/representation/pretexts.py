"""What an encoder is taught, as data: a network, its input, its target, its losses.

rgb          grey -> the picture in colour           the second study's autoencoder
grey         grey -> the same picture in grey        the same network and losses, no colour
ab           grey -> ab, regression
bins         grey -> the 313 ab bins, classification
split-brain  L -> ab bins and ab -> L bins           its encoder sees colour
labels       grey -> the class                       supervised: the ceiling, no pretext at all
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.colour.bins import BINS
from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.backbones import load_backbone
from kolorit.evaluate.deep.distance import load_heads, picture_distance
from kolorit.evaluate.deep.weights import weights_path
from kolorit.training.data import Batch
from kolorit.training.losses import LOSSES
from kolorit.training.nets.autoencoder import Autoencoder
from kolorit.training.nets.split_brain import LIGHTNESS_BINS
from kolorit.training.representation.encoder_decoder import EncoderDecoder
from kolorit.training.representation.pictures import Pictures
from kolorit.training.representation.split_brain_pair import SplitBrainPair
from kolorit.training.representation.study import Arm, Perceptual
from kolorit.training.representation.supervised import Supervised

Loss = Callable[[Any, Any], Tensor]
REACH = 110.0  # ab units that a network's 1 stands for


@dataclass(frozen=True)
class Pretext:
    """A loss takes the network's answer to ``make_input`` and ``make_target`` of the same pictures.

    make_net: of the encoder's shape, the decoder's name, the number of classes. losses: by name, of
    the study's feature distance and the prior of the ab bins. weights: where an arm names none.
    """

    about: str
    make_net: Callable[[Autoencoder, str, int], nn.Module]
    make_input: Callable[[Pictures], Tensor]
    make_target: Callable[[Pictures], Any]
    losses: Callable[[Perceptual, Tensor | None], dict[str, Loss]]
    weights: dict[str, float]


def _grey(pictures: Pictures) -> Tensor:
    return pictures.grey


def _rgb_target(pictures: Pictures) -> Tensor:
    return 2 * pictures.rgb - 1  # (B,3,h,w) in [-1, 1]


def _grey_target(pictures: Pictures) -> Tensor:
    """The clean grey in all three channels, so that network and losses are those of "rgb"."""
    clean = Pictures(pictures.rgb, pictures.label, pictures.preprocessing)
    return clean.grey.expand(-1, 3, -1, -1)


def _lab_target(pictures: Pictures) -> Batch:
    return pictures.lab


def _lab_input(pictures: Pictures) -> Tensor:
    L, ab = pictures.lab.L, pictures.lab.ab
    return torch.cat([L / 50 - 1, ab / REACH], 1)  # (B,3,h,w)


def _label_target(pictures: Pictures) -> Tensor:
    return pictures.label


def _rgb_losses(perceptual: Perceptual, _: Tensor | None) -> dict[str, Loss]:
    """Of RGB in [-1, 1]; the network's answer goes through tanh first.

    The feature distance without linear heads is at most 2 a stage. It is divided by that, so that
    it runs from 0 to 1, about as LPIPS does, and weighs about as much.
    """

    def smooth_l1(out: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(torch.tanh(out), target)

    def l2(out: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(torch.tanh(out), target)

    def distance(out: Tensor, target: Tensor) -> Tensor:
        where = (perceptual.backbone, out.device, out.dtype)
        net = load_backbone(where[0], weights_path(perceptual.weights), *where[1:])
        heads = None
        if perceptual.linear != "none":
            heads = load_heads(where[0], weights_path(perceptual.linear), *where[1:])
        shown, truth = (torch.tanh(out) + 1) / 2, (target + 1) / 2
        scale = 1.0 if heads is not None else 1 / (2 * len(net.taps))
        return scale * picture_distance(net, shown, truth, heads).mean()

    return {"smooth_l1": smooth_l1, "l2": l2, "perceptual": distance}


def _ab_losses(perceptual: Perceptual, _: Tensor | None) -> dict[str, Loss]:
    """Those of `training/losses` that judge ab."""
    names = ("l1", "l2", "smooth_l1", "ssim", "colourfulness", "gamut", "total_variation")
    options = {"backbone": perceptual.backbone, "weights": perceptual.weights}
    if perceptual.linear != "none":
        options["linear"] = perceptual.linear
    all_of = {name: LOSSES[name] for name in names}
    all_of["perceptual"] = partial(LOSSES["perceptual"], **options)

    def of_ab(loss: Callable[..., Tensor], out: Tensor, target: Batch) -> Tensor:
        return loss({"ab": REACH * out}, target)

    return {name: partial(of_ab, loss) for name, loss in all_of.items()}


def _bin_losses(_: Perceptual, prior: Tensor | None) -> dict[str, Loss]:
    def classification(out: Tensor, target: Batch) -> Tensor:
        return LOSSES["classification"]({"logits": out}, target)

    def rebalanced(out: Tensor, target: Batch) -> Tensor:
        return LOSSES["rebalanced"]({"logits": out}, target, prior=prior)

    return {"classification": classification, "rebalanced": rebalanced}


def _pair_losses(_: Perceptual, __: Tensor | None) -> dict[str, Loss]:
    def colour(out: tuple[Tensor, Tensor], target: Batch) -> Tensor:
        return LOSSES["classification"]({"logits": out[0]}, target)

    def lightness(out: tuple[Tensor, Tensor], target: Batch) -> Tensor:
        stride = target.L.shape[-1] // out[1].shape[-1]
        width = 100 / LIGHTNESS_BINS
        cells = F.avg_pool2d(target.L, stride)[:, 0] / width  # (B,h/s,w/s)
        return F.cross_entropy(out[1], cells.long().clamp(0, LIGHTNESS_BINS - 1))

    return {"colour": colour, "lightness": lightness}


def _label_losses(_: Perceptual, __: Tensor | None) -> dict[str, Loss]:
    return {"cross_entropy": F.cross_entropy}


PRETEXTS: dict[str, Pretext] = {
    "rgb": Pretext(
        about="autoencoder, grey to RGB",
        make_net=lambda shape, decoder, _: EncoderDecoder(shape, decoder, 3),
        make_input=_grey,
        make_target=_rgb_target,
        losses=_rgb_losses,
        weights={"smooth_l1": 1.0, "perceptual": 1.0},
    ),
    "grey": Pretext(
        about="autoencoder, grey to grey",
        make_net=lambda shape, decoder, _: EncoderDecoder(shape, decoder, 3),
        make_input=_grey,
        make_target=_grey_target,
        losses=_rgb_losses,
        weights={"smooth_l1": 1.0, "perceptual": 1.0},
    ),
    "ab": Pretext(
        about="colouring by regression, grey to ab",
        make_net=lambda shape, decoder, _: EncoderDecoder(shape, decoder, 2),
        make_input=_grey,
        make_target=_lab_target,
        losses=_ab_losses,
        weights={"smooth_l1": 1.0},
    ),
    "bins": Pretext(
        about="colouring by classification, grey to 313 ab bins",
        make_net=lambda shape, decoder, _: EncoderDecoder(shape, decoder, len(BINS), cells=True),
        make_input=_grey,
        make_target=_lab_target,
        losses=_bin_losses,
        weights={"classification": 1.0},
    ),
    "split-brain": Pretext(
        about="split-brain pair, L to ab bins and ab to L bins",
        make_net=lambda shape, decoder, _: SplitBrainPair(shape, decoder),
        make_input=_lab_input,
        make_target=_lab_target,
        losses=_pair_losses,
        weights={"colour": 1.0, "lightness": 1.0},
    ),
    "labels": Pretext(
        about="supervised on grey",
        make_net=lambda shape, _, classes: Supervised(shape, classes),
        make_input=_grey,
        make_target=_label_target,
        losses=_label_losses,
        weights={"cross_entropy": 1.0},
    ),
}


def losses_of(
    arm: Arm, perceptual: Perceptual, prior: Tensor | None = None
) -> dict[str, tuple[float, Loss]]:
    """The losses of an arm with a pretext, each with its weight; those of weight 0 are left out.

    prior (Q,): how common each ab bin is, which the loss "rebalanced" needs before it is called.
    Raises ConfigInvalid for an unknown pretext or loss, and where no loss is left.
    """
    if arm.pretext not in PRETEXTS:
        remedy = f"Use one of: {', '.join(PRETEXTS)}."
        raise ConfigInvalid(f"no pretext '{arm.pretext}'", remedy=remedy)
    pretext = PRETEXTS[arm.pretext]
    known, weights = pretext.losses(perceptual, prior), arm.losses or pretext.weights
    if unknown := sorted(set(weights) - set(known)):
        raise ConfigInvalid(
            f"the pretext '{arm.pretext}' has no loss '{unknown[0]}'",
            remedy=f"It has: {', '.join(known)}.",
        )
    chosen = {name: (weight, known[name]) for name, weight in weights.items() if weight}
    if not chosen:
        raise ConfigInvalid(f"no loss of the pretext '{arm.pretext}' has a weight")
    return chosen
