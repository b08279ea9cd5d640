"""What a probe is put on: an arm's features at a stage, the pictures of both domains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.sources import Features
from kolorit.training.representation.splits import Domain, Rows
from kolorit.training.representation.study import Arm, Study


@dataclass(frozen=True, eq=False)
class Task:
    """stored, maps: the stage's features and maps as .npy, where `frozen.extract` has made them."""

    study: Study
    arm: Arm
    features: Features
    stage: str
    stored: Path | None
    of: ClassSet
    domains: dict[str, Domain]
    device: torch.device
    maps: Path | None = None


def parts_of(domains: dict[str, Domain]) -> list[tuple[Domain, Rows]]:
    """The rows whose features are wanted, in this order: each domain's pool, then its test."""
    return [(d, rows) for d in domains.values() for rows in (d.pool, d.test)]


def places(domains: dict[str, Domain], count: int) -> Rows:
    """Where the features of each of ``count`` rows stand: (2,count), as it is and mirrored.

    Mirrored pools come after all parts, as `frozen.extract` writes them; -1: nowhere.
    """
    found = np.full((2, count), -1)
    at = 0
    for _, rows in parts_of(domains):
        found[0, rows] = np.arange(at, at + len(rows))
        at += len(rows)
    for domain in domains.values():
        found[1, domain.pool] = np.arange(at, at + len(domain.pool))
        at += len(domain.pool)
    return found


def answers_of(task: Task, domain: Domain) -> np.ndarray:
    """The classes that a probe can answer, rising: the domain's, or all of the set's."""
    if task.study.probe.all_classes:
        return np.arange(len(task.of.classes))
    return np.sort(np.array(domain.classes))
