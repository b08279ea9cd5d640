"""The pictures of a report, as HTML: best, median and worst; those with most red; sliders.

Shots are the pictures of one set: stem -> row -> rgb (h,w,3) uint8, with rows "grey" and "truth".
What is not among them is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kolorit.evaluate.fidelity import mean_difference
from kolorit.evaluate.judge import BASELINES, GREY, TRUTH
from kolorit.evaluate.page import image, source, text
from kolorit.evaluate.slider import slider
from kolorit.evaluate.view import lab_of
from kolorit.picture.rgb import encode_rgb, resize_rgb

Shots = dict[str, dict[str, np.ndarray]]

SMALL, LARGE = 220, 400  # pixels of the long side, in a sheet and in a slider
SLIDERS = 2
_QUALITY = 82
_PLACES = ("best", "median", "worst")


def extremes(of_set: dict[str, Any], shots: Shots) -> str:
    """For each system its best, median and worst picture: grey, coloured, truth."""
    blocks = []
    for row, stems in of_set["best_median_worst"].items():
        figures = [
            _strip(
                shots[stems[place]],
                {GREY: GREY, row: "coloured", TRUTH: TRUTH},
                stems[place],
                place,
            )
            for place in _PLACES
            if row in shots.get(stems[place], {})
        ]
        if figures:
            blocks.append(f"<section>\n<h4>{text(row)}</h4>\n{''.join(figures)}</section>")
    return f'<div class="blocks">\n{"".join(blocks)}</div>' if blocks else ""


def reds(of_set: dict[str, Any], shots: Shots) -> str:
    """The pictures that are richest in reds: truth, then every system."""
    figures = []
    for stem in of_set["reds"]:
        shown = shots.get(stem, {})
        rows = {row: row for row in shown if row == TRUTH or row not in BASELINES}
        figures += [_strip(shown, rows, stem)] if len(rows) > 1 else []
    return f'<div class="blocks">\n{"".join(figures)}</div>' if figures else ""


def sliders(of_set: dict[str, Any], shots: Shots) -> str:
    """The median picture of the first systems, grey and coloured."""
    figures = []
    for row, stems in list(of_set["best_median_worst"].items())[:SLIDERS]:
        stem = stems["median"]
        if row in shots.get(stem, {}):
            grey, coloured = (_shrunk(shots[stem][r], LARGE) for r in (GREY, row))
            html = slider(
                *(source(encode_rgb(rgb, quality=_QUALITY), "jpeg") for rgb in (grey, coloured)),
                size=(grey.shape[0], grey.shape[1]),
                alts=(f"{stem} in grey", f"{stem}, coloured by {row}"),
                what=stem,
            )
            caption = f"<figcaption>{text(stem)}, {text(row)}</figcaption>"
            figures.append(f"<figure>\n{html}\n{caption}\n</figure>\n")
    return f'<div class="blocks">\n{"".join(figures)}</div>' if figures else ""


def _strip(shown: dict[str, np.ndarray], rows: dict[str, str], stem: str, place: str = "") -> str:
    """One photograph under several rows (row -> its word), with the CIEDE2000 of the coloured."""
    truth = lab_of(shown[TRUTH])
    cells = []
    for row, word in rows.items():
        label, words = text(word), f"{stem}: {word if row in BASELINES else row}"
        if row not in BASELINES:
            far = f"{mean_difference(shown=lab_of(shown[row]), truth=truth):.1f}"
            label, words = f"{label} <b>{far}</b>", f"{words}, CIEDE2000 {far}"
        content = encode_rgb(_shrunk(shown[row], SMALL), quality=_QUALITY)
        cells.append(f"<div>{image(content, 'jpeg', words, 'shot')}<small>{label}</small></div>\n")
    head = f"{place}: {stem}" if place else stem
    return (
        f'<figure>\n<figcaption>{text(head)}</figcaption>\n<div class="strip">\n{"".join(cells)}'
        f"</div>\n</figure>\n"
    )


def _shrunk(rgb: np.ndarray, longest: int) -> np.ndarray:
    """rgb with at most that long a side."""
    scale = min(1.0, longest / max(rgb.shape[:2]))
    height, width = (max(1, round(n * scale)) for n in rgb.shape[:2])
    return rgb if scale == 1 else resize_rgb(rgb, (height, width))
