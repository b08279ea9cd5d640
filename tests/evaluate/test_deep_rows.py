"""How the judge takes metrics from deep features, with made-up ones in place of networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kolorit.evaluate.columns import Context
from kolorit.evaluate.deep.kinds import Classifier, Distance, Embedding
from kolorit.evaluate.judge import GREY, TRUTH, Bench, judge
from kolorit.evaluate.sets import find_set
from kolorit.evaluate.summary import summarise
from kolorit.merge import merge
from kolorit.picture.rgb import encode_rgb

CLASSES = ("n00000001 red", "n00000002 green", "n00000003 none")


def likeliest(rgb: np.ndarray) -> int:
    """The channel that is the largest; without a clear one class 2."""
    red, green, _ = rgb.reshape(-1, 3).mean(0)
    return 2 if abs(red - green) < 5 else int(green > red)


DEEP = (
    Distance("apart", lambda shown, truth: float(np.abs(shown.astype(float) - truth).mean())),
    Embedding("mean3", 3, lambda rgb: rgb.reshape(-1, 3).mean(0).astype(np.float32)),
    Classifier("channel", CLASSES, likeliest),
)


def make() -> Bench:
    return Bench((), merge, Context(np.full(313, 1 / 313)), 32, deep=DEEP)


def folder_of(tmp_path: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        colour = [(180, 60, 60), (60, 160, 60), (190, 70, 50), (60, 140, 80)][number % 4]
        rgb = np.full((32, 32, 3), colour, np.uint8)
        rgb[:, 16:] //= 2
        (tmp_path / f"{name}.png").write_bytes(encode_rgb(rgb, "PNG"))
    return tmp_path


def test_distances_embeddings_and_classes_become_columns(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a", "b", "c", "d")
    rows = summarise(judge(find_set(str(folder)), make))["rows"]
    assert rows[TRUTH]["apart"] == [0, 0, 0]
    assert rows[GREY]["apart"][0] > 10
    assert rows[TRUTH]["frechet_mean3"] == [0, None, None]
    assert rows[GREY]["frechet_mean3"][0] > 100
    assert rows[TRUTH]["regained_channel"] == [1, 1, 1]
    assert rows[GREY]["regained_channel"] == [0, 0, 0]


def test_labels_come_from_names_where_all_have_one(tmp_path: Path) -> None:
    """Of four pictures one is named wrongly: the truth is then right in three of four."""
    right = ["n00000001_a", "n00000002_b", "n00000001_c", "n00000002_d"]
    judgement = judge(find_set(str(folder_of(tmp_path, *right))), make)
    assert [v.labels["channel"] for v in judgement.verdicts] == [0, 0, 1, 1]
    assert DEEP[2].label("n00000009_x") is None
    assert DEEP[2].label("kodim01") is None
    (tmp_path / "n00000002_d.png").rename(tmp_path / "n00000003_d.png")
    rows = summarise(judge(find_set(str(tmp_path)), make))["rows"]
    # grey is called "none", which the fourth is now: it regains less than all
    assert rows[TRUTH]["regained_channel"][0] == pytest.approx((3 - 1) / (3 - 1))
    assert rows["tint"]["regained_channel"][0] < 1
