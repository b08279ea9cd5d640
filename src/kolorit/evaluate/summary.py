"""From the verdicts of a set to its part of the record: means with intervals, comparisons, curves.

The record is plain JSON; reports are made from it and from nothing else but pictures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from kolorit.evaluate.calibration import calibration_error
from kolorit.evaluate.columns import COLUMNS, Words
from kolorit.evaluate.deep.kinds import set_columns
from kolorit.evaluate.deep.semantics import regained_terms
from kolorit.evaluate.deep.statistics import frechet, kid
from kolorit.evaluate.intervals import interval, interval_of, paired
from kolorit.evaluate.judge import BASELINES, GREY, TRUTH, Judgement, Verdict

PAIRED = ("ciede2000", "psnr", "auc_rebalanced")
REDS_SHOWN = 6
Cell = list[float | str | None]


def summarise(judgement: Judgement) -> dict[str, Any]:
    """One element of the record's "sets"."""
    verdicts = judgement.verdicts
    rows = list(verdicts[0].terms)
    systems = [row for row in rows if row not in BASELINES]
    return {
        "name": judgement.photo_set.name,
        "sha256": judgement.photo_set.sha256,
        "pictures": len(verdicts),
        "near_grey": judgement.near_grey,
        "left_out": [{"picture": stem, "why": why} for stem, why in judgement.left_out],
        "failures": [
            {"row": row, "picture": v.stem, "why": why} for v in verdicts for row, why in v.failures
        ],
        "rows": {row: _row(verdicts, row) for row in rows},
        "best_median_worst": {row: _extremes(verdicts, row) for row in systems},
        "reds": [v.stem for v in sorted(verdicts, key=lambda v: -v.reds) if v.reds][:REDS_SHOWN],
        "hue": {row: _hue(verdicts, row) for row in rows},
        "hints": {row: _hints(verdicts, row) for row in systems if row in verdicts[0].hints},
        "calibration": {row: curve for row in systems if (curve := _calibration(verdicts, row))},
        "paired": [
            found
            for first, second in combinations(systems, 2)
            for column in PAIRED
            if (found := _paired(verdicts, first, second, column))
        ],
    }


DERIVED: dict[str, Words] = {  # beside COLUMNS
    "psnr_over_grey": Words(
        "over grey",
        "dB",
        "high",
        "PSNR less that of the grey row, picture by picture: mean over the pictures.",
    ),
    "ciede2000_of_grey": Words(
        "of grey's",
        "",
        "low",
        "Sum of the pictures' CIEDE2000 by the sum of the grey row's.",
    ),
    "auc_rebalanced_over_grey": Words(
        "over grey",
        "%",
        "high",
        "AuC rebalanced less that of the grey row, in points.",
    ),
    "ece": Words(
        "ECE",
        "",
        "low",
        "Expected calibration error of the network's own ab (its best single guess; the same for "
        "all looks of a model): by tenths of the confidence, |mean confidence - share of the "
        "places within 20 ab units of the truth|, mean over all places of the set.",
    ),
}


def describe_columns(deep: Mapping[str, Words]) -> dict[str, dict[str, Any]]:
    """The record's "columns". deep: of those from features."""
    return {
        name: {
            "head": words.head,
            "unit": words.unit,
            "best": words.best,
            "meaning": words.meaning,
            "counted": words.counted,
        }
        for name, words in {**COLUMNS, **DERIVED, **deep}.items()
    }


def per_picture(judgement: Judgement) -> list[dict[str, Any]]:
    """One table row a picture and row: set, picture, row, failed, then every column's value.

    failed: 1 where the row has no picture of its own there and stands as grey.
    """
    lines = []
    for v in judgement.verdicts:
        failed = {row for row, _ in v.failures}
        for row, terms in v.terms.items():
            values = {name: _plain(n / w) if w else None for name, (n, w) in terms.items()}
            about = {"set": judgement.photo_set.name, "picture": v.stem, "row": row}
            lines.append({**about, "failed": int(row in failed), **values})
    return lines


def _row(verdicts: tuple[Verdict, ...], row: str) -> dict[str, Cell | None]:
    """Every column of a row: [mean, low, high]."""
    cells: dict[str, Cell | None] = {}
    for name in verdicts[0].terms[row]:
        cells[name] = _cell(interval(*_terms(verdicts, row, name)))
    shown, grey = (_terms(verdicts, r, "ciede2000")[0] for r in (row, GREY))
    cells["ciede2000_of_grey"] = _cell(interval(shown, grey))
    for name in ("psnr", "auc_rebalanced"):
        (shown, weight), (grey, _) = (_terms(verdicts, r, name) for r in (row, GREY))
        cells[f"{name}_over_grey"] = _cell(interval(shown - grey, weight))
    if all(row in v.calibration for v in verdicts):
        terms = np.stack([v.calibration[row] for v in verdicts])  # (N,10,3)
        cells["ece"] = _cell(
            interval_of(lambda picks: calibration_error(terms[picks].sum(1)), len(terms))
        )
    for name in verdicts[0].embeddings:
        shown, truth = (np.stack([v.embeddings[name][r] for v in verdicts]) for r in (row, TRUTH))
        one, other = set_columns(name)
        cells[one] = [_plain(frechet(shown, truth)), None, None]  # (N,D) against (N,D)
        cells[other] = [_plain(kid(shown, truth, paired=other != "kid")), None, None]
    for name in verdicts[0].classes:
        seen = {r: np.array([v.classes[name][r] for v in verdicts]) for r in (row, GREY, TRUTH)}
        labels = [v.labels[name] for v in verdicts if name in v.labels]
        known = np.array(labels) if len(labels) == len(verdicts) else None
        terms_of = regained_terms(seen[row], seen[GREY], seen[TRUTH], known)
        cells[f"regained_{name}"] = _cell(_regained(*terms_of))
    return cells


def _regained(gained: np.ndarray, lost: np.ndarray) -> tuple[float, float, float]:
    """Share and interval of (N,) terms; no value where grey lost nothing."""

    def share(picks: np.ndarray) -> np.ndarray:
        all_lost = lost[picks].sum(-1)  # (R,)
        return np.where(all_lost > 0, gained[picks].sum(-1) / np.maximum(all_lost, 1), np.nan)

    return interval_of(share, len(gained))


def _terms(verdicts: tuple[Verdict, ...], row: str, column: str) -> tuple[np.ndarray, np.ndarray]:
    """(N,) numerators and (N,) weights."""
    numerators, weights = np.array([v.terms[row][column] for v in verdicts]).T
    return numerators, weights


def _extremes(verdicts: tuple[Verdict, ...], row: str) -> dict[str, str]:
    """The pictures with the least, the middle and the largest CIEDE2000."""
    ranked = sorted(verdicts, key=lambda v: (v.terms[row]["ciede2000"][0], v.stem))
    places = {"best": 0, "median": len(ranked) // 2, "worst": -1}
    return {name: ranked[place].stem for name, place in places.items()}


def _hue(verdicts: tuple[Verdict, ...], row: str) -> list[float]:
    """Shares of the chroma by hue, of all pictures together; zeros where there is no colour."""
    mass = np.sum([v.hue[row] for v in verdicts], axis=0)  # (36,)
    return [round(float(m), 6) for m in mass / max(mass.sum(), 1e-9)]


def _hints(verdicts: tuple[Verdict, ...], row: str) -> dict[str, Cell | None]:
    counts = verdicts[0].hints[row]
    return {
        str(count): _cell(interval(np.array([v.hints[row][count] for v in verdicts])))
        for count in counts
    }


def _calibration(verdicts: tuple[Verdict, ...], row: str) -> dict[str, Any] | None:
    """The curve by tenths of confidence; tenths without places are left out."""
    if not all(row in v.calibration for v in verdicts):
        return None
    said, right, places = np.sum([v.calibration[row] for v in verdicts], axis=0).T  # (10,) each
    return {
        "bins": [
            {
                "confidence": round(float(s / n), 4),
                "right": round(float(r / n), 4),
                "share": round(float(n / places.sum()), 4),
            }
            for s, r, n in zip(said, right, places, strict=True)
            if n
        ],
    }


def _paired(
    verdicts: tuple[Verdict, ...], first: str, second: str, column: str
) -> dict[str, Any] | None:
    """Two rows on the same pictures; better: the share of pictures that the first wins.

    None where a value is infinite: there is no mean difference then.
    """
    one, other = (
        np.divide(*_terms(verdicts, row, column)) for row in (first, second)
    )  # every picture counts alike
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return None
    found = paired(one, other)
    lower = COLUMNS[column].best == "low"
    return {
        "first": first,
        "second": second,
        "column": column,
        "difference": _cell(found.difference),
        "better": round(found.smaller if lower else 1 - found.smaller, 4),
        "p": round(found.p, 5),
    }


def _cell(values: tuple[float, float, float]) -> Cell | None:
    """For JSON, which has neither infinity nor NaN; None where there is no value."""
    return None if math.isnan(values[0]) else [_plain(v) for v in values]


def _plain(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return round(float(value), 5) + 0.0  # no -0.0
