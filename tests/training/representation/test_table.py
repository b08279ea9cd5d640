"""table.py: which stage is an arm's best, where kinds of probes have labels of their own number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kolorit.training.representation.certainty import means_of
from kolorit.training.representation.record import labels_in_words, most_labels
from kolorit.training.representation.study import Study
from kolorit.training.representation.table import _best_stages, _differences


def row(stage: str, probe: str, fraction: float, development: float | None) -> dict[str, Any]:
    found = {"arm": "a", "domain": "in", "stage": stage, "probe": probe}
    return found | {"fraction": fraction, "development": development}


ROWS = [
    row("mid", "linear", 0.5, 0.9),  # fewer labels than the most: does not choose
    row("mid", "linear", 1.0, 0.3),
    row("latent", "linear", 0.5, 0.1),
    row("latent", "linear", 1.0, 0.4),
    row("mid", "two-conv", 0.25, 0.7),
    row("latent", "two-conv", 0.25, 0.6),
]


def test_each_kind_chooses_by_the_most_labels_that_it_has() -> None:
    assert _best_stages(ROWS) == {("a", "linear", "in"): "latent", ("a", "two-conv", "in"): "mid"}
    record = {"rows": ROWS}
    assert [most_labels(record, kind) for kind in ("linear", "two-conv")] == [1.0, 0.25]
    assert labels_in_words(record, "linear") == "all labels"
    assert labels_in_words(record, "two-conv") == "25 % of the labels"


def test_without_development_the_last_stage_is_taken() -> None:
    rows = [row("mid", "linear", 1.0, None), row("latent", "linear", 1.0, None)]
    assert _best_stages(rows) == {("a", "linear", "in"): "latent"}


def test_strong_classifiers_are_compared_with_two_conv(
    study: Callable[..., Study],
) -> None:
    """On the same maps and labels, for every share of them; the linear probe is another thing."""
    rng = np.random.default_rng(0)
    chances = {"two-conv": 0.3, "resnet18": 0.6, "linear": 0.9}
    right = {
        ("raw", "pixels", kind, "in", fraction): means_of(rng.random((1, 5, 400)) < chance)
        for kind, chance in chances.items()
        for fraction in (0.1, 1.0)
    }
    best = {("raw", kind, "in"): "pixels" for kind in chances}
    found = _differences(study(), right, right, best)
    assert [(d["probe"], d["second_probe"], d["fraction"]) for d in found] == [
        ("resnet18", "two-conv", 0.1), ("resnet18", "two-conv", 1.0)
    ]  # fmt: skip
    for d in found:
        assert d["difference"][0] == pytest.approx(0.3, abs=0.03) and d["verdict"] == "higher"
