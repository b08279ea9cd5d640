"""table.py: which stage is an arm's best, where kinds of probes have labels of their own number."""

from __future__ import annotations

from typing import Any

from kolorit.training.representation.record import labels_in_words, most_labels
from kolorit.training.representation.table import _best_stages


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
