"""evaluate/tables.py: what is shown of a record, and which system is said to be best."""

from __future__ import annotations

from typing import Any

import pytest

from kolorit.evaluate.columns import COLUMNS
from kolorit.evaluate.judge import BASELINES
from kolorit.evaluate.tables import (
    DECIDING,
    MAIN,
    Table,
    hints_table,
    main_table,
    number,
    other_table,
    paired_table,
    sets_table,
    systems_table,
)

from .conftest import OTHER, VIVID

Record = dict[str, Any]


def cells_of(table: Table) -> dict[tuple[str, str], str]:
    """(row, head) -> text and interval, a star for the best."""
    heads = [head.text for head in table.heads[1:]]
    return {
        (row, head): f"{cell.text} {cell.interval}".strip() + "*" * cell.best
        for row, cells in table.rows
        for head, cell in zip(heads, cells, strict=True)
    }


def main(record: Record) -> dict[tuple[str, str], str]:
    return cells_of(main_table(record, record["sets"][0]))


def test_every_column_stands_in_one_table(record: Record) -> None:
    assert set(COLUMNS) <= set(record["columns"])
    assert set(DECIDING) <= set(MAIN) <= set(record["columns"])
    (first, *_) = record["sets"]
    tables = main_table(record, first), other_table(record, first)
    heads = [head.text for table in tables for head in table.heads[1:]]
    assert len(heads) == len(set(heads)) == len(record["columns"])
    for table in tables:
        rows = [row for row, _ in table.rows]
        assert rows == ["truth", "grey", "tint", "half-chroma", VIVID, OTHER]
        assert all(len(cells) == len(table.heads) - 1 for _, cells in table.rows)


def test_heads_say_unit_and_direction(record: Record) -> None:
    heads = {head.text: head.aim for head in main_table(record, record["sets"][0]).heads}
    assert heads["PSNR, over grey (dB)"] == "↑"
    assert heads["AuC rebalanced, over grey (%)"] == "↑"
    assert heads["CIEDE2000, of grey's"] == "↓"
    assert heads["colourfulness, of truth's"] == "→ 1"
    assert heads["cast in a (ab units)"] == "→ 0"
    assert heads["bleed"] == "→ truth"


def test_numbers_as_they_are_shown(record: Record) -> None:
    found = main(record)
    assert found["truth", "PSNR (dB)"] == "inf"
    assert found["truth", "PSNR, over grey (dB)"] == "inf"  # an interval without width says nothing
    assert found["grey", "bleed"] == "–"
    assert found["tint", "CIEDE2000, of grey's"] == "1.03 [0.90, 1.20]"
    assert found["half-chroma", "CIEDE2000"] == "5.00"  # no column that decides: no interval
    assert found[VIVID, "PSNR, over grey (dB)"] == "-0.50 [-1.25, 0.25]"
    further = cells_of(other_table(record, record["sets"][0]))
    assert further[VIVID, "FID, TF Inception 2048, 24 against 24"] == "123.5"
    assert further["truth", "FID, TF Inception 2048, 24 against 24"] == "–"


@pytest.mark.parametrize(
    ("value", "name", "shown"),
    [
        (12.345, "ciede2000", "12.35"),
        (64.26, "auc", "64.3"),
        (-0.004, "cast_a", "0.0"),
        (0.0004, "clipped", "0.000"),
        (0.94321, "ssim", "0.943"),
        (float("inf"), "psnr", "inf"),
        (float("-inf"), "psnr", "-inf"),
        (None, "psnr", "–"),
        (1594.61686, "fid", "1595"),
        (0.05143, "kid", "0.05143"),
        (159461.7, "fid", "159462"),
        (0.0, "fid", "0.000"),
    ],
)
def test_decimals_go_by_the_column(value: float | None, name: str, shown: str) -> None:
    assert number(value, name) == shown


@pytest.mark.parametrize(
    ("head", "best"),
    [
        ("PSNR (dB)", OTHER),  # high
        ("CIEDE2000", OTHER),  # low
        ("colourfulness, of truth's", VIVID),  # 0.75 and 0.5, near 1
        ("browns", OTHER),  # 2 and 0.25: by distance, not by ratio
        ("cast in a (ab units)", VIVID),  # -0.04 and -2, near 0
        ("bleed", OTHER),  # 0.6 and 0.2, near the truth's 0.1
        ("SSIM", None),  # alike
        ("FID, TF Inception 2048, 24 against 24", None),  # 123 and 99, and nobody knows how sure
    ],
)
def test_the_best_system_is_marked(record: Record, head: str, best: str | None) -> None:
    found = main(record) | cells_of(other_table(record, record["sets"][0]))
    marked = {row for (row, column), shown in found.items() if column == head and shown[-1] == "*"}
    assert marked == ({best} if best else set())


def test_no_mark_for_one_system_nor_for_a_baseline(record: Record) -> None:
    rows = record["sets"][0]["rows"]
    del rows[OTHER]
    assert not any(shown.endswith("*") for shown in main(record).values())
    rows["truth"]["bleed"] = None
    rows[OTHER] = {**rows[VIVID], "bleed": [0.2, 0.1, 0.3], "psnr": ["inf", "inf", "inf"]}
    found = main(record)
    assert found[OTHER, "PSNR (dB)"] == "inf*"
    assert found[OTHER, "bleed"] == "0.20"  # nothing to be near to


def test_hints(record: Record) -> None:
    table = hints_table(record["sets"][0])
    assert table is not None
    assert [head.text for head in table.heads[1:]] == ["0 hints", "10 hints", "500 hints"]
    assert cells_of(table)[VIVID, "10 hints"] == "25.00 [24.00, 26.00]"
    assert [row for row, _ in table.rows][:4] == list(BASELINES)  # which take none
    grey = cells_of(table)["grey", "0 hints"]
    assert grey == cells_of(table)["grey", "500 hints"] != "–"
    assert hints_table({**record["sets"][0], "hints": {VIVID: {}}}) is None


@pytest.mark.parametrize(
    ("column", "difference", "better", "p", "finding", "by", "wins"),
    [
        # low is good: the first has more, so the second is better
        ("ciede2000", [5, 4, 6], 0.125, 0.0004, "B is better than A", "5.00 [4.00, 6.00]", 88),
        ("ciede2000", [-5, -6, -4], 0.75, 0.01, "A is better than B", "5.00 [4.00, 6.00]", 75),
        ("psnr", [5, 4, 6], 0.75, 0.01, "A is better than B", "5.00 dB [4.00, 6.00]", 75),
        ("psnr", [-5, -6, -4], 0.25, 0.01, "B is better than A", "5.00 dB [4.00, 6.00]", 75),
        # unclear by p, by the interval, by both
        ("psnr", [5, 4, 6], 0.7, 0.06, "A is not clearly better than B",
         "5.00 dB [4.00, 6.00]", 70),
        ("psnr", [-1, -6, 4], 0.4, 0.01, "B is not clearly better than A",
         "1.00 dB [-4.00, 6.00]", 60),
        ("auc", [0, 0, 0], 0.5, 1.0, "A is not clearly better than B", "0.0 points", 50),
        ("psnr", ["inf"] * 3, 1.0, 0.01, "A is better than B", "inf dB", 100),
    ],
)  # fmt: skip
def test_comparisons_in_words(
    record: Record,
    column: str,
    difference: Any,
    better: float,
    p: float,
    finding: str,
    by: str,
    wins: int,
) -> None:
    pair = {"first": "A", "second": "B", "column": column, "difference": difference}
    table = paired_table(record, {"name": "x", "paired": [{**pair, "better": better, "p": p}]})
    assert table is not None
    ((_, cells),) = table.rows
    shown = [f"{cell.text} {cell.interval}".rstrip() for cell in cells]
    chance = "0.0004" if p < 0.001 else f"{p:.3f}"
    assert shown == [finding, by, f"{wins} %", chance]


def test_nothing_to_compare(record: Record) -> None:
    assert paired_table(record, {"name": "x", "paired": []}) is None


def test_what_was_judged(record: Record) -> None:
    systems = cells_of(systems_table(record))
    assert systems[VIVID, "sha256"] == "cd" * 32
    assert systems[OTHER, "folder"] == "other" and systems[OTHER, "sha256"] == "–"
    sets = cells_of(sets_table(record))
    assert sets["kodak24", "judged"] == "24" and sets["kodak24", "near grey"] == "1"
    assert sets["kodak24", "left out"] == sets["kodak24", "failures"] == "1"
    assert sets["plates", "failures"] == "0" and sets["plates", "sha256"] == "ab" * 32
