"""Where an arm's features come from: a function from pictures to maps, by stage.

grey, rgb    the pictures themselves          histogram  how much of each ab bin a picture has
pretext      an encoder that was taught       random     the same one before any teaching
imagenet     MobileNetV2 of KOLORIT_WEIGHTS   colorizer  the shipped model's network
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.colour.bins import BINS
from kolorit.evaluate.deep.classifier import MobileNetV2, load_mobilenet
from kolorit.evaluate.deep.weights import weights_path
from kolorit.runtime.store import find_model
from kolorit.training.colour import soft_encode
from kolorit.training.nets import hinted_unet
from kolorit.training.representation.encoder_decoder import random_encoder
from kolorit.training.representation.pictures import (
    Pictures,
    Preprocessing,
    preprocessing_of,
)
from kolorit.training.representation.pretexts import PRETEXTS
from kolorit.training.representation.study import Arm, Study
from kolorit.training.representation.taught import Taught

MOBILENET = "mobilenet_v2_imagenet_fp16.safetensors"
# layer of MobileNetV2 after which a stage is read: the last of each stride, and the widest
_MOBILENET_STAGES = {1: "s2", 3: "s4", 6: "s8", 13: "s16", 16: "s32", 18: "last"}
_FIXED_STAGES = {  # whatever the shape of the study's own encoders
    "grey": ("pixels",),
    "rgb": ("pixels",),
    "histogram": ("histogram",),
    "imagenet": tuple(_MOBILENET_STAGES.values()),
    "colorizer": ("s2", "s4", "s8", "s16", "s32", "deep", "up16", "up8", "up4", "up2"),
}
Maps = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Features:
    """maps: pictures -> stage -> (B,C,h,w). net: what must not change meanwhile, if anything.

    stages: the source's own, in their order.
    """

    net: nn.Module | None
    preprocessing: Preprocessing
    stages: tuple[str, ...]
    maps: Callable[[Pictures, Iterable[str]], Maps]


def _pixels(name: str) -> Callable[[Study, Arm, int, Taught | None], Features]:
    def make(study: Study, arm: Arm, seed: int, taught: Taught | None) -> Features:
        def maps(pictures: Pictures, stages: Iterable[str]) -> Maps:
            return {"pixels": pictures.rgb if name == "rgb" else pictures.grey}

        return Features(None, preprocessing_of(study), known_stages(study, arm), maps)

    return make


def _histogram(study: Study, arm: Arm, seed: int, taught: Taught | None) -> Features:
    def maps(pictures: Pictures, stages: Iterable[str]) -> Maps:
        ab = pictures.lab.ab  # (B,2,h,w)
        index, weight = soft_encode(ab.permute(0, 2, 3, 1))  # (B,h,w,5) each
        counts = ab.new_zeros(len(ab), len(BINS))
        counts.scatter_add_(1, index.flatten(1), weight.flatten(1))
        shares = counts / (ab.shape[2] * ab.shape[3])
        return {"histogram": shares.sqrt()[:, :, None, None]}  # (B,Q,1,1); roots: Hellinger

    return Features(None, preprocessing_of(study), known_stages(study, arm), maps)


def _random(study: Study, arm: Arm, seed: int, taught: Taught | None) -> Features:
    net = random_encoder(study.net, seed)

    def maps(pictures: Pictures, stages: Iterable[str]) -> Maps:
        return net.features(pictures.grey)

    return Features(net, preprocessing_of(study), known_stages(study, arm), maps)


def _pretext(study: Study, arm: Arm, seed: int, taught: Taught | None) -> Features:
    assert taught is not None  # `run.py` teaches first
    net, pretext = taught.net, PRETEXTS[arm.pretext]
    inside = _encoder_stages(study)

    def maps(pictures: Pictures, stages: Iterable[str]) -> Maps:
        decoder = any(stage not in inside for stage in stages)
        found: Maps = net.features(pretext.make_input(pictures), decoder=decoder)  # type: ignore[operator]
        return found

    how = taught.preprocessing
    if study.defects.uneven_range:
        how = replace(how, low=0.0)
    return Features(net, how, known_stages(study, arm), maps)


def _imagenet(study: Study, arm: Arm, seed: int, taught: Taught | None) -> Features:
    return _of_mobilenet(study, arm, load_mobilenet(weights_path(MOBILENET)))


def _of_mobilenet(study: Study, arm: Arm, net: MobileNetV2) -> Features:
    def maps(pictures: Pictures, stages: Iterable[str]) -> Maps:
        rgb = pictures.rgb if arm.sees == "colour" else pictures.grey.expand(-1, 3, -1, -1)
        low, high = (0.0, 1.0) if arm.sees == "colour" else (how.low, how.high)
        x = _sized(2 * (rgb - low) / (high - low) - 1, arm.size)
        found = {}
        for k, layer in enumerate(net.features):
            x = layer(x)
            if k in _MOBILENET_STAGES:
                found[_MOBILENET_STAGES[k]] = x
        return found

    how = preprocessing_of(study)
    return Features(net, how, known_stages(study, arm), maps)


def _colorizer(study: Study, arm: Arm, seed: int, taught: Taught | None) -> Features:
    from kolorit.training.onnx_file import start_weights

    net = hinted_unet.build()
    net.load_state_dict(start_weights("default"))
    return _of_unet(study, arm, net)


def _of_unet(study: Study, arm: Arm, net: hinted_unet.HintedUNetModule) -> Features:
    def maps(pictures: Pictures, stages: Iterable[str]) -> Maps:
        L = _sized(pictures.lab.L, arm.size)
        return net.features(L, L.new_zeros(len(L), 3, *L.shape[2:]))

    return Features(net, preprocessing_of(study), known_stages(study, arm), maps)


def blank(study: Study, arm: Arm, classes: int) -> Features:
    """An arm's features before any weights, untaught and unread: of the same shapes, no more."""
    if arm.features == "imagenet":
        return _of_mobilenet(study, arm, MobileNetV2())
    if arm.features == "colorizer":
        return _of_unet(study, arm, hinted_unet.build())
    taught = None
    if arm.features == "pretext":
        net = PRETEXTS[arm.pretext].make_net(study.net, study.decoder, classes)
        taught = Taught(net, preprocessing_of(study), [], {})
    return SOURCES[arm.features](study, arm, 0, taught)


def foreign_digest(arm: Arm) -> str:
    """The sha256 of the file that a foreign encoder is read from; "" for others, and without it."""
    files = {
        "imagenet": lambda: weights_path(MOBILENET),
        "colorizer": lambda: find_model("default"),
    }
    path = files.get(arm.features, Path)()
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


SOURCES: dict[str, Callable[[Study, Arm, int, Taught | None], Features]] = {
    "grey": _pixels("grey"),
    "rgb": _pixels("rgb"),
    "histogram": _histogram,
    "random": _random,
    "pretext": _pretext,
    "imagenet": _imagenet,
    "colorizer": _colorizer,
}
SEEDED = ("random", "pretext")  # differ from seed to seed of the training; of others there is one


def seeds_of(study: Study, arm: Arm) -> tuple[int, ...]:
    """The pretext's seeds; a single one for arms that have nothing random in them."""
    return study.training.seeds if arm.features in SEEDED else (0,)


def sees(arm: Arm) -> str:
    """Whether an arm's features are made of "grey" or of "colour"."""
    if arm.features == "imagenet":
        return arm.sees
    colour = arm.features in ("rgb", "histogram") or arm.pretext == "split-brain"
    return "colour" if colour else "grey"


def kinds_of(study: Study, arm: Arm) -> tuple[str, ...]:
    """The kinds of probes that an arm is put to."""
    return arm.kinds or study.probe.kinds


def known_stages(study: Study, arm: Arm) -> tuple[str, ...]:
    """All stages that an arm's source has, in their order."""
    if arm.features not in SEEDED:
        return _FIXED_STAGES[arm.features]
    if arm.features == "random" or study.decoder != "seed" or arm.pretext == "labels":
        return _encoder_stages(study)
    ups = (f"up{k + 1}" for k in range(len(study.net.widths)))
    return (*_encoder_stages(study), "dec_in", "dec_mid", *ups)


def stages_of(study: Study, arm: Arm) -> tuple[str, ...]:
    """The stages of an arm that are probed, whatever the kind of probe."""
    if arm.stages:
        return arm.stages
    if arm.features in SEEDED:
        return study.probe.stages
    if arm.features == "colorizer":
        return ("s4", "s8", "s16", "s32", "deep", "up16", "up8")
    return known_stages(study, arm)


def stages_for(study: Study, arm: Arm, kind: str) -> tuple[str, ...]:
    """The stages of an arm that a kind of probe is put on; the last where none is named."""
    stages = stages_of(study, arm)
    if kind == "linear":
        return stages
    return tuple(stage for stage in stages if stage in study.probe.map_stages) or stages[-1:]


def _encoder_stages(study: Study) -> tuple[str, ...]:
    downs = (f"down{k + 1}" for k in range(len(study.net.widths)))
    return ("conv_in", *downs, "mid", "conv_norm_out", "conv_out", "latent")


def _sized(x: Tensor, side: int) -> Tensor:
    """x (B,C,h,w) at (side,side); as it comes where side is 0."""
    if side in (0, x.shape[-1]):
        return x
    return F.interpolate(x, (side, side), mode="bilinear", align_corners=False)


def moved(features: Features, device: torch.device) -> Features:
    """The same with its network on a device, in evaluation mode."""
    if features.net is not None:
        features.net.to(device).eval()
    return features
