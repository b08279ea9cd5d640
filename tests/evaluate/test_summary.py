"""evaluate/summary.py: what the record says, and that the docs say the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kolorit.evaluate.columns import COLUMNS, Words
from kolorit.evaluate.deep import METRICS
from kolorit.evaluate.deep.statistics import kid
from kolorit.evaluate.judge import BASELINES, Judgement, Verdict
from kolorit.evaluate.sets import PhotoSet
from kolorit.evaluate.summary import DERIVED, describe_columns, per_picture, summarise


def test_the_docs_define_every_column_in_the_reports_words(repository: Path) -> None:
    text = (repository / "docs" / "evaluation.md").read_text("utf-8")
    deep = {name: words for offer in METRICS.values() for name, words in offer.columns.items()}
    plain: dict[str, Words] = {**COLUMNS, **DERIVED}
    lines = []
    for name, words in {**plain, **deep}.items():
        best = {"truth": "the truth's", 1.0: "1", 0.0: "0"}.get(words.best, words.best)
        cells = [f"`{name}`", *([words.unit, best] if name in plain else []), words.meaning]
        lines.append("".join(f"| {str(cell).replace('|', chr(92) + '|')} " for cell in cells) + "|")
    assert [line for line in text.splitlines() if line.startswith("| `")][-len(lines) :] == lines
    assert list(describe_columns(deep)) == [*plain, *deep]


def judgement(first: list[float], second: list[float]) -> Judgement:
    """Two systems with these CIEDE2000 values; all else plain."""

    def terms(value: float) -> dict[str, tuple[float, float]]:
        rest = dict.fromkeys(COLUMNS, (1.0, 1.0))
        return {**rest, "ciede2000": (value, 1.0), "psnr": (40 - value, 1.0), "reds": (0.0, 0.0)}

    verdicts = [
        Verdict(
            str(number),
            0.0,
            {**dict.fromkeys(BASELINES, terms(10)), "first": terms(a), "second": terms(b)},
            dict.fromkeys((*BASELINES, "first", "second"), np.ones(36)),
        )
        for number, (a, b) in enumerate(zip(first, second, strict=True))
    ]
    return Judgement(PhotoSet("made up", (), "0"), tuple(verdicts), (), 0)


def test_sums_are_divided_by_sums_and_no_weight_is_no_value() -> None:
    found = summarise(judgement([2, 4], [5, 5]))
    assert found["rows"]["first"]["ciede2000"][0] == 3
    assert found["rows"]["first"]["ciede2000_of_grey"][0] == pytest.approx(0.3)
    assert found["rows"]["first"]["psnr_over_grey"][0] == pytest.approx(7)
    assert found["rows"]["first"]["reds"] is None
    assert found["hue"]["first"] == pytest.approx([1 / 36] * 36, abs=1e-6)
    assert per_picture(judgement([2, 4], [5, 5]))[4]["reds"] is None


def test_the_better_one_of_a_pair_by_the_way_of_its_column() -> None:
    """For CIEDE2000 less is better, for PSNR more: the first wins both."""
    pairs = summarise(judgement([2, 4, 3, 6], [5, 5, 5, 5]))["paired"]
    by_column = {pair["column"]: pair for pair in pairs}
    assert by_column["ciede2000"]["better"] == 0.75
    assert by_column["ciede2000"]["difference"][0] == pytest.approx(-1.25)
    assert by_column["psnr"]["better"] == 0.75
    assert by_column["psnr"]["difference"][0] == pytest.approx(1.25)
    assert by_column["auc_rebalanced"]["better"] == 0.5


def test_an_infinite_value_has_no_paired_difference() -> None:
    whole = judgement([2, 4], [5, 5])
    for verdict in whole.verdicts:
        verdict.terms["first"]["psnr"] = (float("inf"), 1.0)
    found = summarise(whole)
    assert found["rows"]["first"]["psnr"] == ["inf", "inf", "inf"]
    assert "psnr" not in {pair["column"] for pair in found["paired"]}


def test_something_by_nothing_is_no_value() -> None:
    """Browns where the truths have none: a quotient by 0, and not an infinite value."""
    whole = judgement([2, 4], [5, 5])
    for verdict in whole.verdicts:
        verdict.terms["first"]["browns"] = (0.25, 0.0)
    assert summarise(whole)["rows"]["first"]["browns"] is None
    whole.verdicts[0].terms["first"]["browns"] = (0.25, 0.5)
    mean, low, high = summarise(whole)["rows"]["first"]["browns"]
    assert mean == 1 and low == 0.5 and np.isfinite(high)  # samples without weight do not count


def test_kid_is_the_published_estimate_and_no_other_is_called_so() -> None:
    points = np.random.default_rng(0).normal(0, 1, (5, 2, 3))
    rows = (*BASELINES, "first", "second")
    whole = judgement([2] * 5, [5] * 5)
    for verdict, (shown, truth) in zip(whole.verdicts, points, strict=True):
        of_row = {row: truth if row == "truth" else shown for row in rows}
        verdict.embeddings.update({"inception2048": of_row, "squeezenet512": of_row})
    found = summarise(whole)["rows"]["first"]
    pair = points[:, 0], points[:, 1]
    assert found["kid"][0] == pytest.approx(kid(*pair, paired=False), abs=1e-5)
    assert found["mmd_squeezenet512"][0] == pytest.approx(kid(*pair), abs=1e-5)
    assert abs(found["kid"][0] - found["mmd_squeezenet512"][0]) > 1e-3
    assert found["fid"] == found["frechet_squeezenet512"]
    assert found["kid"][1:] == [None, None]


def test_a_line_a_picture_says_whether_the_row_failed_there() -> None:
    whole = judgement([2, 4], [5, 5])
    failing = replace(whole.verdicts[1], failures=(("first", "it stumbled"),))
    lines = per_picture(replace(whole, verdicts=(whole.verdicts[0], failing)))
    failed = {(line["picture"], line["row"]) for line in lines if line["failed"]}
    assert failed == {("1", "first")} and len(lines) == 12
    assert list(lines[0])[:4] == ["set", "picture", "row", "failed"]
