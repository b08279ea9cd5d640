"""What a study would do, without doing it: arms, parameters of each part, splits, data found."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from kolorit.errors import KoloritError
from kolorit.evaluate.deep.weights import weights_path
from kolorit.training.representation.classifiers import CLASSIFIERS
from kolorit.training.representation.encoder_decoder import Encoder
from kolorit.training.representation.layouts import find_set
from kolorit.training.representation.pictures import to_pictures
from kolorit.training.representation.pretexts import PRETEXTS, losses_of
from kolorit.training.representation.sets import ClassSet, find_folder
from kolorit.training.representation.sources import (
    blank,
    kinds_of,
    moved,
    seeds_of,
    sees,
    stages_for,
    stages_of,
)
from kolorit.training.representation.splits import describe_split, split_set
from kolorit.training.representation.study import (
    Arm,
    Study,
    arms_of,
    as_table,
    perceptual_name,
    teaching,
)
from kolorit.training.representation.weights import needed_weights

UNKNOWN = 101  # classes of a set that is not at hand: Food-101's


def describe(study: Study) -> dict[str, Any]:
    """As JSON has it. What is missing of data and weights is told, not raised."""
    data = describe_data(study)
    classes = data.get("classes") or UNKNOWN
    answers = _count_answers(study, data, classes)
    return {
        "study": as_table(study),
        "data": data,
        "encoder": count(Encoder(study.net)),
        "arms": {name: _arm(study, arm, classes) for name, arm in arms_of(study).items()},
        "probes": {
            "linear": {"numbers": study.probe.numbers, "classes": answers},
            **_classifiers(study, classes, answers),
        },
        "perceptual": perceptual_name(study.perceptual),
        "runs": _runs(study),
    }


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def _count_answers(study: Study, data: dict[str, Any], classes: int) -> int:
    """How many classes a probe in domain can answer; by the settings where there is no split."""
    if study.probe.all_classes:
        return classes
    if "domains" in data:
        return len(data["domains"]["in"]["classes"])
    used = min(study.split.classes or classes, classes)
    return max(used - study.split.held_out, 2)  # with fewer a split is refused


def _classifiers(study: Study, classes: int, answers: int) -> dict[str, dict[str, int]]:
    """Parameters of each kind of classifier on the maps that it is put on."""
    shapes: dict[str, dict[tuple[int, int], None]] = {}
    for arm in arms_of(study).values():
        kinds = [kind for kind in kinds_of(study, arm) if kind in CLASSIFIERS]
        every = _shapes(study, arm, classes) if kinds else {}
        for kind in kinds:
            some = [every[stage] for stage in stages_for(study, arm, kind)]
            shapes.setdefault(kind, {}).update(dict.fromkeys(some))
    return {
        kind: _named({shape: count(CLASSIFIERS[kind](*shape, answers)) for shape in some})
        for kind, some in shapes.items()
    }


def _named(parameters: dict[tuple[int, int], int]) -> dict[str, int]:
    """By the channels of the maps; by their side as well where that changes the number."""
    table = {}
    for (channels, side), number in parameters.items():
        differ = len({n for (c, _), n in parameters.items() if c == channels}) > 1
        table[f"{channels} channels" + (f" of {side} px" if differ else "")] = number
    return table


@torch.no_grad()
def _shapes(study: Study, arm: Arm, classes: int) -> dict[str, tuple[int, int]]:
    """Channels and side of the maps of each stage that is probed, as a classifier sees them."""
    cpu = torch.device("cpu")
    features = moved(blank(study, arm, classes), cpu)
    black = np.zeros((1, study.px, study.px, 3), np.uint8)
    maps = features.maps(
        to_pictures(black, np.zeros(1, np.int64), features.preprocessing, cpu),
        stages_of(study, arm),
    )
    side = arm.side or study.probe.side
    return {stage: (x.shape[1], side or x.shape[-1]) for stage, x in maps.items()}


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
    if needed := needed_weights(study, arm):
        table["weights"] = min(map(_weights, needed), key=lambda told: told["found"])
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
