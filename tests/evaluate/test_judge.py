"""evaluate/judge.py and summary.py: no truth reaches a system, failures count as grey."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kolorit.colour.luma import luma
from kolorit.errors import DataCorrupt, InputUnreadable
from kolorit.evaluate.columns import Context
from kolorit.evaluate.judge import BASELINES, GREY, HALF, TINT, TRUTH, Bench, answer, judge
from kolorit.evaluate.sets import find_set
from kolorit.evaluate.shots import take_shots, to_show
from kolorit.evaluate.summary import per_picture, summarise
from kolorit.evaluate.systems import Coloured, System, paint_on
from kolorit.evaluate.view import View
from kolorit.merge import merge
from kolorit.picture.picture import Picture
from kolorit.picture.rgb import encode_rgb

PRIOR = np.full(313, 1 / 313)


def scene(seed: int) -> np.ndarray:
    """rgb (32,48,3): soft blobs of colour with some texture."""
    rng = np.random.default_rng(seed)
    low = rng.integers(40, 215, (4, 6, 3)).astype(float)
    rgb = np.kron(low, np.ones((8, 8, 1))) + rng.normal(0, 4, (32, 48, 1))
    return np.clip(rgb, 0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photographs, a grey one, a nearly grey one and a broken one."""
    folder = tmp_path / "small"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.png").write_bytes(encode_rgb(scene(seed), "PNG"))
    grey = scene(9).mean(-1, keepdims=True).repeat(3, -1).astype(np.uint8)
    (folder / "grey.png").write_bytes(encode_rgb(grey, "PNG"))
    pale = (0.9 * grey + 0.1 * scene(9)).astype(np.uint8)
    (folder / "pale.png").write_bytes(encode_rgb(pale, "PNG"))
    (folder / "zbroken.png").write_bytes(b"no picture")
    return folder


def warm(stem: str, grey: Picture) -> Coloured:
    size = grey.luma.shape
    ab = np.stack([np.full(size, 8.0), np.full(size, 12.0)])
    rgb = paint_on(grey, ab.transpose(1, 2, 0), merge)
    return Coloured(rgb, ab, np.full(size, 0.5, np.float32))


def stumbling(stem: str, grey: Picture) -> Coloured:
    if stem == "1":
        raise InputUnreadable("it stumbled")
    return warm(stem, grey)


def plain(stem: str, grey: Picture) -> Coloured:
    return Coloured(paint_on(grey, np.zeros(2), merge))


def make(hints: tuple[int, ...] = ()) -> Bench:
    hinted = lambda grey, spots: paint_on(grey, np.array([len(spots), 0.0]), merge)  # noqa: E731
    systems = (System("warm", warm, hinted), System("stumbling", stumbling))
    return Bench((*systems, System("plain", plain)), merge, Context(PRIOR), 32, hints)


def test_what_cannot_be_judged_is_left_out_of_every_row_by_name(folder: Path) -> None:
    found = judge(find_set(str(folder)), make)
    assert [v.stem for v in found.verdicts] == ["0", "1", "2", "pale"]
    (grey, broken) = found.left_out
    assert grey == ("grey", "its truth has no colour")
    assert broken[0] == "zbroken"
    assert broken[1].startswith("its truth cannot be read")
    assert found.near_grey == 1
    assert all(list(v.terms) == [*BASELINES, "warm", "stumbling", "plain"] for v in found.verdicts)


def test_a_failure_is_named_and_scored_as_grey(folder: Path) -> None:
    found = judge(find_set(str(folder)), make)
    one = next(v for v in found.verdicts if v.stem == "1")
    assert one.failures == (("stumbling", "it stumbled"),)
    assert one.terms["stumbling"] == one.terms[GREY]
    assert one.terms["warm"] != one.terms[GREY]
    (failure,) = summarise(found)["failures"]
    assert failure == {"row": "stumbling", "picture": "1", "why": "it stumbled"}


def test_another_truth_of_the_same_grey_changes_no_answer() -> None:
    """The trap of truth leaking: systems and the grey row must not see what is behind the luma."""
    truth = scene(3)
    grey = 255 * luma(truth / 255.0)
    other = np.repeat(np.round(grey)[..., None], 3, -1).astype(np.uint8)
    bench = make()
    first, _ = answer(bench, "0", View(truth), (5.0, 5.0))
    second, _ = answer(bench, "0", View(other), (5.0, 5.0))
    for row in (GREY, TINT, "warm", "plain"):
        assert (first[row].rgb == second[row].rgb).all(), row
    for row in (TRUTH, HALF):
        assert (first[row].rgb != second[row].rgb).any(), row


def test_the_mandatory_rows_are_what_they_say(folder: Path) -> None:
    rows = summarise(judge(find_set(str(folder)), make))["rows"]
    assert rows[TRUTH]["psnr"] == ["inf", "inf", "inf"]
    assert rows[TRUTH]["ciede2000"] == [0, 0, 0]
    assert rows[TRUTH]["auc"] == [100, 100, 100]
    assert rows[GREY]["ciede2000_of_grey"] == [1, 1, 1]
    assert rows[GREY]["psnr_over_grey"] == [0, 0, 0]
    assert rows[GREY]["colourfulness_ratio"][0] == 0
    assert rows["plain"] == rows[GREY]
    assert rows[HALF]["sd_a"][0] == pytest.approx(0.5, abs=0.03)
    assert rows[HALF]["ciede2000"][0] < rows[GREY]["ciede2000"][0]
    assert abs(rows[TINT]["cast_a"][0]) < 1  # the tint is the set's mean
    assert abs(rows[TINT]["cast_b"][0]) < 1


def test_the_tint_is_the_mean_of_the_judged_alone(folder: Path) -> None:
    """The grey and the broken picture must not pull it."""
    before = summarise(judge(find_set(str(folder)), make))["rows"][TINT]
    (folder / "grey.png").unlink()
    (folder / "zbroken.png").unlink()
    assert summarise(judge(find_set(str(folder)), make))["rows"][TINT] == before


def test_hints_hue_calibration_and_comparison(folder: Path) -> None:
    judgement = judge(find_set(str(folder)), partial(make, (1, 4)))
    found = summarise(judgement)
    assert list(found["hints"]) == ["warm"]
    assert list(found["hints"]["warm"]) == ["0", "1", "4"]
    assert found["hints"]["warm"]["0"] == found["rows"]["warm"]["psnr"]
    assert sum(found["hue"]["warm"]) == pytest.approx(1, abs=1e-4)
    assert max(found["hue"]["warm"]) == pytest.approx(1, abs=1e-2)  # one hue: that of (8, 12)
    assert found["hue"]["warm"].index(max(found["hue"]["warm"])) == 5  # 56 degrees
    assert found["hue"][GREY] == [0] * 36
    (tenth,) = found["calibration"]["warm"]["bins"]
    assert tenth["confidence"] == 0.5
    assert found["rows"]["warm"]["ece"][0] == pytest.approx(abs(0.5 - tenth["right"]), abs=1e-3)
    assert "ece" not in found["rows"][GREY]
    pair = next(p for p in found["paired"] if (p["first"], p["second"]) == ("warm", "plain"))
    assert pair["column"] == "ciede2000"
    means = [found["rows"][row]["ciede2000"][0] for row in ("warm", "plain")]
    assert pair["difference"][0] == pytest.approx(means[0] - means[1], abs=1e-4)
    values = {(line["picture"], line["row"]): line["ciede2000"] for line in per_picture(judgement)}
    wins = [values[s, "warm"] < values[s, "plain"] for s in ("0", "1", "2", "pale")]
    assert pair["better"] == np.mean(wins)


def test_the_pictures_to_show_are_the_extremes(folder: Path) -> None:
    judgement = judge(find_set(str(folder)), make)
    found = summarise(judgement)
    values = {
        line["picture"]: line["ciede2000"]
        for line in per_picture(judgement)
        if line["row"] == "warm"
    }
    named = found["best_median_worst"]["warm"]
    assert values[named["best"]] == min(values.values())
    assert values[named["worst"]] == max(values.values())
    assert sorted(values.values())[2] == values[named["median"]]
    shots = take_shots(judgement, to_show(found), make())
    assert set(named.values()) <= set(shots)
    assert set(shots[named["best"]]) == {*BASELINES, "warm", "stumbling", "plain"}


def test_a_set_without_any_truth_is_refused(folder: Path) -> None:
    for name in ("0", "1", "2", "pale"):
        (folder / f"{name}.png").unlink()
    with pytest.raises(DataCorrupt, match="no picture of small can be judged"):
        judge(find_set(str(folder)), make)
