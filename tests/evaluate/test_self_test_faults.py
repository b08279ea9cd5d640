"""evaluate/self_test: a judge with a fault fails the row of that fault; each row has one here.

The faults are those of public programs, put into the judge's own functions.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from kolorit.colour.lab import lab_to_rgb
from kolorit.colour.luma import luma, rgb_to_ycbcr
from kolorit.evaluate import colours as judged_colours
from kolorit.evaluate import columns, fidelity, intervals, judge, self_test, sets, summary, systems
from kolorit.evaluate import view as views
from kolorit.evaluate.deep import kinds, statistics
from kolorit.evaluate.deep import weights as weight_files
from kolorit.evaluate.self_test import (
    colours,
    features,
    files,
    frozen,
    judging,
    keep_luma,
    leak,
    pixels,
    trial,
)
from kolorit.evaluate.self_test.finding import Finding, Material, saturated
from kolorit.evaluate.self_test.scenes import made_up, pair
from kolorit.picture.picture import Picture, from_luma
from kolorit.picture.rgb import decode_rgb, encode_rgb

Patch = pytest.MonkeyPatch
PICTURES = tuple(made_up()[:4])


@pytest.fixture
def material() -> Material:
    return Material(PICTURES, keep_luma)


# PSNR, SSIM and what is truth


def peak(square: float) -> float:
    return 10 * math.log10(255**2 / square) if square else math.inf


def squares(shown: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean((shown.astype(float) - truth) ** 2))


def in_bytes(*, shown: np.ndarray, truth: np.ndarray) -> float:
    return peak(float(((shown - truth) ** 2).mean()))


def with_a_cap(*, shown: np.ndarray, truth: np.ndarray) -> float:
    return peak(max(squares(shown, truth), 0.65))


def of_luma(*, shown: np.ndarray, truth: np.ndarray) -> float:
    return peak(squares(255 * luma(shown / 255.0), 255 * luma(truth / 255.0)))


def of_the_middle(*, shown: np.ndarray, truth: np.ndarray) -> float:
    return peak(squares(shown[4:-4, 4:-4], truth[4:-4, 4:-4]))


def through_lab(*, shown: np.ndarray, truth: np.ndarray) -> float:
    def stored(rgb: np.ndarray) -> np.ndarray:
        return np.round(views.lab_of(rgb) * (2.55, 1, 1))

    return peak(squares(stored(shown), stored(truth)))


def by_place(shown: np.ndarray, truth: np.ndarray) -> float:
    return peak(squares(shown, truth))


def unchecked(**_: object) -> None:
    pass


def of_225(patch: Patch) -> None:
    patch.setattr(fidelity, "_C1", (0.01 * 225) ** 2)
    patch.setattr(fidelity, "_C2", (0.03 * 225) ** 2)


def psnr_is(fault: Callable[..., float]) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(fidelity, "psnr", fault)


# Colours


def absolute(rgb: np.ndarray) -> float:
    return judged_colours.colourfulness_absolute(np.asarray(rgb))


def grey_of_lightness(rgb: np.ndarray) -> Picture:
    grey = (views.lab_of(rgb)[..., 0] + 16) / 116
    linear = np.where(grey > 6 / 29, grey**3, (grey - 4 / 29) * 108 / 841)
    encoded = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return from_luma(np.round(255 * np.clip(encoded, 0, 1)).astype(np.uint8))


def gap_is_shift(patch: Patch) -> None:
    shift = columns.COLUMNS["colourfulness_shift"]
    patch.setitem(columns.COLUMNS, "colourfulness_gap", shift)


def cut_off(picture: Picture, L: np.ndarray, ab: np.ndarray) -> Picture:
    rgb = np.clip(lab_to_rgb(np.stack([L, *ab], -1)), 0, 1)
    ycc = np.round(255 * rgb_to_ycbcr(rgb) + (0, 128, 128)).clip(0, 255).astype(np.uint8)
    return replace(picture, luma=ycc[..., 0].copy(), chroma=ycc[..., 1:].transpose(2, 0, 1).copy())


# Files


def saturating(path: Path, short_side: int) -> np.ndarray:
    return saturated(sets.resize_rgb(decode_rgb(path), _size(path, short_side)), 1.2)


def _size(path: Path, short_side: int) -> tuple[int, int]:
    height, width = decode_rgb(path).shape[:2]
    scale = short_side / min(height, width)
    return round(height * scale), round(width * scale)


def lossy(path: Path) -> np.ndarray:
    return decode_rgb(encode_rgb(decode_rgb(path), "JPEG", 75))


def sampled(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    image = Image.fromarray(rgb).resize(size[::-1], Image.Resampling.NEAREST)
    return np.asarray(image)


def by_prefix(row: str, folder: Path) -> systems.System:
    """Pairs by the start of a name, and stretches whatever comes."""

    def colour(stem: str, grey: Picture) -> systems.Coloured:
        found = min(folder.glob(stem.split(".")[0] + "*"))
        return systems.Coloured(sampled(decode_rgb(found), grey.luma.shape))

    return systems.System(row, colour)


def last_listed(folder: Path) -> list[sets.Photograph]:
    found = {path.stem: path for path in sorted(folder.iterdir())}
    return [sets.Photograph(stem, path) for stem, path in found.items()]


# Sets


def interval_of(change: Callable[[np.ndarray], float]) -> Callable[[Patch], None]:
    """A summary whose mean over pictures is another one, for columns of weight 1."""
    right = intervals.interval

    def wrong(values: np.ndarray, weights: Any = None, **options: Any) -> tuple[float, ...]:
        if weights is not None and not (np.asarray(weights) == 1).all():
            return right(values, weights, **options)
        return (change(np.asarray(values)),) * 3

    return lambda patch: patch.setattr(summary, "interval", wrong)


def without_the_best(values: np.ndarray) -> float:
    return float(np.sort(values)[:-1].mean())


def full_batches(values: np.ndarray) -> float:
    return float(values[: len(values) // 4 * 4].mean())


def of_mean_error(values: np.ndarray) -> float:
    return float(-10 * np.log10((10 ** (-values / 10)).mean()))


def failures_are(change: Callable[..., Any]) -> Callable[[Patch], None]:
    right = judge.answer

    def wrong(*asked: Any) -> Any:
        return change(*right(*asked))

    return lambda patch: patch.setattr(judge, "answer", wrong)


def unnamed(answers: Any, failed: Any) -> Any:
    return answers, []


def black(answers: Any, failed: Any) -> Any:
    for row, _ in failed:
        answers[row] = systems.Coloured(np.zeros_like(answers[row].rgb))
    return answers, failed


def no_baselines(answers: Any, failed: Any) -> Any:
    return {row: a for row, a in answers.items() if row != judge.TINT}, failed


def in_silence(patch: Patch) -> None:
    right = judge.judge
    patch.setattr(judge, "judge", lambda *asked: replace(right(*asked), left_out=()))


def no_colour_below(chroma: float) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(judge, "NO_COLOUR", chroma)


def of_others(patch: Patch) -> None:
    patch.setattr(
        summary, "frechet", lambda shown, truth: statistics.frechet(shown[::2], truth[1::2])
    )


def by_worker(patch: Patch) -> None:
    """A second judging whose numbers hang on how the work was shared out."""
    right = judge.judge

    def wrong(photo_set: Any, make: Any, jobs: int = 1) -> judge.Judgement:
        found = right(photo_set, make, 1)
        if jobs > 1:
            terms = found.verdicts[-1].terms[judge.GREY]
            terms["psnr"] = (terms["psnr"][0] + 1e-12, 1.0)
        return found

    patch.setattr(judge, "judge", wrong)


def leaking(patch: Patch) -> None:
    right = judge.grey_of

    def wrong(rgb: np.ndarray) -> Picture:
        planes = np.round(255 * rgb_to_ycbcr(rgb / 255.0) + (0, 128, 128)).clip(0, 255)
        chroma = planes[..., 1:].astype(np.uint8).transpose(2, 0, 1)
        return replace(right(rgb), chroma=np.ascontiguousarray(chroma))

    patch.setattr(judge, "grey_of", wrong)


def unseeded(patch: Patch) -> None:
    def wrong(
        statistic: Callable[[np.ndarray], np.ndarray], count: int, **_: object
    ) -> tuple[float, float, float]:
        low, high = np.percentile(statistic(np.random.randint(0, count, (100, count))), [2.5, 97.5])
        return float(statistic(np.arange(count)[None])[0]), float(low), float(high)

    patch.setattr(intervals, "interval_of", wrong)


# Deep features


def by_count(first: np.ndarray, second: np.ndarray) -> float:
    """For one feature."""
    return float((first.mean() - second.mean()) ** 2 + (first.std() - second.std()) ** 2)


def squeezed_input(low: float, high: float) -> Callable[[Patch], None]:
    """Metrics that squeeze the range once more, inside."""

    def narrow(rgb: np.ndarray) -> np.ndarray:
        return np.round(low + rgb * ((high - low) / 255)).astype(np.uint8)

    def patch_it(patch: Patch) -> None:
        right = features.deep.load_deep

        def wrong(names: tuple[str, ...], **options: Any) -> Any:
            (metric,), missing = right(names, **options)
            if isinstance(metric, kinds.Embedding):
                return [replace(metric, place=lambda x: metric.place(narrow(x)))], missing
            inside = metric.measure
            return [replace(metric, measure=lambda x, y: inside(narrow(x), narrow(y)))], missing

        patch.setattr(features.deep, "load_deep", wrong)

    return patch_it


def any_bytes(patch: Patch) -> None:
    patch.setattr(weight_files, "read_published", lambda path: {})


def all_are_fid(patch: Patch) -> None:
    patch.setattr(features, "set_columns", lambda name: ("fid", "kid"))


# The rows, each with its fault


def attribute(where: object, name: str, fault: object) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(where, name, fault)


FAULTS: list[tuple[Callable[..., Finding], Callable[[Patch], None]]] = [
    (frozen.stored_pair, attribute(judged_colours, "brown_share", lambda ab: 0.25)),
    (frozen.stored_pair, attribute(frozen, "pair", lambda: [rgb ^ np.uint8(1) for rgb in pair()])),
    (pixels.identical, psnr_is(with_a_cap)),
    (pixels.identical, attribute(judged_colours, "red_terms", lambda **_: (1.0, 2.0))),
    (pixels.extremes, psnr_is(in_bytes)),
    (pixels.wrapped, psnr_is(in_bytes)),
    (pixels.luma_only, psnr_is(of_luma)),
    (pixels.cropped, psnr_is(of_the_middle)),
    (pixels.round_trip, psnr_is(through_lab)),
    (pixels.ssim_range, of_225),
    (pixels.swapped, psnr_is(by_place)),
    (pixels.two_sizes, attribute(fidelity, "check_pair", unchecked)),
    (pixels.other_range, attribute(fidelity, "check_pair", unchecked)),
    (colours.absolute, attribute(views, "colourfulness", absolute)),
    (colours.difference_of_means, gap_is_shift),
    (colours.lightness, attribute(systems, "grey_of", grey_of_lightness)),
    (files.saturated_truth, attribute(sets, "read_truth", saturating)),
    (files.jpeg, attribute(systems, "decode_rgb", lossy)),
    (files.resizing, attribute(systems, "resize_rgb", sampled)),
    (files.proportions, attribute(systems, "folder_system", by_prefix)),
    (files.pairing, attribute(systems, "folder_system", by_prefix)),
    (files.duplicates, attribute(sets, "find_photographs", last_listed)),
    (files.same_picture, attribute(ImageOps, "exif_transpose", lambda image: image)),
    (judging.floors, failures_are(no_baselines)),
    (judging.failures, failures_are(unnamed)),
    (judging.failures, failures_are(black)),
    (judging.dropped, in_silence),
    (judging.greys_in_one_mean, interval_of(without_the_best)),
    (judging.greys_in_one_mean, no_colour_below(judge.NEAR_GREY)),
    (judging.capped, no_colour_below(-1)),
    (judging.mean_of_psnr, interval_of(of_mean_error)),
    (judging.low_chroma, no_colour_below(judge.NEAR_GREY)),
    (judging.partial_batch, interval_of(full_batches)),
    (judging.best_of_k, interval_of(without_the_best)),
    (judging.disjoint_reference, of_others),
    (judging.processes, by_worker),
    (judging.seeds, unseeded),
    (leak.leak, leaking),
    (features.known_sets, attribute(features, "frechet", by_count)),
    (features.other_input, attribute(kinds, "check_pair", unchecked)),
    (features.squeezed_twice, squeezed_input(153, 182.3)),
    (features.half_range, squeezed_input(127.5, 255)),
    (features.other_weights, any_bytes),
    (features.other_weights, all_are_fid),
]
NAMES = [f"{check.__name__}-{k}" for k, (check, _) in enumerate(FAULTS)]
NEEDS_WEIGHTS = (features.squeezed_twice, features.half_range)
NEEDS_TORCH = (*NEEDS_WEIGHTS, features.other_weights)
CHECKS = {
    *(frozen.stored_pair, features.other_weights),
    *(self_test.OF_PICTURES + self_test.OF_FILES + self_test.OF_TRIAL),
    *(self_test.OF_JUDGING + self_test.OF_FEATURES),
}


def found_by(check: Callable[..., Finding], material: Material, folder: Path) -> Finding:
    if check in self_test.OF_TRIAL:
        return check(trial.hold(material, folder, jobs=2 if check is judging.processes else 1))
    asked = {"material": material, "_material": material, "folder": folder}
    return check(**{name: asked[name] for name in inspect.signature(check).parameters})


def test_every_check_has_a_fault() -> None:
    assert {check for check, _ in FAULTS} | {colours.gamut} == CHECKS


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # infinite less infinite, by a fault
@pytest.mark.parametrize(("check", "plant"), FAULTS, ids=NAMES)
def test_a_judge_with_the_fault_fails_that_row(
    check: Callable[..., Finding],
    plant: Callable[[Patch], None],
    material: Material,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if check in NEEDS_TORCH:
        pytest.importorskip("torch")
    if check in NEEDS_WEIGHTS:
        request.getfixturevalue("weights_folder")
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        finding = found_by(check, material, tmp_path)
    assert finding.held is False
    assert str(finding).startswith(f"FAILED   {finding.trap}: ")


def test_a_merge_that_cuts_channels_off_fails_its_row(material: Material) -> None:
    assert colours.gamut(material).held
    assert colours.gamut(Material(PICTURES, cut_off)).held is False


def test_a_fault_shows_in_the_whole_run(monkeypatch: Patch) -> None:
    """Signed colourfulness by the absolute one: that row, and the stored values, by name."""
    monkeypatch.setattr(views, "colourfulness", absolute)
    monkeypatch.setattr(self_test, "OF_FILES", ())
    monkeypatch.setattr(self_test, "OF_TRIAL", ())
    monkeypatch.setattr(self_test, "OF_FEATURES", ())
    monkeypatch.setattr(self_test, "hold", lambda *_: None)
    failed = {f.trap: f.right for f in self_test.run() if f.held is False}
    assert list(failed) == ["a stored pair", "colourfulness of absolute values"]
    assert "colourfulness, " in failed["a stored pair"]
