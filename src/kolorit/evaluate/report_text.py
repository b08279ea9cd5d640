"""The reports without pictures: scores.json, scores.csv and the text of report.md."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kolorit.evaluate import sentences, tables
from kolorit.evaluate.page import plain
from kolorit.evaluate.tables import Cell, Head, Table
from kolorit.picture.save import save


def write_scores(record: dict[str, Any], folder: Path) -> list[Path]:
    """FOLDER/scores.json, the record as it is, and scores.csv, a line for each of its means.

    The order is that of the record. In the CSV a value that has no meaning is empty, and infinity
    "inf". Raises ValueError for NaN, which JSON does not have; OutputUnwritable.
    """
    whole = json.dumps(record, indent=1, allow_nan=False) + "\n"
    lines = (
        [of_set["name"], row, column, *(values or [None] * 3)]
        for of_set in record["sets"]
        for row, cells in of_set["rows"].items()
        for column, values in cells.items()
    )
    heads = ["set", "row", "column", "mean", "low", "high"]
    contents = {"scores.json": whole.encode(), "scores.csv": table_in_csv(heads, lines)}
    return [save(data, folder / name, overwrite=True) for name, data in contents.items()]


def table_in_csv(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> bytes:
    """A CSV file; None is empty. Names may hold anything: what cannot be shown is escaped."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    for line in lines:
        writer.writerow([plain(value) if isinstance(value, str) else value for value in line])
    return text.getvalue().encode()


def markdown(record: dict[str, Any]) -> str:
    """report.md: everything that the record says in words and tables."""
    blocks = ["# Evaluation", _text(sentences.summary_line(record))]
    blocks += ["    " + plain(record["command"])]
    facts = {key: value for key, value in sentences.about(record).items() if key != "command"}
    blocks += ["\n".join(f"- {_text(key)}: {_text(value)}" for key, value in facts.items())]
    blocks += [_table(tables.systems_table(record)), _table(tables.sets_table(record))]
    blocks += ["## How to read it", *map(_text, sentences.how_to_read(record))]
    for of_set in record["sets"]:
        blocks += _set(record, of_set)
    blocks += [
        "## Columns",
        _list(f"**{_text(k)}**: {_text(v)}" for k, v in sentences.legend(record).items()),
    ]
    if record["missing"]:
        words = (f"**{_text(k)}** {_text(v)}" for k, v in record["missing"].items())
        blocks += ["## Not measured", _list(words)]
    return "\n\n".join(blocks) + "\n"


def _set(record: dict[str, Any], of_set: dict[str, Any]) -> list[str]:
    blocks = [f"## {_text(of_set['name'])}", _text(sentences.policy(of_set))]
    if of_set["left_out"]:
        words = (f"{_text(x['picture'])}: {_text(x['why'])}" for x in of_set["left_out"])
        blocks += ["Left out:", _list(words)]
    if of_set["failures"]:
        words = (
            f"{_text(x['row'])}, {_text(x['picture'])}: {_text(x['why'])}"
            for x in of_set["failures"]
        )
        blocks += ["Failures, scored as grey:", _list(words)]
    if found := sentences.findings(of_set):
        blocks += ["In short:", _list(map(_text, found))]
    blocks += [
        _table(tables.main_table(record, of_set)),
        _table(tables.other_table(record, of_set)),
    ]
    if hints := tables.hints_table(of_set):
        blocks += ["### Hints", _table(hints)]
    if pairs := tables.paired_table(record, of_set):
        blocks += ["### Compared picture by picture", sentences.PAIRED_NOTE, _table(pairs)]
    return blocks


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(table: Table) -> str:
    """Numbers stand on the right, the column of names on the left."""
    words = [[_head(head) for head in table.heads]]
    words += [[_text(name), *map(_cell, cells)] for name, cells in table.rows]
    rule = ["---", *["---:" if table.kind == "numbers" else "---"] * (len(table.heads) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [words[0], rule, *words[1:]])


def _head(head: Head) -> str:
    return _text(f"{head.text} {head.aim}".rstrip())


def _cell(cell: Cell) -> str:
    shown = f"**{_text(cell.text)}**" if cell.best else _text(cell.text)
    return f"{shown} {cell.interval}".rstrip()


def _text(value: object) -> str:
    """Text that Markdown shows as it is: names come from files. _ counts at a word's ends only."""
    return re.sub(r"[\\`*\[\]<>|]|(?<!\w)_|_(?!\w)", r"\\\g<0>", plain(str(value)))
