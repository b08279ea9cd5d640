"""The record of an evaluation: one plain JSON object from which every report is made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kolorit import __version__
from kolorit.evaluate.deep import describe_deep
from kolorit.evaluate.intervals import RESAMPLES
from kolorit.evaluate.judge import Judgement
from kolorit.evaluate.provenance import provenance
from kolorit.evaluate.report_text import table_in_csv
from kolorit.evaluate.summary import describe_columns, per_picture, summarise
from kolorit.picture.save import save

_PACKAGES = (
    *("numpy", "pillow", "onnxruntime"),
    *("torch", "safetensors", "torch-fidelity", "matplotlib"),  # of the extras, where they are
)


def make_record(
    judgements: Sequence[Judgement],
    *,
    systems: dict[str, dict[str, Any]],
    short_side: int,
    prior: str,
    deep: bool,
    without_truth: dict[str, list[str]],
) -> dict[str, Any]:
    """What was judged, how, where, and all numbers.

    systems: row -> what it is. without_truth: row -> stems of its folder that no set has.
    """
    columns, missing = describe_deep() if deep else ({}, {})
    return {
        "schema": 1,
        "kolorit": __version__,
        **provenance(*_PACKAGES),
        "seed": 0,
        "resamples": RESAMPLES,
        "short_side": short_side,
        "prior": prior,
        "columns": describe_columns(columns),
        "systems": systems,
        "without_truth": without_truth,
        "missing": missing,
        "sets": [summarise(judgement) for judgement in judgements],
    }


def write_pictures(judgements: Sequence[Judgement], path: Path) -> Path:
    """pictures.csv: every number of every picture and row, and whether the row failed there."""
    lines = [line for judgement in judgements for line in per_picture(judgement)]
    heads = list(dict.fromkeys(head for line in lines for head in line))
    content = table_in_csv(heads, ([line.get(head) for head in heads] for line in lines))
    return save(content, path, overwrite=True)
