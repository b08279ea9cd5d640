"""What frozen features know of the classes: probes, each in both domains, for shares of the labels.

linear     logistic regression on a stage's features; weight decay chosen on development
two-conv   the second study's classifier on a stage's maps; epoch chosen on development
"""

from __future__ import annotations

from collections.abc import Callable

from kolorit.training.representation import linear, two_conv_probe
from kolorit.training.representation.outcomes import Outcome
from kolorit.training.representation.task import Task

PROBES: dict[str, Callable[[Task], list[Outcome]]] = {
    "linear": linear.probe,
    "two-conv": two_conv_probe.probe,
}
