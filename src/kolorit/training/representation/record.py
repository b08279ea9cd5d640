"""What tables, figures and reports look up in a study's record."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]
DOMAINS = {"in": "In domain", "out": "Out of domain"}
MIDDLE, BOTTLENECK = "mid", "latent"  # stages of every encoder of the study's own shape


def best_rows(results: Record, kind: str, domain: str) -> dict[str, Record]:
    """Arm -> its row with the most labels at its best stage."""
    most = most_labels(results, kind)
    stage = {
        b["arm"]: b["stage"] for b in results["best"] if (b["probe"], b["domain"]) == (kind, domain)
    }
    return {
        row["arm"]: row
        for row in results["rows"]
        if (row["probe"], row["domain"], row["fraction"]) == (kind, domain, most)
        and stage.get(row["arm"]) == row["stage"]
    }


def best_pretext(results: Record, kind: str) -> str | None:
    """The arm with a pretext that is best in domain, by development where there is any.

    An encoder that was taught the classes themselves is none.
    """
    arms = results["study"]["arms"]
    rows = {
        name: row
        for name, row in best_rows(results, kind, "in").items()
        if arms[name]["pretext"] not in ("none", "labels")
    }
    return max(
        rows, key=lambda name: rows[name]["development"] or rows[name]["train"] or 0, default=None
    )


def by_labels(
    results: Record, kind: str, domain: str, arm: str, stage: str
) -> list[tuple[int, list[float]]]:
    wanted = (kind, domain, arm, stage)
    return sorted(
        (row["labels"], row["accuracy"])
        for row in results["rows"]
        if (row["probe"], row["domain"], row["arm"], row["stage"]) == wanted
    )


def most_labels(results: Record, kind: str) -> float:
    """The largest share of the labels that a kind of probe learnt from."""
    return float(max(row["fraction"] for row in results["rows"] if row["probe"] == kind))


def labels_in_words(results: Record, kind: str) -> str:
    share = most_labels(results, kind)
    return "all labels" if share == 1 else f"{100 * share:g} % of the labels"


def chance(results: Record, domain: str) -> float:
    return float(results["split"]["domains"][domain]["chance"])
