"""report.py: tables of what there is, and what a reader must know of them, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kolorit.training.representation.report import write_report

from .conftest import made_record

ARMS = ("raw-grey", "random", "autoencoder")


def section(text: str, head: str) -> str:
    found = [part for part in text.split("\n## ") if part.startswith(head)]
    assert len(found) == 1
    return found[0]


def with_a_second_kind(record: dict[str, Any], arm: str) -> dict[str, Any]:
    """The same with two-conv on one of the arms."""
    for table in (record["rows"], record["best"]):
        table += [{**row, "probe": "two-conv"} for row in table if row["arm"] == arm]
    return record


def test_a_kind_of_probe_lists_the_arms_that_it_was_put_on(tmp_path: Path) -> None:
    record = with_a_second_kind(made_record(ARMS), "random")
    text = write_report(record, tmp_path / "report.md").read_text()
    linear, strong = (section(text, f"Accuracy, {kind}") for kind in ("linear", "two-conv"))
    assert [arm for arm in ARMS if f"| {arm} |" in linear] == list(ARMS)
    assert [arm for arm in ARMS if f"| {arm} |" in strong] == ["random"]
    assert "|  |" not in text


def test_what_chose_is_said_with_fewer_labels(tmp_path: Path) -> None:
    record = made_record(ARMS)
    for row in record["rows"]:
        row["development_labels"] = {"in": 1620, "out": 400}[row["domain"]]
    text = write_report(record, tmp_path / "report.md").read_text()
    words = "labelled development pictures (1,620 in domain, 400 out of domain)"
    assert text.count(words) == 1 and words in section(text, "With fewer labels, linear")
    for row in record["rows"]:
        row["development_labels"] = 0
    assert "flattered" not in write_report(record, tmp_path / "report.md").read_text()
    record = made_record(ARMS)
    record["rows"] = [row for row in record["rows"] if row["fraction"] == 1]
    assert "fewer labels" not in write_report(record, tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    ("only", "baseline", "said"),
    [
        ((), "random", False),
        (("raw-grey", "random"), "random", False),
        (("raw-grey",), "random", True),
        (("raw-grey",), "", False),
    ],
)
def test_a_baseline_that_was_left_out_is_told(
    tmp_path: Path, only: tuple[str, ...], baseline: str, said: bool
) -> None:
    record = made_record(ARMS)
    record["study"] |= {"only": only, "baseline": baseline}
    text = write_report(record, tmp_path / "report.md").read_text()
    assert ("baseline 'random' was left out" in section(text, "Differences")) == said
    assert "Nothing is compared." in text
