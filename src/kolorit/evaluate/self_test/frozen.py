"""One pair of pictures with a stored value for each column.

The values were computed once; PSNR, SSIM, CIEDE2000 and both colourfulnesses of this pair agree
with scikit-image and with their formulas written out (tests/evaluate/test_self_test.py).
"""

from __future__ import annotations

import hashlib
import math

import numpy as np

from kolorit.evaluate.columns import COLUMNS, numbers_of
from kolorit.evaluate.self_test.finding import CONTEXT, Finding
from kolorit.evaluate.self_test.scenes import pair
from kolorit.evaluate.view import View

# Of the pictures as PPM files.
SHA256 = {
    "shown": "2e409d90a32b6e9b3c0ec494acca2b15125b034e25eb8c7552927650d9868650",
    "truth": "1c9ec6f3c7d520186ae638c7944754f29768279afe0758e0cdf2839310517aa5",
}
FROZEN = {
    "psnr": 19.5573320389,
    "psnr_ab": 23.8394522903,
    "ssim": 0.843394170809,
    "ciede2000": 10.9645509589,
    "auc": 88.1294223944,
    "auc_rebalanced": 88.2428013556,
    "colourfulness": 74.1862875544,
    "colourfulness_ratio": 1.05598057539,
    "colourfulness_gap": 3.93282903129,
    "colourfulness_shift": 3.93282903129,
    "cf_abs": 61.0985269098,
    "sd_a": 0.829432714784,
    "sd_b": 1.12096465303,
    "cast_a": -0.826399487398,
    "cast_b": -3.25198132151,
    "hue_distance": 0.317768494715,
    "reds": 0.682352941176,
    "browns": 0.610663983903,
    "skin_blue": 0.392093324692,
    "bleed": 0.414911569931,
    "clipped": 0.0587606837607,
}
_NEAR = 1e-6  # relative: what processors may make of the last digits


def stored_pair() -> Finding:
    """The pictures have the stored bytes, and every column its stored value."""
    shown, truth = pair()
    digests = {name: sha256_of(rgb) for name, rgb in (("shown", shown), ("truth", truth))}
    changed = [f"sha256 of {name}" for name, digest in digests.items() if digest != SHA256[name]]
    differ = changed + _differing(shown, truth)
    mirrored = _differing(shown[..., ::-1], truth[..., ::-1])
    return Finding(
        "a stored pair",
        "blue is read for red, in both pictures",
        f"other values: {', '.join(differ)}" if differ else f"all {len(FROZEN)} values as stored",
        f"{len(mirrored)} of {len(FROZEN)} values differ",
        "as stored to a millionth; with the mistake over half of them are others",
        not differ and len(mirrored) > len(FROZEN) / 2,
    )


def values_of(shown: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Every column of one pair."""
    numbers = numbers_of(View(shown), View(truth), CONTEXT)
    return {name: n / w if w else math.nan for name, (n, w) in numbers.items()}


def sha256_of(rgb: np.ndarray) -> str:
    """Of rgb (H,W,3) uint8 as a PPM file, as Pillow, netpbm and others write it."""
    head = f"P6\n{rgb.shape[1]} {rgb.shape[0]}\n255\n".encode()
    return hashlib.sha256(head + rgb.tobytes()).hexdigest()


def _differing(shown: np.ndarray, truth: np.ndarray) -> list[str]:
    found = values_of(shown, truth)
    return [
        name
        for name in COLUMNS
        if name not in FROZEN or not math.isclose(found[name], FROZEN[name], rel_tol=_NEAR)
    ]
