"""evaluate/self_test: what it reports, its pictures, its stored values against other sources."""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import color, metrics

from kolorit.errors import ConfigInvalid
from kolorit.evaluate import deep
from kolorit.evaluate.columns import COLUMNS, numbers_of
from kolorit.evaluate.fidelity import rarity
from kolorit.evaluate.self_test import Finding, features, files, judging, keep_luma, run
from kolorit.evaluate.self_test.finding import CONTEXT, Material, saturated
from kolorit.evaluate.self_test.frozen import FROZEN, SHA256
from kolorit.evaluate.self_test.scenes import PRIOR, made_up, pair, scene
from kolorit.evaluate.sets import find_set, read_truth
from kolorit.evaluate.systems import grey_of, paint_on
from kolorit.evaluate.view import View
from kolorit.merge import merge
from kolorit.picture.rgb import decode_rgb

# The traps that are known, and what else a judge should carry.
TRAPS = """
a stored pair
identical pictures
0 against 255
squares of bytes that wrap
PSNR of luma alone
a cropped border
truth through bytes of Lab
range of SSIM
answer and truth swapped
two sizes
values from 0 to 1
colourfulness of absolute values
difference of mean colourfulness
lightness from luma
channels cut off at the gamut
saturated truth
answers saved as JPEG
another filter for the truth
stretched or cropped
pairing by the start of a name
one stem twice
renamed, turned, saved again
another Inception
no floors
failures skipped
pictures dropped in silence
greys left out of one mean
PSNR with a cap
PSNR of the mean error
pale pictures dropped
last batch dropped
best of several
reference of other pictures
one process or two
truth among the input
no seed
distance of sets
deep features of other numbers
input of FID squeezed twice
LPIPS fed with 0 to 1
"""


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    found = run()
    assert len({finding.trap for finding in found}) == len(found)
    return {finding.trap: finding for finding in found}


# What it reports


def test_every_trap_is_there_and_held_or_says_what_it_needs(findings: dict[str, Finding]) -> None:
    assert list(findings) == TRAPS.split("\n")[1:-1]
    for finding in findings.values():
        assert finding.held is True or finding.held is None, finding
        assert finding.planted
        assert finding.expected
        assert finding.right != finding.wrong
        if finding.held is None:
            assert finding.right.startswith("needs ")


def test_nothing_is_skipped_where_all_is_at_hand(
    findings: dict[str, Finding], weights_folder: Path
) -> None:
    pytest.importorskip("torch")
    assert [f.trap for f in findings.values() if f.held is None] == []


def test_sizes_on_the_made_up_pictures_are_near_those_of_photographs(
    findings: dict[str, Finding],
) -> None:
    def number(trap: str, side: str) -> float:
        return float(getattr(findings[trap], side).split()[0])

    wrapped = "squares of bytes that wrap"
    assert number(wrapped, "right") == pytest.approx(22.9, abs=2)
    assert number(wrapped, "wrong") == pytest.approx(31.1, abs=2)
    assert number("saturated truth", "wrong") == pytest.approx(37.3, abs=2)
    assert number("truth through bytes of Lab", "right") == pytest.approx(51.3, abs=2)
    assert number("answers saved as JPEG", "wrong") == pytest.approx(33.8, abs=3)
    assert number("lightness from luma", "wrong") == pytest.approx(41.8, abs=3)


def test_photographs(data_folder: Path) -> None:
    """All holds there too, with the shipped merge; a picture without colour is not used."""
    chosen = find_set(str(data_folder / "eval" / "coco-sample"), first=8).photographs
    pictures = [read_truth(photograph.path, 160) for photograph in chosen]
    grey = np.repeat(pictures[0][..., :1], 3, -1)
    found = {f.trap: f for f in run([grey, *pictures], merge)}
    assert [f.trap for f in found.values() if f.held is False] == []
    assert found["pictures dropped in silence"].right.startswith("9 pictures: 7 judged")
    wrapped = found["squares of bytes that wrap"]
    assert float(wrapped.wrong.split()[0]) - float(wrapped.right.split()[0]) > 6


def test_lines() -> None:
    finding = Finding("trap", "done wrong", "1 dB", "2 dB", "more", True)
    assert str(finding) == "ok       trap: 1 dB; planted: 2 dB (done wrong)"
    failed = Finding("trap", "done wrong", "1 dB", "2 dB", "more", False)
    assert str(failed) == "FAILED   trap: 1 dB; planted: 2 dB (done wrong), expected: more"
    skipped = Finding("trap", "done wrong", "needs torch", "", "more", None)
    assert str(skipped) == "skipped  trap: needs torch"
    assert not skipped.held  # no pass
    with pytest.raises(FrozenInstanceError):
        finding.held = False  # type: ignore[misc]
    with pytest.raises(TypeError, match="trap: held is np"):
        replace(finding, held=np.False_)


@pytest.mark.parametrize("check", [features.squeezed_twice, features.half_range])
def test_without_torch_deep_traps_are_skipped(
    check: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deep, "find_spec", lambda name: None)
    finding = check(Material(tuple(made_up()), keep_luma))  # type: ignore[operator]
    assert finding.held is None
    assert finding.right.startswith("needs torch")


def test_without_torch_weights_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "find_spec", lambda name: None)
    finding = features.other_weights(Material(tuple(made_up()), keep_luma), tmp_path)
    assert finding.held is None
    assert finding.right == "needs torch, safetensors"


@pytest.mark.parametrize(
    "pictures", [[], made_up()[:3], [p[:60, :90] for p in made_up()], [made_up()[0] // 255] * 4]
)
def test_too_little_to_test_with(pictures: list[np.ndarray]) -> None:
    with pytest.raises(ConfigInvalid, match="do not do for a self-test"):
        run(pictures)


@pytest.mark.parametrize(
    "pictures",
    [
        [scene(k, 64, 64) for k in range(4)],  # of which the intervals are alike by chance
        [np.full((64, 70, 3), (200, 60, 40 + k), np.uint8) for k in range(4)],  # nor any detail
    ],
)
def test_few_and_small_pictures_raise_no_false_alarm(
    pictures: list[np.ndarray], tmp_path: Path
) -> None:
    material = Material(tuple(pictures), keep_luma)
    assert judging.seeds(material).held is True
    filters = files.resizing(material, tmp_path)
    assert filters.held is (True if pictures[0].std((0, 1)).any() else None), filters
    if filters.held is None:
        assert filters.right.startswith("needs larger pictures")


def test_the_docs_show_what_the_self_test_printed(repository: Path) -> None:
    """Row by row; what is planted is the last bracket of a line, and may hold others."""
    rows = []
    for line in (repository / "results" / "self-test.txt").read_text("utf-8").splitlines():
        trap, found = line.removeprefix("ok").strip().split(": ", 1)
        right, rest = found.rsplit("; planted: ", 1)
        start, depth = len(rest), 0
        while start == len(rest) or depth:
            start -= 1
            depth += (rest[start] == ")") - (rest[start] == "(")
        rows.append(f"| {trap} | {rest[start + 1 : -1]} | {rest[:start].rstrip()} | {right} |")
    text = (repository / "docs" / "evaluation.md").read_text("utf-8")
    table = text.partition("| mistake |")[2].split("\n\n")[0].splitlines()
    assert table[2:] == rows
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == TRAPS.split("\n")[1:-1]


def test_the_state_of_chance_is_left_as_it_was() -> None:
    np.random.seed(7)
    first = np.random.random()
    np.random.seed(7)
    judging.seeds(Material(tuple(made_up()), keep_luma))
    assert np.random.random() == first


# Its pictures


def test_scenes_are_like_photographs() -> None:
    pictures = [View(rgb) for rgb in made_up()]
    assert len({view.rgb.tobytes() for view in pictures}) == len(pictures)
    chroma = [view.chroma.mean() for view in pictures]
    assert 5 < min(chroma) < 10 < max(chroma) < 40
    assert 20 < np.mean([view.colourfulness for view in pictures]) < 60
    assert scene(3, 72, 104).shape == (72, 104, 3)
    assert PRIOR.sum() == pytest.approx(1)


def test_keep_luma_keeps_luma_and_shows_the_chroma() -> None:
    truth = View(made_up()[7])
    grey = grey_of(truth.rgb)
    shown = paint_on(grey, truth.ab, keep_luma)
    assert np.abs(grey_of(shown).luma.astype(int) - grey.luma).max() <= 1
    assert np.abs(View(shown).ab - truth.ab).mean() < 2
    other = paint_on(grey, 3 * truth.ab, keep_luma)  # out of gamut
    assert np.abs(grey_of(other).luma.astype(int) - grey.luma).max() <= 1


def test_the_shipped_merge_does_about_the_same() -> None:
    truth = View(made_up()[2])
    grey = grey_of(truth.rgb)
    first, other = (paint_on(grey, truth.ab, put).astype(int) for put in (keep_luma, merge))
    assert np.abs(first - other).max() <= 1


def test_files_that_a_check_writes_by_hand() -> None:
    for rgb in (made_up()[0][:, :-3], made_up()[1][:5, :6]):
        np.testing.assert_array_equal(decode_rgb(files._bmp(rgb)), rgb)
        lossy = decode_rgb(files._jpeg(rgb))
        assert lossy.shape == rgb.shape
        assert metrics.peak_signal_noise_ratio(lossy, rgb) > 25


def test_saturated() -> None:
    rgb = np.array([[[100, 100, 100], [120, 100, 90], [250, 10, 10]]], np.uint8)
    more = saturated(rgb, 2)
    assert more[0].tolist() == [[100, 100, 100], [135, 95, 75], [255, 0, 0]]
    assert (np.ptp(saturated(rgb, 0), -1) == 0).all()


# The stored values


def test_stored_bytes() -> None:
    for rgb, digest in zip(pair(), SHA256.values(), strict=True):
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "PPM")
        assert hashlib.sha256(file.getvalue()).hexdigest() == digest


def test_no_column_is_at_its_best() -> None:
    assert list(FROZEN) == list(COLUMNS)
    best = {name: column.best for name, column in COLUMNS.items()}
    assert all(
        abs(value - best[name]) > 0.01
        for name, value in FROZEN.items()
        if isinstance(best[name], float)
    )
    assert all(value > 0.01 for name, value in FROZEN.items() if best[name] == "low")


def test_stored_values_against_scikit_image() -> None:
    shown, truth = pair()
    assert FROZEN["psnr"] == pytest.approx(metrics.peak_signal_noise_ratio(truth, shown), rel=1e-9)
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    ssim = metrics.structural_similarity(truth, shown, channel_axis=2, data_range=255, **window)
    assert FROZEN["ssim"] == pytest.approx(ssim, rel=1e-9)
    ours = [View(rgb).lab for rgb in (shown, truth)]
    assert FROZEN["ciede2000"] == pytest.approx(color.deltaE_ciede2000(*ours).mean(), rel=1e-7)
    theirs = [color.rgb2lab(rgb) for rgb in (shown, truth)]  # a white that differs in digit five
    assert FROZEN["ciede2000"] == pytest.approx(color.deltaE_ciede2000(*theirs).mean(), rel=1e-3)
    square = np.mean([(s - t)[..., 1:] ** 2 for s, t in [theirs]])
    assert FROZEN["psnr_ab"] == pytest.approx(10 * math.log10(255**2 / square), rel=1e-4)
    for k, channel in ((1, "a"), (2, "b")):
        spread, mean = ([f(x[..., k]) for x in theirs] for f in (np.std, np.mean))
        assert FROZEN[f"sd_{channel}"] == pytest.approx(spread[0] / spread[1], rel=1e-4)
        assert FROZEN[f"cast_{channel}"] == pytest.approx(mean[0] - mean[1], rel=1e-3)


def test_stored_values_against_their_definitions() -> None:
    """Pixel by pixel, as docs/evaluation.md says it."""
    shown, truth = pair()
    cf, cf_abs = [], []
    for rgb in (shown, truth):
        red, green, blue = (rgb[..., k].ravel().tolist() for k in range(3))
        rg = [r - g for r, g in zip(red, green, strict=True)]
        yb = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
        for found, pairs in ((cf, (rg, yb)), (cf_abs, ([*map(abs, rg)], [*map(abs, yb)]))):
            n = len(rg)
            means = [sum(p) / n for p in pairs]
            spreads = [sum((v - m) ** 2 for v in p) / n for p, m in zip(pairs, means, strict=True)]
            found.append(math.sqrt(sum(spreads)) + 0.3 * math.hypot(*means))
    assert FROZEN["colourfulness"] == pytest.approx(cf[0], rel=1e-9)
    assert FROZEN["colourfulness_ratio"] == pytest.approx(cf[0] / cf[1], rel=1e-9)
    assert FROZEN["colourfulness_gap"] == pytest.approx(abs(cf[0] - cf[1]), rel=1e-9)
    assert FROZEN["colourfulness_shift"] == pytest.approx(cf[0] - cf[1], rel=1e-9)
    assert FROZEN["cf_abs"] == pytest.approx(cf_abs[0], rel=1e-9)

    views = View(shown), View(truth)
    reds = found = skin = blue = 0
    browns = [0, 0]
    score = weight = rare_score = rare_weight = 0.0
    rare = rarity(views[1].ab, PRIOR).ravel()
    pixels = zip(*(view.lab.reshape(-1, 3).tolist() for view in views), rare, strict=True)
    for (_, *seen), (L, *true), w in pixels:
        (c, h), (C, H) = (
            (math.hypot(*ab), math.degrees(math.atan2(*ab[::-1]))) for ab in (seen, true)
        )
        if 0 <= H < 45 and C >= 30:
            reds += 1
            found += -15 <= h < 60 and c >= C / 2
        if 30 <= L < 85 and 25 <= H < 75 and 10 <= C < 40:
            skin += 1
            blue += 200 <= h % 360 < 300 and c >= 8
        for k, (chroma, hue) in enumerate(((c, h), (C, H))):
            browns[k] += 45 <= hue < 85 and 8 <= chroma < 40
        near = max(0, 1 - math.dist(seen, true) / 150)
        score, weight = score + near, weight + 1
        rare_score, rare_weight = rare_score + w * near, rare_weight + w
    assert FROZEN["reds"] == pytest.approx(found / reds, rel=1e-9)
    assert FROZEN["skin_blue"] == pytest.approx(blue / skin, rel=1e-9)
    assert FROZEN["browns"] == pytest.approx(browns[0] / browns[1], rel=1e-9)
    assert FROZEN["auc"] == pytest.approx(100 * score / weight, rel=1e-9)
    assert FROZEN["auc_rebalanced"] == pytest.approx(100 * rare_score / rare_weight, rel=1e-9)


@pytest.mark.parametrize("sign", [-1, 1])
def test_no_stored_value_hangs_on_rounding(sign: int) -> None:
    """They stay when Lab moves by far more than processors differ: no pixel is at a border."""
    shown, truth = (View(rgb) for rgb in pair())
    for view in (shown, truth):
        view.__dict__["lab"] = view.lab + sign * 1e-10 * np.array((1, -1, 1))
    for name, (numerator, weight) in numbers_of(shown, truth, CONTEXT).items():
        assert numerator / weight == pytest.approx(FROZEN[name], rel=1e-8), name
