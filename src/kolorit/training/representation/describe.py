"""What a study would do, without doing it: arms, parameters of each part, splits, data found."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from kolorit.errors import KoloritError
from kolorit.evaluate.deep.weights import weights_path
from kolorit.training.representation.classifiers import CLASSIFIERS
from kolorit.training.representation.encoder_decoder import Encoder
from kolorit.training.representation.layouts import find_set
from kolorit.training.representation.pretexts import PRETEXTS, losses_of
from kolorit.training.representation.sets import ClassSet, find_folder
from kolorit.training.representation.sources import (
    MOBILENET,
    kinds_of,
    seeds_of,
    sees,
    stages_for,
    stages_of,
)
from kolorit.training.representation.splits import describe_split, split_set
from kolorit.training.representation.study import Arm, Study, arms_of, as_table, teaching
from kolorit.training.representation.table import perceptual_name


def describe(study: Study) -> dict[str, Any]:
    """As JSON has it. What is missing of data and weights is told, not raised."""
    data = describe_data(study)
    classes = data.get("classes") or 101
    held = study.split.held_out
    kinds = {"two-conv"}.union(*(kinds_of(study, arm) for arm in arms_of(study).values()))
    head = classes if study.probe.all_classes else classes - held
    return {
        "study": as_table(study),
        "data": data,
        "encoder": count(Encoder(study.net)),
        "arms": {name: _arm(study, arm, classes) for name, arm in arms_of(study).items()},
        "probes": {
            "linear": {"numbers": study.probe.numbers, "classes": head},
            **{kind: _classifier(study, kind, head) for kind in CLASSIFIERS if kind in kinds},
        },
        "perceptual": perceptual_name(study.perceptual),
        "runs": _runs(study),
    }


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def _classifier(study: Study, kind: str, classes: int) -> dict[str, int]:
    """Parameters on the picture and on the latent."""
    stride = 2 ** (len(study.net.widths) - 1)
    return {
        f"{channels} channels": count(CLASSIFIERS[kind](channels, side, classes))
        for channels, side in (
            *((channels, study.probe.side or study.px) for channels in (1, 3)),
            (study.net.latent, study.probe.side or study.px // stride),
        )
    }


def describe_data(study: Study) -> dict[str, Any]:
    """The folder, and what the split makes of its pictures; nothing is decoded."""
    table: dict[str, Any] = {"name": study.data, "folder": None}
    try:
        folder = find_folder(study.data)
        table["folder"] = str(folder)
        found = find_set(folder)
        label = np.array([entry.label for entry in found.entries], np.int64)
        test = np.array([entry.test for entry in found.entries], bool)
        names = tuple(entry.name for entry in found.entries)
        nothing = np.zeros((len(label), 0, 0, 3), np.uint8)
        of = ClassSet(nothing, label, test, found.classes, names, digest="")
        table |= {"classes": len(found.classes), "train": int((~test).sum())}
        table["test"] = int(test.sum())
        domains = split_set(of, study.split, study.defects)
    except KoloritError as error:
        return {**table, "problem": str(error)}
    return {**table, "domains": describe_split(of, domains)["domains"]}


def _arm(study: Study, arm: Arm, classes: int) -> dict[str, Any]:
    table: dict[str, Any] = {"features": arm.features, "sees": sees(arm)}
    table["stages"] = list(stages_of(study, arm))
    if arm.features == "pretext":
        net = PRETEXTS[arm.pretext].make_net(study.net, study.decoder, classes)
        losses = losses_of(arm, study.perceptual)
        table |= {
            "pretext": arm.pretext,
            "about": PRETEXTS[arm.pretext].about,
            "losses": {name: weight for name, (weight, _) in losses.items()},
            "parts": {name: count(part) for name, part in net.named_children()},
            "parameters": count(net),
        }
        if "perceptual" in losses:
            table["weights"] = _weights(study.perceptual.weights)
    if arm.features == "imagenet":
        table["weights"] = _weights(MOBILENET)
    return table


def _weights(name: str) -> dict[str, Any]:
    try:
        return {"file": name, "found": weights_path(name).is_file()}
    except KoloritError as error:
        return {"file": name, "found": False, "why": str(error)}


def _runs(study: Study) -> dict[str, int]:
    """How much there is to do."""
    probes = 0
    taught = []  # arms that differ in nothing but their probes share an encoder
    for arm in arms_of(study).values():
        seeds = len(seeds_of(study, arm))
        if arm.features == "pretext" and teaching(arm) not in taught:
            taught.append(teaching(arm))
        for kind in kinds_of(study, arm):
            how = study.probe
            fractions = len(how.fractions) if kind == "linear" else len(how.map_fractions) or 1
            probes += seeds * len(stages_for(study, arm, kind)) * fractions
    encoders = len(taught) * len(study.training.seeds)
    each = 2 * len(study.probe.seeds)  # domains
    steps = encoders * study.training.steps
    return {"encoders taught": encoders, "steps": steps, "probes": probes * each}
