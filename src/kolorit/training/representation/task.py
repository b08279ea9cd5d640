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
    """stored: the stage's features as .npy, rows as `parts_of` orders them, where a probe asks."""

    study: Study
    arm: Arm
    features: Features
    stage: str
    stored: Path | None
    of: ClassSet
    domains: dict[str, Domain]
    device: torch.device


def parts_of(domains: dict[str, Domain]) -> list[tuple[Domain, Rows]]:
    """The rows whose features are wanted, in this order: each domain's pool, then its test."""
    return [(d, rows) for d in domains.values() for rows in (d.pool, d.test)]


def answers_of(task: Task, domain: Domain) -> np.ndarray:
    """The classes that a probe can answer, rising: the domain's, or all of the set's."""
    if task.study.probe.all_classes:
        return np.arange(len(task.of.classes))
    return np.sort(np.array(domain.classes))
