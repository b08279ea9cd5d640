"""evaluate/sentences.py: what is said must follow from the numbers."""

from __future__ import annotations

from typing import Any

import pytest

from kolorit.evaluate.sentences import about, findings, how_to_read, legend, policy, summary_line

from .conftest import OTHER, VIVID

Record = dict[str, Any]


@pytest.mark.parametrize(
    ("share", "words"),
    [
        ([0.9, 0.8, 0.99], "nearer to the truth than grey (CIEDE2000, of grey's: 0.90 [0.80"),
        ([0.9, 0.8, 1.0], "neither clearly nearer to the truth than grey nor farther"),
        ([1.1, 1.01, 1.2], "farther from the truth than grey"),
        ([1.0, 1.0, 1.0], "neither clearly nearer to the truth than grey nor farther (CIEDE2000"),
        (None, "neither clearly nearer to the truth than grey nor farther"),
    ],
)  # fmt: skip
def test_a_system_against_grey(record: Record, share: list[float] | None, words: str) -> None:
    of_set = record["sets"][0]
    of_set["rows"][VIVID]["ciede2000_of_grey"] = share
    first, second = findings(of_set)
    assert first.startswith(f"{VIVID}: {words}")
    assert first.endswith("colourfulness 0.75 of the truth's.")
    assert second.endswith("colourfulness 0.50 of the truth's; 1 picture failed and stayed grey.")


def test_the_policy_for_greys_has_its_counts(record: Record) -> None:
    words = policy(record["sets"][0])
    assert words.startswith("24 pictures judged, 1 left out")
    assert "mean chroma below 1)" in words and "mean chroma below 5) are 1 of" in words


def test_all_that_must_be_told_is_told(record: Record) -> None:
    words = " ".join(about(record).values())
    for told in (record["command"], "0.2.0", "1234567", "Some processor", "3.12.1", "numpy 2.1.0"):
        assert told in words
    assert "2,000 samples, seed 0" in words and "256 px" in words and "card of default" in words
    assert "commit" not in about({**record, "commit": None})["Kolorit"]
    strange = about({**record, "without_truth": {OTHER: [str(k) for k in range(21)]}})
    assert strange[f"{OTHER}, not judged"].startswith("21 pictures without a truth: 0, 1, 2")
    assert strange[f"{OTHER}, not judged"].endswith("19, ...")
    assert summary_line(record).startswith("2 systems on 2 sets (kodak24, plates), 48 pictures")


def test_bold_is_explained_where_there_is_some(record: Record) -> None:
    assert "bold" in how_to_read(record)[-1]
    del record["systems"][OTHER]
    assert "bold" not in " ".join(how_to_read(record))


def test_the_legend_has_what_is_shown_and_no_more(record: Record) -> None:
    words = legend(record)
    assert len(words) == len(record["columns"])
    assert words["reds"].startswith("Share of the red pixels") and "High is good" in words["reds"]
    assert words["bleed"].endswith("Near the truth's is good.")
    assert words["sd of a"].endswith("Near 1 is good.")
    alone = [head for head, meaning in words.items() if "there is no interval" in meaning]
    assert alone == ["FID, TF Inception 2048"] and "Low is good" in words[alone[0]]
    for of_set in record["sets"]:
        for cells in of_set["rows"].values():
            cells.pop("fid", None)
    assert set(words) - set(legend(record)) == {"FID, TF Inception 2048"}
