"""evaluate/sheets.py: the right pictures, small, with the difference that was judged."""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np
import pytest

from kolorit.evaluate.fidelity import mean_difference
from kolorit.evaluate.sheets import LARGE, SMALL, extremes, reds, sliders
from kolorit.evaluate.view import View
from kolorit.picture.rgb import decode_rgb

from .conftest import OTHER, VIVID

Record = dict[str, Any]
Shots = dict[str, dict[str, np.ndarray]]


def pictures(html: str) -> list[tuple[str, np.ndarray]]:
    """Alternative text and picture of each <img>."""
    found = []
    for tag in re.findall(r"<img [^>]*>", html):
        fields = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        kind, _, content = fields["src"].partition(",")
        assert kind == "data:image/jpeg;base64"
        found.append((fields["alt"], decode_rgb(base64.b64decode(content))))
    return found


def test_best_median_and_worst_of_each_system(record: Record, shots: Shots) -> None:
    html = extremes(record["sets"][0], shots)
    assert re.findall(r"<h4>(.*?)</h4>", html) == [VIVID, OTHER]
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html)
    assert captions == ["best: a", "median: b", "worst: c", "best: c", "median: a", "worst: b"]
    alts = [alt for alt, _ in pictures(html)]
    assert len(alts) == 18
    assert alts[0] == "a: grey" and alts[2] == "a: truth"
    assert re.fullmatch(r"a: mine, vivid, CIEDE2000 \d+\.\d", alts[1])


def test_the_number_is_that_of_the_whole_picture(record: Record, shots: Shots) -> None:
    """Of what was judged, not of what JPEG and shrinking made of it."""
    (stem, shown), *_ = shots.items()
    noise = np.random.default_rng(0).integers(0, 256, shown["truth"].shape).astype(np.uint8)
    shown[VIVID] = noise
    far = mean_difference(shown=View(noise).lab, truth=View(shown["truth"]).lab)
    html = extremes(record["sets"][0], shots)
    assert f"coloured <b>{far:.1f}</b>" in html
    assert f"{stem}: {VIVID}, CIEDE2000 {far:.1f}" in html


def test_each_picture_is_the_one_it_says(record: Record, shots: Shots) -> None:
    for html in (extremes(record["sets"][0], shots), reds(record["sets"][0], shots)):
        for alt, rgb in pictures(html):
            stem, row = alt.split(": ", 1)
            expected = shots[stem][re.sub(", CIEDE2000.*", "", row)]
            assert np.abs(rgb.mean((0, 1)) - expected.mean((0, 1))).max() < 2
            assert max(rgb.shape) == min(SMALL, max(expected.shape))
            assert rgb.shape[0] / rgb.shape[1] == pytest.approx(
                expected.shape[0] / expected.shape[1], rel=0.01
            )


def test_reds_under_all_systems(record: Record, shots: Shots) -> None:
    alts = [alt for alt, _ in pictures(reds(record["sets"][0], shots))]
    rows = [re.sub(", CIEDE2000.*", "", alt) for alt in alts]
    of_c = ["c: truth", f"c: {VIVID}", f"c: {OTHER}"]
    assert rows == [*of_c, *(word.replace("c: ", "a: ") for word in of_c)]


def test_sliders_show_the_median_pictures(record: Record, shots: Shots) -> None:
    shots["b"] = {row: np.repeat(np.repeat(rgb, 2, 0), 2, 1) for row, rgb in shots["b"].items()}
    found = pictures(sliders(record["sets"][0], shots))
    assert [alt for alt, _ in found] == [
        f"b, coloured by {VIVID}",
        "b in grey",
        f"a, coloured by {OTHER}",
        "a in grey",
    ]
    assert [rgb.shape[:2] for _, rgb in found] == [(LARGE, 267)] * 2 + [(256, 384)] * 2
    assert np.ptp(found[1][1].astype(int), axis=-1).max() < 12  # grey


def test_pictures_that_are_not_there_are_left_out(record: Record, shots: Shots) -> None:
    (first, *_) = record["sets"]
    assert extremes(first, {}) == reds(first, {}) == sliders(first, {}) == ""
    del shots["b"], shots["c"][OTHER]
    assert re.findall(r"<figcaption>(.*?)<", extremes(first, shots)) == [
        "best: a",
        "worst: c",
        "median: a",
    ]
    assert len(pictures(sliders(first, shots))) == 2


def test_names_are_escaped(record: Record, shots: Shots) -> None:
    (first, *_) = record["sets"]
    evil = '"><script>alert(1)</script>'
    shots = {evil: {**shots["a"], evil: shots["a"][VIVID]}}
    first["best_median_worst"] = {evil: dict.fromkeys(("best", "median", "worst"), evil)}
    first["reds"] = [evil]
    for html in (extremes(first, shots), reds(first, shots), sliders(first, shots)):
        assert "alert(1)" in html and "<script" not in html
