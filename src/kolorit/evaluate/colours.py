"""Which colours a picture has, and where the truth has others.

rgb is sRGB-encoded (H,W,3) uint8; lab (H,W,3) and ab (H,W,2) are float, a and b in Lab units, hue
in degrees from +a towards +b. A range of hues or chromas holds its lower end and not its upper.
Functions named `..._terms` give two sums over the pixels: add each over a set, then divide. All
raise ValueError for pictures of another type, or of two sizes.
"""

from __future__ import annotations

import numpy as np

from kolorit.colour.colourfulness import colourfulness
from kolorit.colour.luma import luma
from kolorit.evaluate.view import check_pair

SECTORS = 36  # of the hue histogram, 10 degrees each
_COLOURED = 5.0  # chroma from which a pixel's hue counts

_NEAR, _FAR = 2, 8  # pixels from an edge, for the bleed
_STEP = 20.0  # ab units: the least colour step of an edge
_STEADY = (0.75, 1.5)  # the step from far, as a share of the step from near
_TURN = 0.5  # cosine of the largest angle between the two
_FAINT = 0.05  # share of the truth's steps below which a picture has none of its own


def colourfulness_absolute(rgb: np.ndarray) -> float:
    """Colourfulness with |R - G| and |(R + G) / 2 - B|, 0..255, as several public programs have it.

    No measure of Hasler and Suesstrunk, whose differences are signed (colour/colourfulness.py);
    on photographs a tenth lower. It is here so that published numbers can be met.
    """
    check_pair(shown=rgb, truth=rgb, channels=3, kind=np.uint8)
    red, green, blue = np.moveaxis(rgb.astype(np.float64), -1, 0)
    rg, yb = np.abs(red - green), np.abs((red + green) / 2 - blue)
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def colourfulness_ratio(*, shown: np.ndarray, truth: np.ndarray) -> float:
    """Colourfulness (Hasler and Suesstrunk, signed) of a picture as a share of the truth's."""
    return float(colourfulness(shown) / max(colourfulness(truth), 1e-9))


def hue_histogram(ab: np.ndarray) -> np.ndarray:
    """(36,) sums of the chroma of the pixels in each 10 degrees of hue, from 0.

    Pixels of chroma 5 or more only: below, the hue is mostly rounding. Not normalised.
    """
    check_pair(shown=ab, truth=ab, channels=2)
    chroma = _chroma(ab)
    counted = chroma >= _COLOURED
    sector = (_hue(ab[counted]) * SECTORS / 360).astype(np.intp) % SECTORS  # (N,); 360 is 0
    return np.asarray(np.bincount(sector, weights=chroma[counted], minlength=SECTORS))


def hue_distance(*, shown: np.ndarray, truth: np.ndarray) -> float:
    """Half of the L1 distance of two `hue_histogram`s (36,), each normalised: 0 alike, 1 disjoint.

    1 where only one of them has colour, 0 where neither has.
    """
    if shown.shape != (SECTORS,) or truth.shape != (SECTORS,):
        raise ValueError(f"expected histograms ({SECTORS},), got {shown.shape}, {truth.shape}")
    masses = float(shown.sum()), float(truth.sum())
    if min(masses) <= 0:
        return float(max(masses) > 0)
    return float(np.abs(shown / masses[0] - truth / masses[1]).sum() / 2)


def red_terms(*, shown: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """(red pixels found, red pixels) of ab pictures.

    Red: true chroma 30 or more, true hue 0 to 45 degrees. Found: shown with at least half of that
    chroma and a hue of -15 to 60 degrees.
    """
    check_pair(shown=shown, truth=truth, channels=2)
    chroma = _chroma(truth)
    red = _hue_within(truth, 0, 45) & (chroma >= 30)
    found = red & _hue_within(shown, -15, 60) & (_chroma(shown) >= chroma / 2)
    return float(found.sum()), float(red.sum())


def brown_share(ab: np.ndarray) -> float:
    """Share of the pixels of an ab picture with hue 45 to 85 degrees and chroma 8 to 40."""
    check_pair(shown=ab, truth=ab, channels=2)
    return float((_hue_within(ab, 45, 85) & _within(_chroma(ab), 8, 40)).mean())


def skin_blue_terms(*, shown: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """(skin-like pixels shown blue, skin-like pixels) of lab pictures.

    Skin-like: true L 30 to 85, true hue 25 to 75 degrees, true chroma 10 to 40. A coarse stand-in
    for skin, which holds much wood and sand too. Blue: shown hue 200 to 300 degrees, shown chroma
    8 or more.
    """
    check_pair(shown=shown, truth=truth, channels=3)
    ab, seen = truth[..., 1:], shown[..., 1:]
    skin = _within(truth[..., 0], 30, 85) & _hue_within(ab, 25, 75) & _within(_chroma(ab), 10, 40)
    blue = skin & _hue_within(seen, 200, 300) & (_chroma(seen) >= 8)
    return float(blue.sum()), float(skin.sum())


def bleed_terms(*, shown: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """(colour step outside of 4 px around the truth's edges, colour step) of ab pictures.

    Edges: places p in rows and columns where the true ab(p + 2) - ab(p - 2) is 20 or longer, and
    ab(p + 8) - ab(p - 8) is 0.75 to 1.5 times as long and less than 60 degrees from it. Both steps
    of the shown picture are measured along the latter's direction: the second term is the sum of
    its far steps, the first the sum of far minus near. Their quotient does not change when all
    chroma is scaled, grows when colours are blurred, and is negative where they overshoot; the
    truth has one of its own, which is the one to compare with.
    (0, 0), no meaning, where the far steps add up to less than 5 % of the truth's: without
    colour, or with steps the wrong way round as often as not, there is nothing to place.
    """
    check_pair(shown=shown, truth=truth, channels=2)
    outside = step = true_step = 0.0
    for axis in (0, 1):
        near, far = _step_over(truth, _NEAR, axis), _step_over(truth, _FAR, axis)  # (h,w,2)
        edge = _chroma(near) >= _STEP  # (h,w)
        length, from_far = _chroma(near[edge]), _chroma(far[edge])  # (N,)
        clean = _within(from_far, _STEADY[0] * length, _STEADY[1] * length)
        clean &= (near[edge] * far[edge]).sum(-1) > _TURN * length * from_far
        edge[edge] = clean
        along = far[edge] / from_far[clean][:, None]  # (N,2), of length 1
        seen_near = (_step_over(shown, _NEAR, axis)[edge] * along).sum(-1)  # (N,)
        seen_far = (_step_over(shown, _FAR, axis)[edge] * along).sum(-1)
        outside += float((seen_far - seen_near).sum())
        step += float(seen_far.sum())
        true_step += float(from_far[clean].sum())
    return (outside, step) if step > _FAINT * true_step else (0.0, 0.0)


def clipped_share(rgb: np.ndarray) -> float:
    """Share of the pixels with a channel at 0 or 255 though their luma, as a byte, is at neither.

    There a colour was cut off, or reaches the border of sRGB just so. Luma: BT.601, colour/luma.py.
    """
    check_pair(shown=rgb, truth=rgb, channels=3, kind=np.uint8)
    ends = ((rgb == 0) | (rgb == 255)).any(-1)  # (H,W)
    grey = np.round(255 * luma(rgb[ends] / 255.0))  # (N,)
    return float(((grey > 0) & (grey < 255)).sum() / ends.size)


def _step_over(ab: np.ndarray, reach: int, axis: int) -> np.ndarray:
    """ab(p + reach) - ab(p - reach) for all p that are _FAR from both ends of the axis."""
    ab = np.moveaxis(ab, axis, 0)  # (n,m,2)
    count = max(len(ab) - 2 * _FAR, 0)
    start, stop = _FAR - reach, _FAR + reach
    return np.asarray(ab[stop : stop + count].astype(np.float64) - ab[start : start + count])


def _chroma(ab: np.ndarray) -> np.ndarray:
    a, b = np.moveaxis(ab.astype(np.float64), -1, 0)
    return np.asarray(np.sqrt(a * a + b * b))  # several times as fast as hypot


def _hue(ab: np.ndarray) -> np.ndarray:
    """Hue angle in degrees, 0 to 360."""
    hue = np.degrees(np.arctan2(ab[..., 1].astype(np.float64), ab[..., 0]))
    return np.asarray(hue + 360 * (hue < 0))


def _within(values: np.ndarray, low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
    return np.asarray((values >= low) & (values < high))


def _hue_within(ab: np.ndarray, low: float, high: float) -> np.ndarray:
    """Whether the hue lies in [low, high) degrees; low may be below 0."""
    above = _hue(ab) - low % 360  # -360 to 360
    return np.asarray(above + 360 * (above < 0) < high - low)
