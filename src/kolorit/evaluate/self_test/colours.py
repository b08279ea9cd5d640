"""Traps of the measures of colour, and of what is done to colours before they are measured."""

from __future__ import annotations

import math

import numpy as np

from kolorit.colour.lab import lab_to_rgb
from kolorit.colour.luma import luma, rgb_to_ycbcr
from kolorit.evaluate import systems
from kolorit.evaluate.self_test.finding import Finding, Material, db, saturated, value
from kolorit.evaluate.view import View
from kolorit.picture.picture import from_luma, to_rgb


def absolute(material: Material) -> Finding:
    """Colourfulness is of signed differences."""
    truths = material.truths
    right, beside = value("colourfulness", truths, truths), value("cf_abs", truths, truths)
    wrong = float(np.mean([_absolute(rgb) for rgb in material.pictures]))
    return Finding(
        "colourfulness of absolute values",
        "R - G and (R + G) / 2 - B lose their signs",
        f"{right:.1f}",
        f"{wrong:.1f}",
        "0.6 to 0.99 of it, and the same as cf_abs (39.84 -> 36.70: 0.92)",
        0.6 < wrong / right < 0.99 and math.isclose(wrong, beside, rel_tol=1e-9),
    )


def difference_of_means(material: Material) -> Finding:
    """Too pale and too vivid pictures cancel in a difference of means."""
    ranked = sorted(material.truths, key=lambda truth: truth.colourfulness)
    shown = [View(saturated(t.rgb, (0.35, 1.15)[k % 2])) for k, t in enumerate(ranked)]
    right = value("colourfulness_gap", shown, ranked)
    wrong = abs(value("colourfulness", shown, ranked) - value("colourfulness", ranked, ranked))
    beside = abs(value("colourfulness_shift", shown, ranked))
    return Finding(
        "difference of mean colourfulness",
        "pictures too pale and too vivid by turns are judged by the means",
        f"{right:.1f}",
        f"{wrong:.1f}",
        "0.8 of it or less, and the same as the shift (18.1 -> 12.7)",
        wrong < 0.8 * right and math.isclose(wrong, beside, rel_tol=1e-6, abs_tol=1e-9),
    )


def lightness(material: Material) -> Finding:
    """The grey picture is the luma that a file holds, so true chroma on it is the photograph."""
    on_luma, on_lightness = [], []
    for truth in material.truths:
        grey = systems.grey_of(truth.rgb)
        cbcr = np.round(255 * rgb_to_ycbcr(truth.rgb / 255.0)[..., 1:] + 128)  # (H,W,2)
        planes = np.clip(cbcr, 0, 255).astype(np.uint8).transpose(2, 0, 1)
        on_luma.append(View(np.asarray(to_rgb(from_luma(grey.luma, planes)))))
        L = View(np.asarray(to_rgb(grey))).lab[..., :1]
        on_lightness.append(View(_bytes(lab_to_rgb(np.concatenate([L, truth.ab], -1)))))
    right, wrong = (value("psnr", shown, material.truths) for shown in (on_luma, on_lightness))
    return Finding(
        "lightness from luma",
        "true a and b are put on the L* that the luma has as a grey",
        db(right),
        db(wrong),
        "3 dB less or more, since luma is not lightness (41.8 dB, at worst 19.8)",
        right > 45 and wrong < right - 3,
    )


def gamut(material: Material) -> Finding:
    """Colours out of gamut lose chroma, not their grey values."""
    kept, cut = [], []
    for truth in material.truths:
        grey = systems.grey_of(truth.rgb)
        shown = systems.paint_on(grey, 1.5 * truth.ab, material.put)
        kept.append(255 * luma(shown / 255.0) - grey.luma)
        far = lab_to_rgb(truth.lab * (1, 1.5, 1.5))
        cut.append(255 * (luma(_bytes(far) / 255.0) - luma(far)))
    (right, most), (wrong, worst) = (_drift(drifts) for drifts in (kept, cut))
    return Finding(
        "channels cut off at the gamut",
        "1.5 times the true chroma is cut off channel by channel",
        f"luma moves by {right:.2f}, at most {most:.1f} of 255",
        f"by {wrong:.2f}, at most {worst:.1f}",
        "no more than rounding; with the mistake more than 3 somewhere (L* .18, at most 5)",
        most < 1.5 and worst > 3 and wrong > right,
    )


def _absolute(rgb: np.ndarray) -> float:
    red, green, blue = np.moveaxis(rgb.astype(np.float64), -1, 0)
    rg, yb = np.abs(red - green), np.abs(0.5 * (red + green) - blue)
    spread = math.sqrt(rg.var() + yb.var())
    return spread + 0.3 * math.sqrt(rg.mean() ** 2 + yb.mean() ** 2)


def _bytes(rgb: np.ndarray) -> np.ndarray:
    """uint8 of rgb from 0 to 1; what lies outside is cut off."""
    return np.asarray(np.round(255 * np.clip(rgb, 0, 1)).astype(np.uint8))


def _drift(drifts: list[np.ndarray]) -> tuple[float, float]:
    """Mean and largest size."""
    sizes = [np.abs(drift) for drift in drifts]
    return float(np.mean([s.mean() for s in sizes])), float(max(s.max() for s in sizes))
