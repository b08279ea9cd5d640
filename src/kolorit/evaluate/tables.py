"""The tables of a report, in plain text, before they are Markdown or HTML.

All of them come from the record (record.py) alone, so both reports say the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from kolorit.evaluate.deep.statistics import counted
from kolorit.evaluate.judge import BASELINES, TRUTH

MAIN = (
    *("psnr", "psnr_over_grey", "ciede2000", "ciede2000_of_grey"),
    *("auc", "auc_rebalanced", "auc_rebalanced_over_grey", "colourfulness_ratio"),
    *("sd_a", "sd_b", "cast_a", "cast_b", "reds", "browns", "skin_blue", "bleed"),
)
# Shown with their intervals. Those against grey are narrow, for each picture is its own measure.
DECIDING = (
    *("psnr_over_grey", "ciede2000_of_grey", "auc_rebalanced_over_grey"),
    *("colourfulness_ratio", "reds"),
)
_OF = {  # column -> the one whose head its own head goes on
    "psnr_over_grey": "psnr",
    "ciede2000_of_grey": "ciede2000",
    "auc_rebalanced_over_grey": "auc_rebalanced",
    "colourfulness_ratio": "colourfulness",
    "colourfulness_gap": "colourfulness",
    "colourfulness_shift": "colourfulness",
}
_DECIMALS = {
    **dict.fromkeys(("auc", "auc_rebalanced", "auc_rebalanced_over_grey"), 1),
    **dict.fromkeys(("colourfulness", "colourfulness_gap", "colourfulness_shift", "cf_abs"), 1),
    **dict.fromkeys(("cast_a", "cast_b"), 1),
    **dict.fromkeys(("psnr", "psnr_over_grey", "psnr_ab", "ciede2000", "ciede2000_of_grey"), 2),
    **dict.fromkeys(("colourfulness_ratio", "sd_a", "sd_b", "reds", "browns", "bleed"), 2),
    **dict.fromkeys(("hue_distance", "regained_mobilenet_v2"), 2),
    **dict.fromkeys(("ssim", "skin_blue", "clipped", "ece"), 3),
}  # others: four digits
NOTHING = "–"  # no value
CLEAR = 0.05  # largest p of a difference that is called clear


@dataclass(frozen=True)
class Cell:
    """A number as it is shown, its 95 % interval if that is wanted, and whether it is the best."""

    text: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class Head:
    """A column's head. aim: which way is good; empty where there is none."""

    text: str
    aim: str = ""


@dataclass(frozen=True)
class Table:
    """rows: name, cells; as many cells as heads, less the first head, which is the names'.

    kind: what the cells hold.
    """

    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    kind: Literal["numbers", "words"] = "words"


def main_table(record: dict[str, Any], of_set: dict[str, Any]) -> Table:
    """One row a baseline and system, in the columns that matter most."""
    return _scores(record, of_set, list(MAIN), f"{of_set['name']}: main columns")


def other_table(record: dict[str, Any], of_set: dict[str, Any]) -> Table:
    """The columns that the main table leaves out."""
    names = [name for name in record["columns"] if name not in MAIN]
    return _scores(record, of_set, names, f"{of_set['name']}: further columns")


def hints_table(of_set: dict[str, Any]) -> Table | None:
    """PSNR by number of true hints, under the baselines' own; None where no system takes any."""
    hints = {row: cells for row, cells in of_set["hints"].items() if cells}
    counts = sorted({int(n) for cells in hints.values() for n in cells})
    heads = (Head("PSNR (dB) with"), *(Head(count(n, "hint")) for n in counts))
    rest = {row: cells["psnr"] for row, cells in of_set["rows"].items() if row in BASELINES}
    hintless = {row: dict.fromkeys(map(str, counts), psnr) for row, psnr in rest.items()}
    rows = tuple(
        (row, tuple(cell(cells.get(str(n)), "psnr", True) for n in counts))
        for row, cells in (hintless | hints if hints else {}).items()
    )
    caption = f"{of_set['name']}: PSNR over the number of hints"
    return Table(caption, heads, rows, "numbers") if rows else None


def paired_table(record: dict[str, Any], of_set: dict[str, Any]) -> Table | None:
    """Each two systems in words, the better one first; None for a single system."""
    rows = tuple(
        (full_head(record, found["column"], unit=False), _compared(record, found))
        for found in of_set["paired"]
    )
    heads = tuple(map(Head, ("column", "finding", "by", "better in", "p")))
    caption = f"{of_set['name']}: systems compared picture by picture"
    return Table(caption, heads, rows) if rows else None


def systems_table(record: dict[str, Any]) -> Table:
    """What stands behind each row."""
    keys = list(dict.fromkeys(key for what in record["systems"].values() for key in what))
    rows = tuple(
        (row, tuple(Cell(str(what.get(key, NOTHING))) for key in keys))
        for row, what in record["systems"].items()
    )
    return Table("Systems", tuple(map(Head, ("row", *keys))), rows)


def sets_table(record: dict[str, Any]) -> Table:
    """What was judged on, and how much of it was not as it should be."""
    heads = ("set", "judged", "left out", "near grey", "failures", "sha256")
    rows = []
    for of_set in record["sets"]:
        counts = (of_set["pictures"], len(of_set["left_out"]), of_set["near_grey"])
        values = (*counts, len(of_set["failures"]), of_set["sha256"])
        rows.append((of_set["name"], tuple(Cell(str(value)) for value in values)))
    return Table("Sets", tuple(map(Head, heads)), tuple(rows))


def systems_of(of_set: dict[str, Any]) -> list[str]:
    """The rows that are no baselines."""
    return [row for row in of_set["rows"] if row not in BASELINES]


def full_head(record: dict[str, Any], name: str, unit: bool = True) -> str:
    """A column's head, understandable without its neighbours."""
    column = record["columns"][name]
    above = record["columns"].get(_OF.get(name))
    head = f"{above['head']}, {column['head']}" if above else str(column["head"])
    return f"{head} ({column['unit']})" if unit and column["unit"] else head


def number(value: float | None, name: str) -> str:
    """A value of a column, in as many decimals as that column deserves."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if name in _DECIMALS:
        shown = f"{value:.{_DECIMALS[name]}f}"
    else:
        shown = f"{value:#.4g}".removesuffix(".") if abs(value) < 1e4 else f"{value:.0f}"
    return shown if float(shown) else shown.lstrip("-")


def _scores(
    record: dict[str, Any], of_set: dict[str, Any], names: list[str], caption: str
) -> Table:
    rows = of_set["rows"]
    names = [name for name in names if any(name in cells for cells in rows.values())]
    best = {name: _best(record, of_set, name) for name in names}
    heads = [Head(_in_set(record, of_set, n), _aim(record["columns"][n]["best"])) for n in names]
    lines = tuple(
        (row, tuple(cell(cells.get(n), n, n in DECIDING, row in best[n]) for n in names))
        for row, cells in rows.items()
    )
    return Table(caption, (Head("row"), *heads), lines, "numbers")


def _in_set(record: dict[str, Any], of_set: dict[str, Any], name: str) -> str:
    """A column's head in the table of a set: with its number of pictures, where that matters."""
    head = full_head(record, name)
    count = of_set["pictures"]
    return counted(head, count, count) if record["columns"][name]["counted"] else head


def _best(record: dict[str, Any], of_set: dict[str, Any], name: str) -> set[str]:
    """The systems that are best in a column; none where all are alike, or how sure a difference
    is cannot be told."""
    if record["columns"][name]["counted"]:
        return set()
    aim = record["columns"][name]["best"]
    if aim == "truth":
        aim = value_of((of_set["rows"][TRUTH].get(name) or [None])[0])
        if aim is None:
            return set()
    cells = {row: of_set["rows"][row].get(name) for row in systems_of(of_set)}
    values = {row: value_of(shown[0]) for row, shown in cells.items() if shown}
    far = {row: _distance(v, aim) for row, v in values.items() if v is not None}
    least = min(far.values(), default=0.0)
    return {row for row, d in far.items() if d == least} if len(set(far.values())) > 1 else set()


def _distance(value: float, aim: str | float) -> float:
    """Less is better."""
    if isinstance(aim, str):
        return -value if aim == "high" else value
    return abs(value - aim)


def cell(values: list[Any] | None, name: str, interval: bool, best: bool = False) -> Cell:
    """A column's [mean, low, high] of the record, or None, as it is shown."""
    if values is None:
        return Cell(NOTHING)
    shown = _interval(values, name) if interval else ""
    return Cell(number(value_of(values[0]), name), shown, best)


def _interval(values: list[Any], name: str) -> str:
    """[low, high]; nothing where there is none, or it has no width."""
    _, low, high = map(value_of, values)
    if low is None or high is None or low == high:
        return ""
    return f"[{number(low, name)}, {number(high, name)}]"


def value_of(value: float | str | None) -> Any:
    """A number of the record, infinity too; None stays."""
    return None if value is None else float(value)


def _compared(record: dict[str, Any], found: dict[str, Any]) -> tuple[Cell, ...]:
    """finding, by how much, share of pictures, p."""
    first, second, column = found["first"], found["second"], found["column"]
    mean, low, high = map(float, found["difference"])
    better = found["better"]
    if record["columns"][column]["best"] == "low":
        mean, low, high = -mean, -high, -low
    if mean < 0:  # the better one first
        first, second, better = second, first, 1 - better
        mean, low, high = -mean, -high, -low
    clear = found["p"] < CLEAR and low > 0
    how = "is better than" if clear else "is not clearly better than"
    unit = record["columns"][column]["unit"].replace("%", "points")
    by = " ".join(filter(None, (number(mean, column), unit)))
    return (
        Cell(f"{first} {how} {second}"),
        Cell(by, _interval([mean, low, high], column)),
        Cell(f"{100 * better:.0f} %"),
        Cell(f"{found['p']:.3f}" if found["p"] >= 0.001 else f"{found['p']:.4f}"),
    )


def _aim(best: str | float) -> str:
    if best in ("high", "low"):
        return {"high": "↑", "low": "↓"}[str(best)]
    return f"→ {best}" if isinstance(best, str) else f"→ {best:g}"


def count(n: int, thing: str) -> str:
    """1 picture, 2 pictures."""
    return f"{n:,} {thing}{'' if n == 1 else 's'}"
