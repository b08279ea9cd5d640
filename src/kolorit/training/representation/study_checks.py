"""What a study may say: each wrong value is told by its key before a run, not hours into it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from kolorit.errors import ConfigInvalid
from kolorit.training.losses import PENALTIES
from kolorit.training.representation.activations import FEATURE_PENALTIES
from kolorit.training.representation.encoder_decoder import DECODERS
from kolorit.training.representation.pictures import GREYS
from kolorit.training.representation.pretexts import losses_of
from kolorit.training.representation.probes import PROBES
from kolorit.training.representation.sources import SEEDED, SOURCES, kinds_of, known_stages
from kolorit.training.representation.study import Arm, Study, arms_of

_MANY = 10**9
_RANGES: dict[str, tuple[float, float]] = {  # least and largest, by table and key
    "px": (16, 512),
    **dict.fromkeys(("net.layers", "net.groups", "net.latent"), (1, _MANY)),
    "split.held_out": (1, 10**5),
    **dict.fromkeys(("split.seed", "split.classes"), (0, _MANY)),
    **dict.fromkeys(("split.train_per_class", "split.test_per_class"), (0, _MANY)),
    "split.pretext": (0.01, 0.98),
    "split.development": (0, 0.98),
    **dict.fromkeys(("training.steps", "training.batch", "training.validate_every"), (1, _MANY)),
    **dict.fromkeys(("training.lr", "training.clip"), (1e-12, _MANY)),
    **dict.fromkeys(("training.weight_decay", "training.warmup", "training.crop"), (0, _MANY)),
    **dict.fromkeys(("probe.numbers", "probe.iterations", "probe.epochs"), (1, _MANY)),
    "probe.batch": (2, _MANY),  # norms want two
    "probe.lr": (1e-12, _MANY),
    **dict.fromkeys(("probe.side", "probe.axes", "probe.decay", "probe.steps"), (0, _MANY)),
}
_OF_AN_ARM: dict[str, tuple[float, float]] = {"size": (0, 1024), "side": (0, 1024)}
_WEIGHTS = ("losses", "penalties", "feature_penalties")
_PROBE_WEIGHTS = ("probe_penalties", "probe_feature_penalties")
_SOME = "Give one at least."


def check_study(study: Study) -> None:
    """Raises ConfigInvalid for the first value that makes no sense, with its key and a remedy."""
    for key, limits in _RANGES.items():
        table, _, name = key.rpartition(".")
        _within(key, getattr(getattr(study, table) if table else study, name), *limits)
    _one_of("grey", study.grey, GREYS)
    _one_of("decoder", study.decoder, DECODERS)
    _one_of("training.schedule", study.training.schedule, ("cosine", "constant"))
    _check_net(study)
    _check_lists(study)
    _check_split(study)
    _check_arms(study)
    _check_stages(study)


def _check_net(study: Study) -> None:
    net = study.net
    if not net.widths:
        raise ConfigInvalid("net.widths is empty", remedy=_SOME)
    if any(width < 1 or width % net.groups for width in net.widths):
        remedy = f"Give multiples of net.groups = {net.groups}."
        raise ConfigInvalid(f"net.widths = {list(net.widths)}", remedy=remedy)
    if net.channels != 1:
        raise ConfigInvalid(f"net.channels = {net.channels}", remedy="Use 1: encoders see grey.")
    stride = 2 ** (len(net.widths) - 1)
    for key, side in (("px", study.px), ("training.crop", study.training.crop)):
        if side % stride or side > study.px:
            remedy = f"Use a multiple of {stride}, the stride of the latent, up to px."
            raise ConfigInvalid(f"{key} = {side}", remedy=remedy)


def _check_lists(study: Study) -> None:
    """Lists of [probe] and [training]: not empty, nothing twice, each value one that can be."""
    probe = study.probe
    for kind in probe.kinds:
        _one_of("probe.kinds", kind, tuple(PROBES))
    for key in ("kinds", "stages", "fractions", "seeds", "weight_decays"):
        if not getattr(probe, key):
            raise ConfigInvalid(f"probe.{key} is empty", remedy=_SOME)
    if not study.training.seeds:
        raise ConfigInvalid("training.seeds is empty", remedy=_SOME)
    for key, seeds in (("training.seeds", study.training.seeds), ("probe.seeds", probe.seeds)):
        if min(seeds) < 0:
            raise ConfigInvalid(f"{key} = {list(seeds)}", remedy="Use 0 or more.")
        _once(key, seeds)
    for key in ("fractions", "map_fractions"):
        if not all(0 < fraction <= 1 for fraction in getattr(probe, key)):
            remedy = "Use shares above 0, up to 1."
            raise ConfigInvalid(f"probe.{key} = {list(getattr(probe, key))}", remedy=remedy)
    for decay in probe.weight_decays:
        _not_negative("probe.weight_decays", decay)
    for key in ("fractions", "map_fractions", "weight_decays", "stages", "map_stages", "kinds"):
        _once(f"probe.{key}", getattr(probe, key))


def _check_split(study: Study) -> None:
    if study.split.pretext + study.split.development >= 1:
        raise ConfigInvalid(
            "split.pretext and split.development leave no labels for the probes",
            remedy="Let them be less than 1 together.",
        )
    kinds = {kind for arm in study.arms.values() for kind in kinds_of(study, arm)}
    if not study.split.development and len(study.probe.weight_decays) > 1 and "linear" in kinds:
        raise ConfigInvalid(
            "several probe.weight_decays, and split.development = 0",
            remedy="Give pictures to choose by, or one weight decay.",
        )


def _check_arms(study: Study) -> None:
    named = (*study.only, *(name for pair in study.compare for name in pair))
    for name in (*named, *((study.baseline,) if study.baseline else ())):
        _one_of("arm", name, tuple(study.arms))
    if not arms_of(study):
        raise ConfigInvalid("a study without arms", remedy="Add [arms.NAME].")
    _check_penalties("probe", study.probe, ("penalties", "feature_penalties"))
    for name, arm in study.arms.items():
        _check_arm(study, name, arm)


def _check_arm(study: Study, name: str, arm: Arm) -> None:
    if not name.replace("-", "").replace("_", "").isalnum():
        remedy = "Use letters, digits and hyphens: files are named after it."
        raise ConfigInvalid(f"an arm is called '{name}'", remedy=remedy)
    key = f"arms.{name}"
    _one_of(f"{key}.features", arm.features, tuple(SOURCES))
    _one_of(f"{key}.sees", arm.sees, ("grey", "colour"))
    for kind in arm.kinds:
        _one_of(f"{key}.kinds", kind, tuple(PROBES))
    for field in ("kinds", "stages"):
        _once(f"{key}.{field}", getattr(arm, field))
    for field, limits in _OF_AN_ARM.items():
        _within(f"{key}.{field}", getattr(arm, field), *limits)
    if (arm.features == "pretext") != (arm.pretext != "none"):
        raise ConfigInvalid(
            f"{key}: features = '{arm.features}' with pretext = '{arm.pretext}'",
            remedy='A pretext goes with features = "pretext", and with no other.',
        )
    _check_penalties(key, arm, (*_WEIGHTS, *_PROBE_WEIGHTS))
    if arm.features == "pretext":
        losses_of(arm, study.perceptual)
    elif arm.penalties or arm.feature_penalties:
        raise ConfigInvalid(
            f"{key} has penalties on an encoder that is not taught",
            remedy="probe_penalties and probe_feature_penalties are those of its classifier.",
        )


def _check_penalties(key: str, table: Any, fields: Iterable[str]) -> None:
    """Weights of losses and penalties, and the names of the latter."""
    for field in fields:
        for name, weight in getattr(table, field).items():
            if field.endswith("feature_penalties"):
                _one_of("feature penalty", name, tuple(FEATURE_PENALTIES))
            elif field.endswith("penalties"):
                _one_of("penalty", name, tuple(PENALTIES))
            _not_negative(f"{key}.{field}.{name}", weight)


def _check_stages(study: Study) -> None:
    """Those that an arm names must be its source's; those of [probe] must be had by each arm that
    runs and takes them from there."""
    for name, arm in study.arms.items():
        for stage in arm.stages:
            _one_of(f"arms.{name}.stages", stage, known_stages(study, arm))
    for arm in arms_of(study).values():
        if arm.features in SEEDED and not arm.stages:
            for stage in study.probe.stages:
                _one_of("probe.stages", stage, known_stages(study, arm))
    sources = (Arm("random"), *study.arms.values())  # the study's own encoder, arm or no arm
    known = dict.fromkeys(stage for arm in sources for stage in known_stages(study, arm))
    for stage in study.probe.map_stages:
        _one_of("probe.map_stages", stage, tuple(known))


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigInvalid(f"{key} = '{value}'", remedy=f"Use one of: {', '.join(allowed)}.")


def _within(key: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:  # also refuses NaN
        remedy = f"Use {least:g} or more." if most >= _MANY else f"Use {least:g} to {most:g}."
        raise ConfigInvalid(f"{key} = {value}", remedy=remedy)


def _not_negative(key: str, value: float) -> None:
    if not (value >= 0 and math.isfinite(value)):
        raise ConfigInvalid(f"{key} = {value}", remedy="Use a finite number, 0 or more.")


def _once(key: str, values: tuple[Any, ...]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise ConfigInvalid(f"{key} has {value} twice", remedy="Name it once.")
