"""The log of a run, OUT/metrics.jsonl: one flat object a line, whole through kills and resumes.

    training row     step, total, each raw loss by name, lr, seconds, images_per_second, waiting
    validation row   step, val_loss (the weighted total), val_NAME of each raw loss, val_ab_rmse,
                     val_grey_rmse (the same of a picture left grey), val_colour_ratio

A training row's last three are of the sitting so far, from the start of its process: time gone by,
pictures a second, share of the time lost to loading. A last line without its line break was torn by
a kill and counts as not written.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from kolorit.errors import DataCorrupt, OutputUnwritable
from kolorit.picture.save import save

Row = dict[str, Any]

NO_LOSS = ("step", "total", "lr", "seconds", "images_per_second", "waiting")
MUCH_WAITING = 0.1  # from here on a person should look at the loading


def append(path: Path, row: Row) -> None:
    """Add a row; a torn line before it goes. What is no number is written as null.

    Raises OutputUnwritable, for instance on a full disk; the rows before are then still there.
    """
    kept = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
    line = json.dumps(kept, allow_nan=False).encode() + b"\n"
    try:
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, io.SEEK_END)
                if file.read(1) != b"\n":
                    file.seek(0)
                    file.truncate(file.read().rfind(b"\n") + 1)
            file.write(line)
    except OSError as error:
        cause = f"the log cannot be written: {error.strerror}"
        raise OutputUnwritable(cause, file=path) from error


def read(path: Path) -> list[Row]:
    """The rows of a log in their order, null as NaN; none of a file that is not there.

    Any file of one object a line will do. Raises DataCorrupt for a line that is no object.
    """
    return [row for _, row in _lines(path)]


def cut(path: Path, step: int) -> None:
    """Drop every row after ``step`` and a torn line: what a resumed run will write again.

    A reader sees the old file or the new. Raises OutputUnwritable, and DataCorrupt as `read`.
    """
    if path.exists():
        kept = b"".join(line for line, row in _lines(path) if _step(row, path) <= step)
        if kept != path.read_bytes():
            save(kept, path, overwrite=True)


def write_csv(path: Path) -> Path:
    """The log as a table beside it, metrics.csv: a row a step, what was not logged then is empty.

    path: the .jsonl. Raises OutputUnwritable, and DataCorrupt as `read`.
    """
    merged: dict[int, Row] = {}
    for row in read(path):
        merged.setdefault(_step(row, path), {}).update(row)
    names = list(dict.fromkeys(name for row in merged.values() for name in row if name != "step"))
    names.sort(key=lambda name: name.startswith("val_"))  # the rest stays as first seen
    table = io.StringIO()
    writer = csv.DictWriter(table, ["step", *names], lineterminator="\n")
    writer.writeheader()
    writer.writerows(merged[step] for step in sorted(merged))
    return save(table.getvalue().encode(), path.with_suffix(".csv"), overwrite=True)


def is_validation(row: Row) -> bool:
    """Whether a row is one of a validation."""
    return any(name.startswith("val_") for name in row)


def raw_losses(row: Row) -> list[str]:
    """The names of the raw losses of a training row, in its order."""
    return [name for name in row if name not in NO_LOSS and not name.startswith("val_")]


def best_row(rows: Iterable[Row], by: str = "loss") -> Row | None:
    """The first validation row with the least val_``by``; None where none has a number there."""
    name = f"val_{by}"
    scored = [row for row in rows if math.isfinite(row.get(name, math.nan))]
    return min(scored, key=lambda row: row[name], default=None)


def sittings(rows: Iterable[Row]) -> list[Row]:
    """The last row with a time of each sitting of a run: the clock falls where one begins."""
    timed = [row for row in rows if "seconds" in row]
    ends = [a for a, b in pairwise(timed) if b["seconds"] < a["seconds"]]
    return ends + timed[-1:]


def progress_line(row: Row, steps: int, *, start: int = 0, best: bool = False) -> str:
    """A row in plain words for the terminal; ``steps``: how many the run has.

    start: the step at which the row's seconds began, other than 0 in a resumed run. best: whether
    a validation is the best so far.
    """
    if is_validation(row):
        line = f"step {row['step']:,}: validation {short(row.get('val_loss', math.nan))}"
        line += " (best so far)" if best else ""
        if "val_ab_rmse" in row:
            line += f", ab rmse {short(row['val_ab_rmse'])}"
        if "val_grey_rmse" in row:
            line += f" (grey {short(row['val_grey_rmse'])})"
        return line
    parts = [f"step {row['step']:,} of {steps:,}"]
    parts += [", ".join(f"{name} {short(row[name])}" for name in raw_losses(row))]
    if "lr" in row:
        parts += [f"rate {short(row['lr'])}"]
    if "images_per_second" in row:
        parts += [f"{short(row['images_per_second'])} pictures/s"]
    if row.get("waiting", 0) >= MUCH_WAITING:
        parts += [f"{100 * row['waiting']:.0f} % of the time waiting for pictures"]
    done, left = row["step"] - start, steps - row["step"]
    if "seconds" in row and done > 0 and left > 0:
        parts += [f"{duration(row['seconds'] / done * left)} left"]
    return " | ".join(part for part in parts if part)


def short(value: float) -> str:
    """A number in three digits: 2.91, 12.3, 0.0006, 54, 6,120; "no number" for NaN."""
    if not math.isfinite(value):
        return "no number"
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """45 s, 12 min, 1 h 20 min, 2 days 3 h."""
    minutes = round(seconds / 60)
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} days {hours % 24} h"


def _lines(path: Path) -> list[tuple[bytes, Row]]:
    """Each whole line with its break, and what it says."""
    try:
        whole = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataCorrupt(f"the log cannot be read: {error.strerror}", file=path) from error
    lines = []
    for number, line in enumerate(whole, 1):
        if not line.endswith(b"\n"):
            continue
        try:
            row = json.loads(line)
        except ValueError:  # neither JSON nor UTF-8
            row = None
        if not isinstance(row, dict):
            remedy = "Take the line out, or train in a new folder."
            raise DataCorrupt(f"line {number} of the log is broken", file=path, remedy=remedy)
        lines.append((line, {k: math.nan if v is None else v for k, v in row.items()}))
    return lines


def _step(row: Row, path: Path) -> int:
    step = row.get("step")
    if not isinstance(step, int):
        remedy = "Take the row out, or train in a new folder."
        raise DataCorrupt(f"a row of the log has no step: {row}", file=path, remedy=remedy)
    return step
