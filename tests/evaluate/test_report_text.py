"""evaluate/report_text.py: the record's files, and Markdown that says all of it."""

from __future__ import annotations

import copy
import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from kolorit.errors import OutputUnwritable
from kolorit.evaluate.report_text import markdown, write_scores

from .conftest import OTHER, VIVID

Record = dict[str, Any]
EVIL = "a|b <script>alert(1)</script> **x** [y](z) `q` _w_ cf_abs \\ \u202e\ud800\n# z"


def tables(text: str) -> list[list[list[str]]]:
    """Tables as GitHub reads them: lines that begin with |, cut at every | that is not escaped."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)(?:\\\\)*\|", line)
            found[-1].append([cell.strip() for cell in cells[1:-1]])
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def test_the_record_is_kept_as_it_is(record: Record, tmp_path: Path) -> None:
    before = copy.deepcopy(record)
    paths = write_scores(record, tmp_path)
    assert [path.name for path in paths] == ["scores.json", "scores.csv"]
    text = (tmp_path / "scores.json").read_text("utf-8")
    assert json.loads(text) == record == before
    assert list(json.loads(text)["sets"][0]["rows"]) == list(record["sets"][0]["rows"])
    assert '"inf"' in text and "Infinity" not in text and "NaN" not in text


def test_scores_as_a_table(record: Record, tmp_path: Path) -> None:
    write_scores(record, tmp_path)
    lines = list(csv.DictReader((tmp_path / "scores.csv").open()))
    assert list(lines[0]) == ["set", "row", "column", "mean", "low", "high"]
    rows = [cells for of_set in record["sets"] for cells in of_set["rows"].values()]
    assert len(lines) == sum(map(len, rows))
    found = {(x["set"], x["row"], x["column"]): (x["mean"], x["low"], x["high"]) for x in lines}
    assert len(found) == len(lines)
    assert found["plates", VIVID, "psnr"] == ("21.5", "20.0", "23.0")
    assert found["plates", "truth", "psnr"] == ("inf",) * 3
    assert found["plates", "grey", "bleed"] == ("",) * 3
    assert found["kodak24", OTHER, "fid"] == ("99.0", "", "")


def test_files_are_replaced_and_repeat(record: Record, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write_scores(record, tmp_path)]
    assert [path.read_bytes() for path in write_scores(record, tmp_path)] == first
    (tmp_path / "gone").write_text("")
    with pytest.raises(OutputUnwritable):
        write_scores(record, tmp_path / "gone")


def test_what_is_no_json_is_refused(record: Record, tmp_path: Path) -> None:
    record["sets"][0]["rows"][VIVID]["psnr"] = [float("nan")] * 3
    with pytest.raises(ValueError, match="JSON"):
        write_scores(record, tmp_path)
    assert not list(tmp_path.iterdir())


def test_names_of_any_kind_can_be_written(record: Record, tmp_path: Path) -> None:
    record["sets"][0]["name"] = EVIL
    write_scores(record, tmp_path)
    assert json.loads((tmp_path / "scores.json").read_bytes())["sets"][0]["name"] == EVIL
    names = {line["set"] for line in csv.DictReader((tmp_path / "scores.csv").open())}
    assert len(names) == 2 and any(r"\u202e\ud800\n# z" in name for name in names)


def test_all_is_said(record: Record) -> None:
    text = markdown(record)
    assert text.startswith("# Evaluation\n\n2 systems on 2 sets")
    for told in (
        f"    {record['command']}\n",
        "Some processor, 2 cores",
        "cd" * 32,
        "ab" * 32,
        "## kodak24",
        "## plates",
        "- 012: its truth has no colour",
        f"- {OTHER}, 017: there is no picture of this stem",
        "- **lpips_alex** needs weights: alexnet.pth",
        "- **reds**: Share of the red pixels",
        "- **PSNR, over grey (dB)**: PSNR less that of the grey row",
        f"- {VIVID}: neither clearly nearer",
    ):
        assert told in text, told
    assert text.count("Failures, scored as grey:") == text.count("Left out:") == 1
    assert markdown(copy.deepcopy(record)) == text


def test_tables_are_whole(record: Record) -> None:
    found = tables(markdown(record))
    assert len(found) == 2 + 2 * 4  # systems, sets; main, further, hints, comparisons
    for table in found:
        assert {len(row) for row in table} == {len(table[0])}
    main = found[2]
    assert [row[0] for row in main[2:]] == ["truth", "grey", "tint", "half-chroma", VIVID, OTHER]
    at = main[0].index("CIEDE2000, of grey's ↓")
    assert main[1][at] == "---:" and main[1][0] == "---"
    assert [row[at] for row in main[-2:]] == ["1.11 [0.96, 1.33]", "**0.67** [0.60, 0.75]"]
    assert found[5][2] == [
        "CIEDE2000",
        f"{OTHER} is better than {VIVID}",
        "5.00 [4.00, 6.00]",
        "88 %",
        "0.0004",
    ]


def test_names_cannot_break_out(record: Record) -> None:
    (first, *_) = record["sets"]
    record["systems"] = {VIVID: {"folder": EVIL}, EVIL: {"folder": EVIL}}
    for key in ("rows", "hue", "best_median_worst"):
        first[key][EVIL] = first[key].pop(OTHER)
    first["name"] = record["command"] = EVIL
    first["left_out"] = [{"picture": EVIL, "why": EVIL}]
    first["failures"] = [{"row": EVIL, "picture": EVIL, "why": EVIL}]
    first["paired"][0]["second"] = EVIL
    plain, spoilt = markdown_sizes(record), markdown(record)
    for table in tables(spoilt):
        assert {len(row) for row in table} == {len(table[0])}
    assert len([line for line in spoilt.splitlines() if line.startswith("#")]) == plain
    body = "\n".join(line for line in spoilt.splitlines() if line[:4] != "    ")  # not the command
    assert not re.search(r"(?<!\\)<script|(?<!\\)\*\*x|(?<!\\)\[y|(?<!\\)`q|(?<!\\)_w|w_", body)
    assert "cf_abs" in body  # readable as it is
    assert "\u202e" not in spoilt and "\ud800" not in spoilt


def markdown_sizes(record: Record) -> int:
    """How many headings there should be."""
    return 1 + 1 + sum(1 + bool(s["hints"]) + bool(s["paired"]) for s in record["sets"]) + 2


def test_one_system_without_hints(record: Record) -> None:
    record["missing"] = {}
    del record["systems"][OTHER]
    for of_set in record["sets"]:
        for key in ("rows", "hue", "best_median_worst"):
            del of_set[key][OTHER]
        of_set |= {"hints": {}, "calibration": {}, "paired": []}
    text = markdown(record)
    assert "1 system on" in text
    assert "### " not in text and "Not measured" not in text
    assert "**" not in re.sub(r"- \*\*.*", "", text)  # none is the best of one


def test_it_needs_no_plots(record: Record, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("matplotlib", "torch"):
        monkeypatch.setitem(sys.modules, name, None)
    assert markdown(record)
    assert write_scores(record, tmp_path)
