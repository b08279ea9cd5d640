"""The pictures that a report shows, coloured once more: only now it is known which they are."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from kolorit.evaluate.judge import Bench, Judgement, answer
from kolorit.evaluate.sets import read_truth
from kolorit.evaluate.view import View


def to_show(of_set: dict[str, Any]) -> set[str]:
    """Stems of the pictures that a set's record names."""
    named = [
        stem for extremes in of_set["best_median_worst"].values() for stem in extremes.values()
    ]
    return {*named, *of_set["reds"]}


def take_shots(
    judgement: Judgement, stems: Collection[str], bench: Bench
) -> dict[str, dict[str, np.ndarray]]:
    """Stem -> row -> rgb (H,W,3) uint8 of some pictures of a set; the tint row is grey here."""
    shots = {}
    for photograph in judgement.photo_set.photographs:
        if photograph.stem in stems:
            truth = View(read_truth(photograph.path, bench.short_side))
            answers, _ = answer(bench, photograph.stem, truth, (0.0, 0.0))
            shots[photograph.stem] = {row: coloured.rgb for row, coloured in answers.items()}
    return shots
