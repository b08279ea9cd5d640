"""What a study would do, without doing it: arms, parameters of each part, splits, data found."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from kolorit.errors import KoloritError
from kolorit.evaluate.deep.weights import weights_path
from kolorit.training.representation.encoder_decoder import Encoder
from kolorit.training.representation.layouts import find_set
from kolorit.training.representation.pretexts import PRETEXTS, losses_of
from kolorit.training.representation.sets import ClassSet, find_folder
from kolorit.training.representation.sources import (
    MOBILENET,
    seeds_of,
    sees,
    stages_for,
    stages_of,
)
from kolorit.training.representation.splits import describe_split, split_set
from kolorit.training.representation.study import Arm, Study, arms_of, as_table
from kolorit.training.representation.table import perceptual_name
from kolorit.training.representation.two_conv import TwoConv


def describe(study: Study) -> dict[str, Any]:
    """As JSON has it. What is missing of data and weights is told, not raised."""
    data = describe_data(study)
    classes = data.get("classes") or 101
    held = study.split.held_out
    head = classes if study.probe.all_classes else classes - held
    return {
        "study": as_table(study),
        "data": data,
        "encoder": count(Encoder(study.net)),
        "arms": {name: _arm(study, arm, classes) for name, arm in arms_of(study).items()},
        "probes": {
            "linear": {"numbers": study.probe.numbers, "classes": head},
            "two-conv": {
                f"{channels} channels": count(TwoConv(channels, head))
                for channels in (1, 3, study.net.latent)
            },
        },
        "perceptual": perceptual_name(study.perceptual),
        "runs": _runs(study),
    }


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


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
    encoders, probes = 0, 0
    for arm in arms_of(study).values():
        seeds = len(seeds_of(study, arm))
        encoders += seeds * (arm.features == "pretext")
        for kind in study.probe.kinds:
            fractions = len(study.probe.fractions) if kind == "linear" else 1
            probes += seeds * len(stages_for(study, arm, kind)) * fractions
    each = 2 * len(study.probe.seeds)  # domains
    steps = encoders * study.training.steps
    return {"encoders taught": encoders, "steps": steps, "probes": probes * each}
