"""How far two sets of features are apart; plain numpy, any features.

Both depend on the number of samples, the Fréchet distance strongly: it is given with the counts in
its name (`counted`), and compares between equal counts only.
"""

from __future__ import annotations

import numpy as np


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """|m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)) of features (N,D) and (M,D); 0 for equal sets.

    S with N - 1 below. With S1 = A'A and S2 = B'B, A the centred features over sqrt(N - 1), the
    last trace is the sum of the singular values of AB' (N,M), the roots of the eigenvalues of the
    symmetric AS2A'. That is exact for N < D too, where both S are singular and the product of
    matrices has lost its small eigenvalues; nothing is added to a diagonal. With few samples the
    distance is biased upwards. NaN, no meaning, for less than 2 samples in a set; raises ValueError
    for other shapes. Source: Dowson and Landau 1982; Heusel et al. 2017 (FID), eq. 6.
    """
    first, second = _features(first, second)
    if min(len(first), len(second)) < 2:
        return float("nan")
    means = first.mean(0) - second.mean(0)  # (D,)
    A, B = _half(first), _half(second)
    overlap = np.linalg.svd(A @ B.T, compute_uv=False).sum()
    distance = float(means @ means + (A * A).sum() + (B * B).sum() - 2 * overlap)
    return max(0.0, distance)  # below 0 by rounding only


def kid(first: np.ndarray, second: np.ndarray, *, paired: bool = True) -> float:
    """Squared maximum mean discrepancy of features (N,D) and (M,D), kernel (x.y / D + 1)^3.

    An unbiased estimate over the whole sets, not over subsets; negative as often as not where the
    two are alike. paired: row i of both is the same photograph, as when colourings are judged
    against their own truths. Then the kernel of a photograph with itself is left out of the mixed
    mean as it is of the others (Gretton et al. 2012, the U-statistic of eq. 4), and equal sets give
    0; without it they are no independent samples, and the value is too low. paired = False is the
    estimate of eq. 3, that of published KIDs. NaN for less than 2 samples in a set; raises
    ValueError for other shapes. Source: Binkowski et al. 2018, section 4.
    """
    first, second = _features(first, second)
    if paired and len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} samples are no pairs")
    if min(len(first), len(second)) < 2:
        return float("nan")
    mixed = _kernel(first, second)  # (N,M)
    between = _mean_of_others(mixed) if paired else float(mixed.mean())
    within = (_mean_of_others(_kernel(x, x)) for x in (first, second))
    return float(sum(within) - 2 * between)


def counted(head: str, first: int, second: int) -> str:
    """The name of a number that depends on counts: "FID, TF Inception 2048, 24 against 24"."""
    return f"{head}, {first} against {second}"


def _features(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both in float64: in float32 a square of features has lost the distance of near sets."""
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"expected features (N, D) and (M, D), got {first.shape}, {second.shape}")
    return first.astype(np.float64), second.astype(np.float64)


def _half(features: np.ndarray) -> np.ndarray:
    """A (n,D) with A'A = the covariance (D,D) of features (N,D), n = min(N, D)."""
    A = (features - features.mean(0)) / np.sqrt(len(features) - 1)
    return np.asarray(np.linalg.qr(A, mode="r")) if len(A) > A.shape[1] else A


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)


def _mean_of_others(kernel: np.ndarray) -> float:
    """Mean of a square (N,N) off its diagonal."""
    N = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (N * (N - 1)))
