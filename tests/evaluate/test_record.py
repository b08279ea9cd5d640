"""evaluate/record.py: one line a picture and row, with names of any kind."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from kolorit.evaluate.columns import COLUMNS
from kolorit.evaluate.judge import BASELINES, Judgement, Verdict
from kolorit.evaluate.record import write_pictures
from kolorit.evaluate.sets import PhotoSet

EVIL = "\u202e\ud800\n# z"


def test_pictures_of_any_name(tmp_path: Path) -> None:
    rows = (*BASELINES, "mine")
    terms = {row: dict.fromkeys(COLUMNS, (1.0, 2.0)) for row in rows}
    terms["mine"] = {**terms["mine"], "reds": (0.0, 0.0), "psnr": (np.inf, 1.0)}
    verdict = Verdict(EVIL, 0.0, terms, failures=(("mine", "it stumbled"),))
    path = write_pictures(
        [Judgement(PhotoSet("made, up", (), "0"), (verdict,), (), 0)], tmp_path / "pictures.csv"
    )
    lines = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
    assert [line["row"] for line in lines] == list(rows)
    assert {line["set"] for line in lines} == {"made, up"}
    assert {line["picture"] for line in lines} == {r"\u202e\ud800\n# z"}
    assert [line["failed"] for line in lines] == ["0", "0", "0", "0", "1"]
    assert lines[4]["reds"] == "" and lines[4]["psnr"] == "inf" and lines[0]["ssim"] == "0.5"
