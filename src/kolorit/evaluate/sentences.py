"""What a report says in sentences, as plain text; like tables.py, from the record alone."""

from __future__ import annotations

from typing import Any

from kolorit.evaluate.judge import NEAR_GREY, NO_COLOUR
from kolorit.evaluate.tables import CLEAR, NOTHING, cell, count, full_head, systems_of, value_of

SHOWN = 20  # names of pictures in one sentence


def summary_line(record: dict[str, Any]) -> str:
    """What was judged, in one sentence."""
    sets, pictures = record["sets"], sum(s["pictures"] for s in record["sets"])
    names = ", ".join(s["name"] for s in sets)
    return (
        f"{count(len(record['systems']), 'system')} on {count(len(sets), 'set')} ({names}), "
        f"{count(pictures, 'picture')}, coloured from their grey values alone."
    )


def about(record: dict[str, Any]) -> dict[str, str]:
    """How and where the record came about."""
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    commit = f", commit {record['commit']}" if record.get("commit") else ""
    words = {
        "command": record["command"],
        "Kolorit": f"{record['kolorit']}{commit}",
        "machine": record["machine"],
        "versions": f"Python {record['python']}, {versions}",
        "size": f"short side of {record['short_side']} px",
        "intervals": f"95 %, bootstrap over pictures, {record['resamples']:,} samples, "
        f"seed {record['seed']}",
        "prior of the rebalanced AuC": record["prior"],
    }
    for row, stems in record["without_truth"].items():
        shown = ", ".join(stems[:SHOWN]) + (", ..." if len(stems) > SHOWN else "")
        words[f"{row}, not judged"] = f"{count(len(stems), 'picture')} without a truth: {shown}"
    return words


def how_to_read(record: dict[str, Any]) -> list[str]:
    """Sentences that the tables need."""
    return [
        "Four rows are no systems: truth, the photographs themselves; grey, without colour; tint, "
        "the mean colour of the set's truths all over; half-chroma, the truth with half of its "
        "colour. A system that is not better than grey in a column has earned nothing in it.",
        "↑ high is good, ↓ low is good, → near that value is good. In brackets: the 95 % interval; "
        f"scores.csv has that of every number that has one. {NOTHING}: there is no such number.",
        *(["The best system of a column is in bold."] if len(record["systems"]) > 1 else []),
    ]


def policy(of_set: dict[str, Any]) -> str:
    """What was done with truths that have next to no colour."""
    return (
        f"{count(of_set['pictures'], 'picture')} judged, {len(of_set['left_out'])} left out: a "
        f"truth that cannot be read or has no colour (mean chroma below {NO_COLOUR:g}) is left out "
        f"of every row. Near grey (mean chroma below {NEAR_GREY:g}) are {of_set['near_grey']} of "
        "those judged; they count like the others."
    )


def findings(of_set: dict[str, Any]) -> list[str]:
    """A sentence for each system: is it nearer to the truth than grey, and how colourful?"""
    found = []
    for row in systems_of(of_set):
        cells = of_set["rows"][row]
        share, colour = (
            cell(cells.get(name), name, True)
            for name in ("ciede2000_of_grey", "colourfulness_ratio")
        )
        failed = sum(failure["row"] == row for failure in of_set["failures"])
        also = f"; {count(failed, 'picture')} failed and stayed grey" if failed else ""
        measured = " ".join(filter(None, (share.text, share.interval)))
        found.append(
            f"{row}: {_against_grey(cells.get('ciede2000_of_grey'))} (CIEDE2000, of grey's: "
            f"{measured}); colourfulness {colour.text} of the truth's{also}."
        )
    return found


def _against_grey(share: list[Any] | None) -> str:
    """In words, what an interval of CIEDE2000 as a share of grey's means."""
    _, low, high = map(value_of, share or [None] * 3)
    if high is not None and high < 1:
        return "nearer to the truth than grey"
    if low is not None and low > 1:
        return "farther from the truth than grey"
    return "neither clearly nearer to the truth than grey nor farther"


def legend(record: dict[str, Any]) -> dict[str, str]:
    """Head -> meaning of each column that has a value."""
    cells = [row for of_set in record["sets"] for row in of_set["rows"].values()]
    return {
        full_head(record, name): f"{column['meaning']} {_aim_in_words(column)}"
        for name, column in record["columns"].items()
        if any(name in row for row in cells)
    }


def _aim_in_words(column: dict[str, Any]) -> str:
    best = column["best"]
    if column["counted"]:
        return (
            f"{_aim_in_words({**column, 'counted': False})} One number of the whole set: there is "
            "no interval, and none is called the best."
        )
    if best in ("high", "low"):
        return f"{str(best).capitalize()} is good."
    return "Near the truth's is good." if best == "truth" else f"Near {float(best):g} is good."


PAIRED_NOTE = (  # over the table of comparisons
    "Both on the same pictures, each counting alike: by how much the one named first is better, "
    "the share of the pictures in which it is (ties count half), and p of a sign-flip test. Clear "
    f"is a p below {CLEAR} with an interval above 0; of twenty comparisons of equals one looks so "
    "by chance."
)
