"""What frozen features know of the classes: probes, each in both domains, for shares of the labels.

linear              logistic regression on a stage's features; weight decay chosen on development
two-conv, resnet18, resnet50, vit_tiny
                    a classifier on a stage's maps; epoch chosen on development
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kolorit.training.representation import linear, map_probe
from kolorit.training.representation.classifiers import CLASSIFIERS
from kolorit.training.representation.outcomes import Outcome
from kolorit.training.representation.task import Task

PROBES: dict[str, Callable[[Task], list[Outcome]]] = {
    "linear": linear.probe,
    **{name: partial(map_probe.probe, make=make) for name, make in CLASSIFIERS.items()},
}
