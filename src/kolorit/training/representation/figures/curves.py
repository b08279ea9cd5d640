"""Accuracies: bars by arm, lines over the stages and over the number of labels."""

from __future__ import annotations

from kolorit.evaluate.page import plain
from kolorit.training.representation.figures.style import (
    Drawn,
    Styles,
    add_chance,
    add_legend,
    add_line,
    dress,
    figure_of,
)
from kolorit.training.representation.record import (
    BOTTLENECK,
    DOMAINS,
    Record,
    best_rows,
    by_labels,
    chance,
    labels_in_words,
    most_labels,
)


def draw_accuracy(results: Record, kind: str, styles: Styles) -> Drawn | None:
    """A bar for each arm at its best stage with the most labels, a panel for each domain."""
    found = {d: best_rows(results, kind, d) for d in results["split"]["domains"]}
    arms = list(dict.fromkeys(arm for rows in found.values() for arm in rows))
    with figure_of(0.9 + 0.3 * len(arms)) as (figure, png):
        panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
        for ax, (domain, rows) in zip(panels, found.items(), strict=True):
            top = max(row["accuracy"][2] for row in rows.values())
            for k, arm in enumerate(arms):
                if arm in rows:
                    mean, low, high = (100 * v for v in rows[arm]["accuracy"])
                    ax.barh(k, mean, 0.72, color=styles[arm]["color"])
                    bars = [[mean - low], [high - mean]]
                    # White below black: an interval is seen on a dark bar as well.
                    for colour, width in (("white", 3.4), ("0.2", 1.3)):
                        ax.errorbar(mean, k, xerr=bars, color=colour, elinewidth=width)
                    ax.text(high + 2 * top, k, f"{mean:.1f}", va="center", fontsize=9)
            ax.axvline(100 * chance(results, domain), color="0.3", linestyle=":", linewidth=1.4)
            ax.set(xlim=(0, 118 * top), title=DOMAINS[domain], xlabel="% right; dotted: chance")
            dress(ax, "x")
        panels[0].set_yticks(range(len(arms)), [_named(results, arm) for arm in arms])
        panels[0].invert_yaxis()
        for ax in panels:
            ax.tick_params(axis="y", length=0)
        content = png()
    words = "Bars of accuracy, an arm each; the table below has their numbers"
    note = (
        f"Test accuracy of the {kind} probe with "
        f"{labels_in_words(results, kind)}, each arm at the stage that "
        "development chose. Lines: 95 % intervals. Greys and browns: arms that were taught "
        "nothing here. *: sees colour."
    )
    return content, words, note


def _named(results: Record, arm: str) -> str:
    return f"{plain(arm)}*" if results["sees"][arm] == "colour" else plain(arm)


def draw_stages(results: Record, kind: str, styles: Styles) -> Drawn | None:
    """Accuracy stage by stage with the most labels, of the encoders of the study's own shape."""
    study = results["study"]
    own = {name for name, arm in study["arms"].items() if arm["features"] in ("random", "pretext")}
    most = most_labels(results, kind)
    rows = [
        r for r in results["rows"]
        if r["probe"] == kind and r["fraction"] == most and r["arm"] in own
    ]  # fmt: skip
    there = {row["stage"] for row in rows}
    named = dict.fromkeys([*study["probe"]["stages"], *(row["stage"] for row in rows)])
    stages = [stage for stage in named if stage in there]
    if len(stages) < 2:
        return None
    arms = [arm for arm in styles if any(row["arm"] == arm for row in rows)]
    with figure_of(5.0, arms) as (figure, png):
        domains = list(results["split"]["domains"])
        panels = figure.subplots(len(domains), 1, sharex=True, squeeze=False)[:, 0]
        handles = {}
        for ax, domain in zip(panels, domains, strict=True):
            for k, arm in enumerate(arms):
                cells = {r["stage"]: r for r in rows if (r["arm"], r["domain"]) == (arm, domain)}
                at = [k for k, stage in enumerate(stages) if stage in cells]
                shift = 0.24 * ((k + 0.5) / len(arms) - 0.5)  # so that intervals do not overlap
                points = [(i + shift, cells[stages[i]]["accuracy"]) for i in at]
                handles[arm] = add_line(ax, points, styles[arm])
            if BOTTLENECK in stages:
                k = stages.index(BOTTLENECK)
                ax.axvspan(k - 0.4, k + 0.4, color="0.93", zorder=0, linewidth=0)
                ax.annotate(
                    "bottleneck", (k, 1), xycoords=("data", "axes fraction"), fontsize=9,
                    ha="center", va="bottom", color="0.3",
                )  # fmt: skip
            add_chance(ax, results, domain)
            ax.set_title(DOMAINS[domain], loc="left")
            ax.set_ylabel("% right")
            dress(ax, "y")
        panels[-1].set_xticks(range(len(stages)), stages, rotation=0 if len(stages) < 9 else 30)
        add_legend(figure, handles)
        content = png()
    words = "Accuracy over the stages, a line for each arm; the table below has its numbers"
    note = (
        f"Accuracy of the {kind} probe on each stage, with {labels_in_words(results, kind)}; "
        "lines: 95 % intervals; dotted: chance."
    )
    return content, words, note


def draw_labels(results: Record, kind: str, styles: Styles) -> Drawn | None:
    """Accuracy over the number of labels, each arm at its best stage."""
    found = {
        domain: {
            arm: by_labels(results, kind, domain, arm, row["stage"])
            for arm, row in best_rows(results, kind, domain).items()
        }
        for domain in results["split"]["domains"]
    }  # fmt: skip
    arms = list(dict.fromkeys(arm for lines in found.values() for arm in lines))
    if not any(len(line) > 1 for lines in found.values() for line in lines.values()):
        return None
    with figure_of(5.4, arms) as (figure, png):
        from matplotlib.ticker import NullLocator

        panels = figure.subplots(len(found), 1, squeeze=False)[:, 0]
        handles = {}
        for ax, (domain, lines) in zip(panels, found.items(), strict=True):
            ax.set_xscale("log")
            for k, (arm, line) in enumerate(lines.items()):
                shift = 1.12 ** ((k + 0.5) / len(lines) - 0.5)
                points = [(n * shift, accuracy) for n, accuracy in line]
                handles[arm] = add_line(ax, points, styles[arm])
            counts = sorted({n for line in lines.values() for n, _ in line})
            ax.set_xticks(counts, [f"{n:,}" for n in counts])
            ax.xaxis.set_minor_locator(NullLocator())
            add_chance(ax, results, domain)
            ax.set_title(DOMAINS[domain], loc="left")
            ax.set_ylabel("% right")
            dress(ax, "y")
        panels[-1].set_xlabel("labels, of all classes together")
        add_legend(figure, {arm: handles[arm] for arm in arms})
        content = png()
    words = "Accuracy over labels, a line for each arm; the table below has its numbers"
    note = (
        f"Accuracy of the {kind} probe over the number of labels, on a logarithmic axis; each arm "
        "at its best stage; lines: 95 % intervals; dotted: chance."
    )
    return content, words, note
