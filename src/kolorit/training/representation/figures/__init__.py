"""A study's figures, from its record, its confusions and its samples alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kolorit.picture.save import save
from kolorit.training.representation.figures.curves import draw_accuracy, draw_labels, draw_stages
from kolorit.training.representation.figures.panes import draw_confusion, draw_samples
from kolorit.training.representation.figures.style import Drawn, Figure, styles_of
from kolorit.training.representation.record import Record


def draw_figures(
    results: Record,
    confusions: Mapping[str, np.ndarray],
    samples: Mapping[str, Mapping[str, np.ndarray]],
    folder: Path,
) -> dict[str, Figure]:
    """Write all figures for which there is something; by "accuracy-KIND", "stages-KIND",
    "labels-KIND", "confusion-KIND" for each kind of probe, and "samples".

    confusions: as `table.confusions`; samples: of each arm, as `samples.make_samples`. The same
    values give the same bytes. Raises ImportError without matplotlib.
    """
    styles = styles_of(results["study"]["arms"])
    drawn: dict[str, Drawn | None] = {}
    for kind in dict.fromkeys(row["probe"] for row in results["rows"]):
        drawn[f"accuracy-{kind}"] = draw_accuracy(results, kind, styles)
        drawn[f"stages-{kind}"] = draw_stages(results, kind, styles)
        drawn[f"labels-{kind}"] = draw_labels(results, kind, styles)
        drawn[f"confusion-{kind}"] = draw_confusion(results, kind, confusions)
    drawn["samples"] = draw_samples(samples)
    figures = {}
    for name, found in drawn.items():
        if found is not None:
            png, words, note = found
            save(png, folder / f"{name}.png", overwrite=True)
            figures[name] = Figure(f"{name}.png", words, note)
    return figures
