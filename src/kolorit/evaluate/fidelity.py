"""How near a coloured picture is to its truth, pixel by pixel.

rgb is sRGB-encoded (H,W,3) uint8, lab (H,W,3) and ab (H,W,2) are float, a and b in Lab units.
Everything is computed in float64. All functions raise ValueError for pictures of another type,
or of two sizes.
"""

from __future__ import annotations

import numpy as np

from kolorit.colour.bins import BINS, STEP, nearest_bin
from kolorit.colour.difference import ciede2000
from kolorit.evaluate.view import check_pair

_REACH = 150.0  # ab units: the largest threshold of the AuC
_SIDE, _SIGMA = 11, 1.5  # pixels: the window of SSIM
_BELL = np.exp(-((np.arange(_SIDE) - _SIDE // 2) ** 2) / (2 * _SIGMA**2))
_WINDOW = (_BELL / _BELL.sum()).tolist()
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(*, shown: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio of rgb in dB, peak 255, over pixels and channels; inf if equal.

    Grey alone has about 23 dB on photographs, more than several published colorizers.
    """
    check_pair(shown=shown, truth=truth, channels=3, kind=np.uint8)
    return _decibels(shown.astype(np.float64) - truth.astype(np.float64))


def psnr_ab(*, shown: np.ndarray, truth: np.ndarray) -> float:
    """10 log10(255^2 / mean squared error) in dB, over both channels of ab; inf if equal.

    The peak is that of bytes, as is the custom; a and b span about 200 units in sRGB.
    """
    check_pair(shown=shown, truth=truth, channels=2)
    return _decibels(shown.astype(np.float64) - truth)


def ssim(*, shown: np.ndarray, truth: np.ndarray) -> float:
    """Structural similarity of rgb: mean over windows and over R, G, B; 1 if equal.

    Windows of 11 x 11, Gaussian with sigma 1.5, only where they lie wholly inside; population
    variances; C1, C2 = (0.01 x 255)^2, (0.03 x 255)^2. Raises ValueError for less than 11 pixels
    a side. Source: Wang et al. 2004, eq. 13.
    scikit-image gives the same with gaussian_weights and without use_sample_covariance, for it
    leaves out the border. torchmetrics counts the 5 pixels at each border as well, mirrored; its
    full image without them gives the same.
    """
    check_pair(shown=shown, truth=truth, channels=3, kind=np.uint8)
    if min(shown.shape[:2]) < _SIDE:
        raise ValueError(f"SSIM needs {_SIDE} pixels a side, got {shown.shape}")
    planes = zip(np.moveaxis(shown, 2, 0), np.moveaxis(truth, 2, 0), strict=True)
    return float(
        np.mean([_similarity(x.astype(np.float64), y.astype(np.float64)) for x, y in planes])
    )


def mean_difference(*, shown: np.ndarray, truth: np.ndarray) -> float:
    """Mean CIEDE2000 over the pixels of two lab pictures; 0 if equal."""
    check_pair(shown=shown, truth=truth, channels=3)
    return float(ciede2000(shown, truth).mean())


def auc_terms(
    *, shown: np.ndarray, truth: np.ndarray, weight: np.ndarray | None = None
) -> tuple[float, float]:
    """(sum of weight * score, sum of weight) over the pixels of ab pictures.

    The score of a pixel is max(0, 1 - d / 150), d its ab distance: the area under the share of
    pixels within t, t from 0 to 150, in closed form. weight (H,W): 1 for the raw AuC, `rarity` for
    the rebalanced one. Divide the sums after adding them over the whole set. Source: Zhang et al.
    2016, section 3.1.
    """
    check_pair(shown=shown, truth=truth, channels=2)
    error = shown.astype(np.float64) - truth
    score = np.maximum(0.0, 1 - np.hypot(error[..., 0], error[..., 1]) / _REACH)
    weight = np.ones_like(score) if weight is None else weight
    if weight.shape != score.shape:
        raise ValueError(f"weights {weight.shape} do not fit a picture {score.shape}")
    return float((weight * score).sum()), float(weight.sum())


def rarity(truth: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """The rebalanced weights (H,W): 1 / prior (313,) of the bin nearest to each true ab (H,W,2)."""
    if prior.shape != (len(BINS),) or not prior.min() > 0:
        raise ValueError(f"expected {len(BINS)} shares above 0, got {prior.shape}")
    return np.asarray(1 / prior[_bins_of(truth)])


def _decibels(error: np.ndarray) -> float:
    square = np.mean(error * error)
    return float("inf") if square == 0 else float(10 * np.log10(255**2 / square))


def _similarity(x: np.ndarray, y: np.ndarray) -> float:
    """Mean SSIM of two planes (H,W), 0..255."""
    mean_x, mean_y, product = _blur(x), _blur(y), _blur(x * y)  # (H-10,W-10)
    squares = _blur(x * x + y * y)  # one blur, since only the sum of the variances is asked for
    of_means, of_squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
    likeness = (2 * of_means + _C1) * (2 * (product - of_means) + _C2)
    return float((likeness / ((of_squares + _C1) * (squares - of_squares + _C2))).mean())


def _blur(plane: np.ndarray) -> np.ndarray:
    """Gaussian mean of each window: (H,W) -> (H-10,W-10). Sums, no matrix product: no threads."""
    for axis in (0, 1):
        size = plane.shape[axis] - _SIDE + 1
        at = [plane[k : k + size] if axis == 0 else plane[:, k : k + size] for k in range(_SIDE)]
        total = _WINDOW[_SIDE // 2] * at[_SIDE // 2]
        for k in range(_SIDE // 2):  # the window is symmetric
            pair = at[k] + at[-1 - k]
            pair *= _WINDOW[k]
            total += pair
        plane = total
    return plane


def _bins_of(ab: np.ndarray) -> np.ndarray:
    """`nearest_bin` of ab (...,2), a hundred times as fast where the nearest of the grid is a bin.

    That is so for each colour in sRGB, since all corners of its cell are bins.
    """
    cell = np.ceil(ab / STEP - 0.5).astype(np.intp) + _MIDDLE  # half way: down, as nearest_bin
    found = _GRID[tuple(np.moveaxis(np.clip(cell, 0, len(_GRID) - 1), -1, 0))]  # (...)
    if (found < 0).any():
        found[found < 0] = nearest_bin(ab[found < 0])
    return np.asarray(found)


_MIDDLE = 20  # cells from the corner of _GRID to ab = 0
_GRID = np.full(
    (2 * _MIDDLE + 1, 2 * _MIDDLE + 1), -1
)  # cell -> index into BINS, or -1; the rim is -1
_GRID[tuple(BINS.T.astype(np.intp) // STEP + _MIDDLE)] = np.arange(len(BINS))
