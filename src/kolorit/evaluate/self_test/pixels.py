"""Traps of the measures that compare pixels: PSNR, SSIM, and which of two pictures is the truth."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from kolorit.colour.lab import lab_to_rgb
from kolorit.colour.luma import luma
from kolorit.evaluate import colours, fidelity
from kolorit.evaluate.columns import numbers_of
from kolorit.evaluate.self_test.finding import CONTEXT, Finding, Material, db, refusal, value
from kolorit.evaluate.view import View

_OF_EQUALS = {
    **dict.fromkeys(("psnr", "psnr_ab"), math.inf),
    **dict.fromkeys(("auc", "auc_rebalanced"), 100.0),
    **dict.fromkeys(("ssim", "colourfulness_ratio", "sd_a", "sd_b", "reds", "browns"), 1.0),
    **dict.fromkeys(("ciede2000", "colourfulness_gap", "colourfulness_shift"), 0.0),
    **dict.fromkeys(("cast_a", "cast_b", "hue_distance", "skin_blue"), 0.0),
}


def identical(material: Material) -> Finding:
    """Equal pictures are at the best of every column; one value off by 1 is seen."""
    truths = material.few.truths
    found = [numbers_of(View(truth.rgb.copy()), truth, CONTEXT) for truth in truths]
    amiss = []
    for name, best in _OF_EQUALS.items():
        numerator, weight = np.sum([numbers[name] for numbers in found], axis=0)
        if weight and not math.isclose(numerator / weight, best, rel_tol=1e-9, abs_tol=1e-9):
            amiss.append(f"{name} is {numerator / weight:g}")
    nearly = truths[0].rgb.copy()
    nearly[0, 0, 0] ^= 1
    off = fidelity.psnr(shown=nearly, truth=truths[0].rgb)
    return Finding(
        "identical pictures",
        "one value of one pixel is off by 1",
        ", ".join(amiss) or "PSNR infinite, CIEDE2000 0, AuC 100 %, reds and browns 1",
        db(off),
        "every column at its best, and a PSNR below infinity",
        not amiss and off < math.inf,
    )


def extremes(material: Material) -> Finding:
    """Black against white is 0 dB."""
    black = np.zeros_like(material.pictures[0])
    white = black + np.uint8(255)
    right, wrong = fidelity.psnr(shown=black, truth=white), _wrapping(black, white)
    return Finding(
        "0 against 255",
        "differences of bytes wrap round: 0 - 255 is 1",
        db(right),
        db(wrong),
        "0 dB exactly; 48.1 dB with the mistake",
        right == 0 and 48 < wrong < 48.2,
    )


def wrapped(material: Material) -> Finding:
    """Bytes that wrap round make grey better than any colorizer."""
    pairs = zip(material.greys, material.truths, strict=True)
    right = value("psnr", material.greys, material.truths)
    wrong = float(np.mean([_wrapping(grey.rgb, truth.rgb) for grey, truth in pairs]))
    return Finding(
        "squares of bytes that wrap",
        "the error of grey is squared in bytes",
        db(right),
        db(wrong),
        "at least 3 dB more (on 1,000 photographs 22.9 -> 31.1 dB)",
        wrong - right >= 3,
    )


def ssim_range(material: Material) -> Finding:
    """The range of SSIM is the pictures', and not what a library guesses."""
    few = material.few
    pairs = zip(few.greys, few.truths, strict=True)
    right = value("ssim", few.greys, few.truths)
    whole, less, double = np.mean(
        [_ssim(g.rgb, t.rgb, (255, 225, 510)) for g, t in pairs], axis=0
    ).tolist()
    return Finding(
        "range of SSIM",
        "225 in place of 255; 2 for values from 0 to 1",
        f"{right:.4f}",
        f"{less:.4f}; {double:.4f}",
        "the first lower, the second higher (.923 -> .921; .938)",
        abs(right - whole) < 1e-9 and less < right - 1e-4 and double > right + 1e-3,
    )


def cropped(material: Material) -> Finding:
    """An error at the border counts."""
    inner = [View(truth.rgb[4:-4, 4:-4]) for truth in material.truths]
    shown = []
    for truth in material.truths:
        rgb = truth.rgb ^ np.uint8(128)
        rgb[4:-4, 4:-4] = truth.rgb[4:-4, 4:-4]
        shown.append(View(rgb))
    within = [View(view.rgb[4:-4, 4:-4]) for view in shown]
    right, wrong = value("psnr", shown, material.truths), value("psnr", within, inner)
    return Finding(
        "a cropped border",
        "4 px of border are left out, which alone are wrong",
        db(right),
        db(wrong),
        "infinite in place of a number",
        right < math.inf and wrong == math.inf,
    )


def luma_only(material: Material) -> Finding:
    """PSNR of luma does not see colours."""
    right = value("psnr", material.greys, material.truths)
    errors = [
        255 * (luma(grey.rgb / 255.0) - luma(truth.rgb / 255.0))
        for grey, truth in zip(material.greys, material.truths, strict=True)
    ]
    wrong = float(np.mean([_decibels(float((error * error).mean())) for error in errors]))
    return Finding(
        "PSNR of luma alone",
        "grey is judged by its luma",
        db(right),
        db(wrong),
        "over 50 dB: nothing but rounding",
        wrong > 50 and right < wrong - 5,
    )


def round_trip(material: Material) -> Finding:
    """The truth stays as the file has it; only an answer may have been rounded in Lab."""
    shown = [View(_through_lab_bytes(truth)) for truth in material.truths]
    right, wrong = value("psnr", shown, material.truths), value("psnr", shown, shown)
    return Finding(
        "truth through bytes of Lab",
        "truth and answer are both rounded to 8 bits of Lab",
        db(right),
        db(wrong),
        "infinite in place of 45 to 57 dB (51.3 dB)",
        45 < right < 57 and wrong == math.inf,
    )


def swapped(material: Material) -> Finding:
    """What is shown and what is true have names: swapped, several numbers are silently others."""
    few = material.few
    right, wrong = (
        value("auc_rebalanced", few.greys, few.truths),
        value("auc_rebalanced", few.truths, few.greys),
    )
    view = few.truths[0]
    taken: list[tuple[Callable[..., object], np.ndarray]] = [
        *((function, view.rgb) for function in (fidelity.psnr, fidelity.ssim)),
        *((function, view.ab) for function in (fidelity.psnr_ab, fidelity.auc_terms)),
        *((function, view.lab) for function in (fidelity.mean_difference, colours.skin_blue_terms)),
        *((function, view.ab) for function in (colours.red_terms, colours.bleed_terms)),
        (colours.hue_distance, colours.hue_histogram(view.ab)),
    ]
    accepted = [f.__name__ for f, x in taken if refusal(_by_place(f, x), TypeError) is None]
    return Finding(
        "answer and truth swapped",
        "AuC rebalanced of grey with the two swapped",
        f"accepted without names: {', '.join(accepted)}"
        if accepted
        else f"{right:.1f} %, refused without names",
        f"{wrong:.1f} %",
        "another number, which cannot come about: both go by keyword",
        not accepted and abs(right - wrong) > 1,
    )


def two_sizes(material: Material) -> Finding:
    """numpy stretches one pixel over a picture; the judge does not."""
    truth = material.pictures[0]
    dot = truth[:1, :1]
    right = refusal(lambda: fidelity.psnr(shown=dot, truth=truth), ValueError)
    error = dot.astype(np.float64) - truth
    return Finding(
        "two sizes",
        "an answer of one pixel is compared with a photograph",
        right or "accepted",
        db(_decibels(float((error * error).mean()))),
        "refused",
        right is not None,
    )


def other_range(material: Material) -> Finding:
    """Floats from 0 to 1 under a peak of 255 would be 48 dB better."""
    grey, truth = material.greys[0].rgb, material.pictures[0]
    right = refusal(lambda: fidelity.psnr(shown=grey / 255.0, truth=truth / 255.0), ValueError)
    error = grey / 255.0 - truth / 255.0
    return Finding(
        "values from 0 to 1",
        "grey is judged as floats from 0 to 1 under a peak of 255",
        right or "accepted",
        db(_decibels(float((error * error).mean()))),
        "refused",
        right is not None,
    )


def _by_place(function: Callable[..., object], picture: np.ndarray) -> Callable[[], object]:
    return lambda: function(picture, picture)


def _decibels(square: float) -> float:
    return 10 * math.log10(255**2 / square) if square else math.inf


def _wrapping(shown: np.ndarray, truth: np.ndarray) -> float:
    error = shown - truth  # bytes
    return _decibels(float((error * error).mean()))


def _ssim(shown: np.ndarray, truth: np.ndarray, ranges: tuple[int, ...]) -> list[float]:
    """Of one picture, with each range, as the judge's is defined."""
    bell = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    bell /= bell.sum()

    def mean(plane: np.ndarray) -> np.ndarray:
        for axis in (0, 1):
            plane = np.einsum("...k,k->...", sliding_window_view(plane, 11, axis), bell)
        return plane

    x, y = shown.astype(np.float64), truth.astype(np.float64)
    mx, my = mean(x), mean(y)
    xx, yy, xy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    found = []
    for span in ranges:
        C1, C2 = (0.01 * span) ** 2, (0.03 * span) ** 2
        likeness = (2 * mx * my + C1) * (2 * xy + C2) / ((mx * mx + my * my + C1) * (xx + yy + C2))
        found.append(float(likeness.mean()))
    return found


def _through_lab_bytes(view: View) -> np.ndarray:
    """rgb (H,W,3) uint8 after L, a and b were bytes: L of 0..255, a and b about 128."""
    stored = np.clip(np.round(view.lab * (2.55, 1, 1) + (0, 128, 128)), 0, 255)
    rgb = lab_to_rgb((stored - (0, 128, 128)) / (2.55, 1, 1))
    return np.round(255 * np.clip(rgb, 0, 1)).astype(np.uint8)
