"""evaluate/summary.py: what the record says, and that the docs say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kolorit.evaluate.columns import COLUMNS
from kolorit.evaluate.deep import METRICS
from kolorit.evaluate.judge import BASELINES, Judgement, Verdict
from kolorit.evaluate.sets import PhotoSet
from kolorit.evaluate.summary import DERIVED, describe_columns, per_picture, summarise


def test_the_docs_define_every_column_in_the_reports_words(repository: Path) -> None:
    text = (repository / "docs" / "evaluation.md").read_text("utf-8")
    deep = {name: words for offer in METRICS.values() for name, words in offer.columns.items()}
    meanings = {name: c.meaning for name, c in COLUMNS.items()}
    meanings |= {name: words[3] for name, words in (DERIVED | deep).items()}
    assert set(describe_columns(deep)) == set(meanings)
    for name, meaning in meanings.items():
        escaped = meaning.replace("|", "\\|")
        assert any(
            line.startswith(f"| `{name}` |") and line.endswith(f"| {escaped} |")
            for line in text.splitlines()
        ), f"{name}: {escaped}"


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
