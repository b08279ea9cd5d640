"""A study's record as Markdown: tables, and what they show and what they leave open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kolorit.evaluate.tables import count
from kolorit.picture.save import save
from kolorit.training.representation.figures.style import Figure
from kolorit.training.representation.record import (
    DOMAINS,
    labels_in_words,
    most_labels,
)

_VERDICTS = {"higher": "higher", "lower": "lower", "open": "no verdict"}


def write_report(
    results: dict[str, Any], path: Path, figures: Mapping[str, Figure] | None = None
) -> Path:
    """Write the report of a record; returns its path.

    figures: as `draw_figures` gives them, each shown with the table of the same numbers.
    """
    shown = {name: _figure(figure) for name, figure in (figures or {}).items()}
    study = results["study"]
    kinds = tuple(dict.fromkeys(row["probe"] for row in results["rows"]))
    most = {kind: most_labels(results, kind) for kind in kinds}
    parts = [f"# {study['name']}", study["question"], _about(results)]
    for kind in kinds:
        share = labels_in_words(results, kind)
        sections = {
            f"## Accuracy, {kind} probe, {share}": (
                "accuracy",
                _accuracy(results, kind, most[kind]),
            ),
            f"## Stage by stage, {kind} probe": ("stages", _stages(results, kind, most[kind])),
            f"## With fewer labels, {kind} probe": ("labels", _fractions(results, kind)),
            f"## Confusions, {kind} probe": ("confusion", ""),
        }
        for head, (name, table) in sections.items():
            figure = shown.get(f"{name}-{kind}", "")
            if figure or table:
                parts += [head, figure, table]
    parts += ["## Differences", _differences(results, most)]
    if results["pretexts"]:
        parts += ["## Pretexts", shown.get("samples", ""), _pretexts(results)]
    return save(("\n\n".join(part for part in parts if part) + "\n").encode(), path, overwrite=True)


def _figure(figure: Figure) -> str:
    return f"![{figure.words}]({figure.file})\n\n{figure.note}"


def _about(results: dict[str, Any]) -> str:
    study, split = results["study"], results["split"]
    domains = split["domains"]
    lines = [
        f"{split['pictures']:,} pictures in {split['classes']} classes at {study['px']} px "
        f"(`{study['data']}`, {split['digest']}).",
        *(
            f"{DOMAINS[name]}: {len(d['classes'])} classes, {d['pool']:,} pictures "
            f"for probes, {d['test']:,} test pictures, chance {100 * d['chance']:.2f} %."
            for name, d in domains.items()
        ),
        f"Pretexts learn from {domains['in']['pretext']:,} in-domain pictures, "
        f"{study['training']['steps']:,} steps of {study['training']['batch']}; "
        f"{count(len(study['training']['seeds']), 'seed')} of pretexts, "
        f"{len(study['probe']['seeds'])} of probes. Distance in losses: {results['perceptual']}.",
        "In brackets: 95 %, over pictures and seeds; of these classes, not of others. Stages were "
        "chosen on development pictures.",
    ]
    on = [name for name, value in study["defects"].items() if value]
    if on:
        lines += [f"**Defects on purpose:** {', '.join(on)}."]
    for what in ("training", "probe"):
        if len(study[what]["seeds"]) == 1:
            lines += [f"There is one {what} seed: the intervals know nothing of others."]
    if results["test_looked_at"] > 1:
        lines += [
            f"**The test pictures were looked at by {results['test_looked_at']} versions of this "
            "study.** What was changed since the first is not independent of them."
        ]
    return "\n\n".join(lines)


def _table(heads: list[str], lines: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (heads, rule, *lines))


def _percent(values: list[float]) -> str:
    mean, low, high = (100 * value for value in values)
    return f"{mean:.1f} [{low:.1f}, {high:.1f}]"


def _points(values: list[float]) -> str:
    mean, low, high = (100 * value for value in values)
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def _accuracy(results: dict[str, Any], kind: str, fraction: float) -> str:
    """Each arm at its best stage, in and out of domain."""
    domains = list(results["split"]["domains"])
    best = {(b["arm"], b["domain"]): b["stage"] for b in results["best"] if b["probe"] == kind}
    lines = []
    for arm in dict.fromkeys(row["arm"] for row in results["rows"] if row["probe"] == kind):
        cells = []
        for domain in domains:
            row = _find(results, arm, best.get((arm, domain)), kind, domain, fraction)
            gap = "" if row is None else _percent(row["gap"])
            cells += ["", "", ""] if row is None else [row["stage"], _percent(row["accuracy"]), gap]
        lines += [[arm, results["sees"][arm], *cells]]
    heads = [word for d in domains for word in (f"{d}: stage", "% right", "train − test")]
    return _table(["arm", "sees", *heads], lines)


def _stages(results: dict[str, Any], kind: str, fraction: float) -> str:
    parts = []
    for domain in results["split"]["domains"]:
        rows = [
            r for r in results["rows"]
            if (r["probe"], r["domain"], r["fraction"]) == (kind, domain, fraction)
        ]  # fmt: skip
        by_arm: dict[str, dict[str, str]] = {}
        for row in rows:
            by_arm.setdefault(row["arm"], {})[row["stage"]] = _percent(row["accuracy"])
        several = {arm: cells for arm, cells in by_arm.items() if len(cells) > 1}
        stages = list(dict.fromkeys(stage for cells in several.values() for stage in cells))
        if several:
            lines = [[arm, *(cells.get(s, "") for s in stages)] for arm, cells in several.items()]
            parts += [f"{DOMAINS[domain]}, % right:", _table(["arm", *stages], lines)]
    return "\n\n".join(parts)


def _fractions(results: dict[str, Any], kind: str) -> str:
    parts = []
    for domain in results["split"]["domains"]:
        best = {
            b["arm"]: b["stage"]
            for b in results["best"]
            if (b["probe"], b["domain"]) == (kind, domain)
        }
        labels = sorted(
            {
                (r["fraction"], r["labels"])
                for r in results["rows"]
                if (r["probe"], r["domain"]) == (kind, domain)
            }
        )
        if len(labels) < 2:
            continue
        lines = []
        for arm, stage in best.items():
            rows = [_find(results, arm, stage, kind, domain, f) for f, _ in labels]
            lines += [[arm, *("" if r is None else _percent(r["accuracy"]) for r in rows)]]
        heads = [f"{100 * f:g} % ({n:,} labels)" for f, n in labels]
        parts += [f"{DOMAINS[domain]}, % right:", _table(["arm", *heads], lines)]
    if parts:
        parts = [*_flattery(results, kind), *parts]
    return "\n\n".join(parts)


def _flattery(results: dict[str, Any], kind: str) -> list[str]:
    """What chose, beside the labels that are counted; nothing where nothing did."""
    aside = {
        row["domain"]: row["development_labels"]
        for row in results["rows"]
        if row["probe"] == kind and row["development_labels"]
    }
    if not aside:
        return []
    counts = ", ".join(f"{n:,} {DOMAINS[domain].lower()}" for domain, n in aside.items())
    return [
        f"Choices were made on labelled development pictures ({counts}), whatever the share of "
        "labels: absolute label efficiency is flattered, equally for all arms."
    ]


def _differences(results: dict[str, Any], most: dict[str, float]) -> str:
    lines = [
        [
            f"{d['first']} ({d['stages'][0]}) − {d['second']} ({d['stages'][1]})",
            d["probe"]
            if d["probe"] == d["second_probe"]
            else f"{d['probe']} − {d['second_probe']}",
            f"{100 * d['fraction']:g} %",
            d["domain"],
            _points(d["difference"]),
            _VERDICTS[d["verdict"]],
            f"{100 * d['visible']:.1f}",
            _points(d["gap"]),
        ]
        for d in results["differences"]
        if d["fraction"] == most[d["probe"]] or d["probe"] != d["second_probe"]
    ]
    words = (
        "Percentage points, first less second, on the same pictures and labels. *Visible*: the "
        "difference that this study would have seen four times in five; where there is no verdict, "
        "smaller ones are left open. *Gap*: how much larger the gap between train and test is with "
        "the first. Of twenty differences that are none, one has a verdict."
    )
    heads = ["first − second", "probe", "labels", "domain", "points", "first is", "visible", "gap"]
    parts = [words, _table(heads, lines)] if lines else ["Nothing is compared."]
    study = results["study"]
    if study["baseline"] and study["only"] and study["baseline"] not in study["only"]:
        parts = [
            f"The baseline '{study['baseline']}' was left out of this run (`only`), so no arm is "
            "compared with it.",
            *parts,
        ]
    return "\n\n".join(parts)


def _pretexts(results: dict[str, Any]) -> str:
    lines = []
    for arm, runs in results["pretexts"].items():
        for run in runs:
            last = run["log"][-1]
            cells = [f"{last[d]['loss']:.4f}" for d in ("taught", "in", "out")]
            cells.insert(2, f"{last['in']['loss'] - last['taught']['loss']:+.4f}")
            if run["pretext"] == "labels":
                cells[3] = ""  # it was never told of those classes
            lines += [
                [arm, str(run["seed"]), *cells, f"{run['parameters']:,}", f"{run['seconds']:.0f}"]
            ]
    words = (
        "Losses without penalties, at the end: on pictures that taught it, and on others, in and "
        "out of domain; the gap is between the first two."
    )
    heads = ["arm", "seed", "loss, taught", "in domain", "gap", "out of domain", "parameters"]
    return f"{words}\n\n{_table([*heads, 'seconds'], lines)}"


def _find(
    results: dict[str, Any], arm: str, stage: str | None, kind: str, domain: str, fraction: float
) -> dict[str, Any] | None:
    wanted = (arm, stage, kind, domain, fraction)
    for row in results["rows"]:
        if (row["arm"], row["stage"], row["probe"], row["domain"], row["fraction"]) == wanted:
            found: dict[str, Any] = row
            return found
    return None
