"""The columns of a report: what each is called, what it means, and its two sums for a picture.

A column's value over a set is the sum of its numerators by the sum of its weights, whether that is
a mean over the pictures (weight 1) or a share of two sums. It is infinite where a numerator is, and
has no meaning where the weights add up to 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from kolorit.colour.bins import BINS
from kolorit.evaluate import colours, fidelity
from kolorit.evaluate.view import View

Terms = tuple[float, float]  # numerator, weight
_FLAT = 1e-6  # ab units: standard deviations below are rounding


@dataclass(frozen=True, eq=False)
class Context:
    """What a judgement needs besides the two pictures. Raises ValueError for another shape.

    prior (313,): share of each ab bin in the training pictures, above 0; for the rebalanced AuC.
    """

    prior: np.ndarray

    def __post_init__(self) -> None:
        if self.prior.shape != (len(BINS),) or not self.prior.min() > 0:
            raise ValueError(f"expected {len(BINS)} shares above 0, got {self.prior.shape}")


@dataclass(frozen=True)
class Words:
    """What a report says of a column.

    counted: whether the value is one number of the whole set that hangs on how many pictures it
    has: it is shown with that count, has no interval, and no system is called best by it.
    """

    head: str  # short
    unit: str  # empty for a share or a plain number
    best: Literal["high", "low", "truth"] | float  # "truth": nearest to the truth's own row
    meaning: str  # one sentence, with the exact definition
    counted: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Column(Words):
    """One column of a report, and how it is computed from a picture."""

    terms: Callable[[View, View, Context], Terms]  # of the shown picture, its truth


def numbers_of(shown: View, truth: View, context: Context) -> dict[str, Terms]:
    """(numerator, weight) of each column for one picture.

    Raises ValueError where the two differ in size, or have a side of less than 11 pixels.
    """
    return {name: column.terms(shown, truth, context) for name, column in COLUMNS.items()}


def _auc(shown: View, truth: View, _: Context) -> Terms:
    score, weight = fidelity.auc_terms(shown=shown.ab, truth=truth.ab)
    return 100 * score, weight


def _auc_rebalanced(shown: View, truth: View, context: Context) -> Terms:
    rare = fidelity.rarity(truth.ab, context.prior)
    score, weight = fidelity.auc_terms(shown=shown.ab, truth=truth.ab, weight=rare)
    return 100 * score, weight


def _deviation(channel: int) -> Callable[[View, View, Context], Terms]:
    return lambda shown, truth, _: (_spread(shown, channel), _spread(truth, channel))


def _spread(view: View, channel: int) -> float:
    """0 for one colour all over, whose mean is rounded and so leaves a little."""
    spread = float(view.ab[..., channel].std())
    return spread if spread >= _FLAT else 0.0


def _cast(channel: int) -> Callable[[View, View, Context], Terms]:
    return lambda shown, truth, _: (
        float(shown.ab[..., channel].mean() - truth.ab[..., channel].mean()),
        1.0,
    )


def _hue_distance(shown: View, truth: View, _: Context) -> Terms:
    seen, true = colours.hue_histogram(shown.ab), colours.hue_histogram(truth.ab)
    mass = float(true.sum()) / truth.chroma.size
    return mass * colours.hue_distance(shown=seen, truth=true), mass


COLUMNS: dict[str, Column] = {
    "psnr": Column(
        "PSNR",
        "dB",
        "high",
        "Peak signal-to-noise ratio over all pixels and R, G, B, peak 255: mean over the pictures, "
        "infinite if one of them equals its truth.",
        lambda s, t, _: (fidelity.psnr(shown=s.rgb, truth=t.rgb), 1.0),
    ),
    "psnr_ab": Column(
        "PSNR of ab",
        "dB",
        "high",
        "10 log10(255² / mean squared error) over a and b of Lab: mean over the pictures.",
        lambda s, t, _: (fidelity.psnr_ab(shown=s.ab, truth=t.ab), 1.0),
    ),
    "ssim": Column(
        "SSIM",
        "",
        "high",
        "Structural similarity of Wang et al. (2004) per channel R, G, B, range 255, Gaussian "
        "windows of 11 × 11 with sigma 1.5 that lie wholly inside: mean over windows, channels and "
        "pictures.",
        lambda s, t, _: (fidelity.ssim(shown=s.rgb, truth=t.rgb), 1.0),
    ),
    "ciede2000": Column(
        "CIEDE2000",
        "",
        "low",
        "Mean colour difference CIEDE2000 over the pixels: mean over the pictures.",
        lambda s, t, _: (fidelity.mean_difference(shown=s.lab, truth=t.lab), 1.0),
    ),
    "auc": Column(
        "AuC",
        "%",
        "high",
        "Area under the share of pixels whose ab is within t of the truth, t from 0 to 150, that "
        "is the mean of max(0, 1 - distance / 150) over all pixels of the set.",
        _auc,
    ),
    "auc_rebalanced": Column(
        "AuC rebalanced",
        "%",
        "high",
        "The AuC with each pixel weighed by 1 / (share of the nearest of the 313 ab bins to its "
        "true colour in the training pictures), over all pixels of the set.",
        _auc_rebalanced,
    ),
    "colourfulness": Column(
        "colourfulness",
        "",
        "truth",
        "Colourfulness of Hasler and Suesstrunk (2003), with signed differences, of the shown "
        "pictures: mean.",
        lambda s, t, _: (s.colourfulness, 1.0),
    ),
    "colourfulness_ratio": Column(
        "of truth's",
        "",
        1.0,
        "Sum of the shown pictures' colourfulness by the sum of the truths'.",
        lambda s, t, _: (s.colourfulness, t.colourfulness),
    ),
    "colourfulness_gap": Column(
        "gap",
        "",
        "low",
        "|colourfulness shown - colourfulness of the truth| of each picture: mean.",
        lambda s, t, _: (abs(s.colourfulness - t.colourfulness), 1.0),
    ),
    "colourfulness_shift": Column(
        "shift",
        "",
        0.0,
        "Colourfulness shown - colourfulness of the truth: mean, in which too pale and too vivid "
        "pictures cancel.",
        lambda s, t, _: (s.colourfulness - t.colourfulness, 1.0),
    ),
    "cf_abs": Column(
        "cf_abs",
        "",
        "truth",
        "Colourfulness with absolute values of both differences, as several published tables have "
        "it, of the shown pictures: mean.",
        lambda s, t, _: (colours.colourfulness_absolute(s.rgb), 1.0),
    ),
    "sd_a": Column(
        "sd of a",
        "",
        1.0,
        "Sum of the standard deviations of a within each shown picture by the truths' sum.",
        _deviation(0),
    ),
    "sd_b": Column(
        "sd of b",
        "",
        1.0,
        "Sum of the standard deviations of b within each shown picture by the truths' sum.",
        _deviation(1),
    ),
    "cast_a": Column(
        "cast in a",
        "ab units",
        0.0,
        "Mean of a shown - mean of the true a, red above 0 and green below: mean over the "
        "pictures.",
        _cast(0),
    ),
    "cast_b": Column(
        "cast in b",
        "ab units",
        0.0,
        "Mean of b shown - mean of the true b, yellow above 0 and blue below: mean over the "
        "pictures.",
        _cast(1),
    ),
    "hue_distance": Column(
        "hue distance",
        "",
        "low",
        "Half of the L1 distance of shown and true hue histogram (36 bins, weighed by chroma, "
        "pixels of chroma 5 or more), 1 without colour: mean weighed by the true histogram's mass "
        "per pixel.",
        _hue_distance,
    ),
    "reds": Column(
        "reds",
        "",
        "high",
        "Share of the red pixels (true hue 0 to 45°, true chroma 30 or more) shown with a hue of "
        "-15 to 60° and at least half of their chroma, over all pixels of the set.",
        lambda s, t, _: colours.red_terms(shown=s.ab, truth=t.ab),
    ),
    "browns": Column(
        "browns",
        "",
        1.0,
        "Share of brown pixels (hue 45 to 85°, chroma 8 to 40) of the shown pictures, summed, by "
        "the truths' sum.",
        lambda s, t, _: (colours.brown_share(s.ab), colours.brown_share(t.ab)),
    ),
    "skin_blue": Column(
        "blue on skin",
        "",
        "low",
        "Share of the skin-like pixels (true L 30 to 85, hue 25 to 75°, chroma 10 to 40, which "
        "wood and sand have too) shown blue (hue 200 to 300°, chroma 8 or more), over the set.",
        lambda s, t, _: colours.skin_blue_terms(shown=s.lab, truth=t.lab),
    ),
    "bleed": Column(
        "bleed",
        "",
        "truth",
        "Share of the colour step from 8 px before the truth's clean colour edges to 8 px behind "
        "that lies more than 2 px from them, over all edges of the set; no meaning without colour.",
        lambda s, t, _: colours.bleed_terms(shown=s.ab, truth=t.ab),
    ),
    "clipped": Column(
        "clipped",
        "",
        "low",
        "Share of the pixels with a channel at 0 or 255 though their luma byte is at neither: mean "
        "over the pictures.",
        lambda s, t, _: (colours.clipped_share(s.rgb), 1.0),
    ),
}
