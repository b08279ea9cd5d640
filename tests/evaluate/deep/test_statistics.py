"""deep/statistics.py against closed forms, slow loops, torch-fidelity and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from kolorit.evaluate.deep.statistics import counted, frechet, kid


def features(N: int, D: int, seed: int) -> np.ndarray:
    """Like pooled features: none negative, skew, correlated."""
    rng = np.random.default_rng(seed)
    return np.maximum(rng.normal(0.3, 1, (N, D)) @ rng.normal(0, 1 / np.sqrt(D), (D, D)), 0)


def exactly(mean: np.ndarray, covariance: np.ndarray, N: int, seed: int) -> np.ndarray:
    """Samples whose own mean and covariance (N - 1 below) are these."""
    x = np.random.default_rng(seed).normal(size=(N, len(mean)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T
    return np.asarray(x @ np.linalg.cholesky(covariance).T + mean)


SIZES = [(40, 40, 6), (9, 14, 30), (30, 8, 8), (5, 40, 12)]  # N, M, D


# The Fréchet distance


def test_two_normal_distributions_along_the_axes() -> None:
    """|m1 - m2|^2 + sum of (s1 - s2)^2."""
    one = exactly(np.array([1.0, 2.0, 3.0]), np.diag([4.0, 9.0, 1.0]), 50, 0)
    other = exactly(np.array([1.0, 0.0, 6.0]), np.diag([1.0, 9.0, 25.0]), 70, 1)
    assert frechet(one, other) == pytest.approx(4 + 9 + (2 - 1) ** 2 + 0 + (1 - 5) ** 2)


def test_two_normal_distributions_on_a_line() -> None:
    one, other = np.array([[0.0], [2.0]]), np.array([[1.0], [4.0], [7.0]])  # sd sqrt(2), 3
    assert frechet(one, other) == pytest.approx(3**2 + (3 - np.sqrt(2)) ** 2)


def test_covariances_that_do_not_commute() -> None:
    rng = np.random.default_rng(2)
    S1, S2 = (a @ a.T + np.eye(5) for a in rng.normal(size=(2, 5, 5)))
    assert np.abs(S1 @ S2 - S2 @ S1).max() > 1
    root = sqrtm(S1)
    expected = np.trace(S1 + S2 - 2 * sqrtm(root @ S2 @ root).real)
    found = frechet(exactly(np.zeros(5), S1, 30, 3), exactly(np.zeros(5), S2, 20, 4))
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("N", "M", "D"), SIZES)
def test_frechet_is_that_of_torch_fidelity_and_torchmetrics(N: int, M: int, D: int) -> None:
    """Theirs goes through the eigenvalues of the product; singular ones cost it some digits."""
    one, other = features(N, D, 0), features(M, D, 1)
    found = frechet(one, other)
    torch = pytest.importorskip("torch")
    fid = pytest.importorskip("torch_fidelity.metric_fid")
    stats = [fid.fid_features_to_statistics(torch.from_numpy(x)) for x in (one, other)]
    theirs = fid.fid_statistics_to_metric(*stats, verbose=False)["frechet_inception_distance"]
    assert found == pytest.approx(theirs, abs=1e-5)
    metrics = pytest.importorskip("torchmetrics.image.fid")
    moments = [torch.from_numpy(m) for x in (one, other) for m in (x.mean(0), np.cov(x.T))]
    assert found == pytest.approx(float(metrics._compute_fid(*moments)), abs=1e-5)


def test_equal_sets_are_at_0() -> None:
    for N, D in ((24, 512), (24, 2048), (300, 20), (2, 3)):
        x = 50 * features(N, D, 0)
        assert 0 <= frechet(x, x) < 1e-6
        assert 0 <= frechet(x, x[::-1]) < 1e-6  # in another order
        assert frechet(x, x + 0.01) == pytest.approx(D * 1e-4, abs=1e-6)


def test_float32_features_are_summed_in_float64() -> None:
    """Of two near sets far from 0, float32 would give some hundredths of noise."""
    x = (1000 + features(200, 40, 0)).astype(np.float32)
    y = (x + np.float32(0.125)).astype(np.float32)
    wide = frechet(x.astype(np.float64), y.astype(np.float64))
    assert frechet(x, y) == wide == pytest.approx(40 * 0.125**2, rel=1e-2)


@given(st.integers(2, 12), st.integers(2, 12), st.integers(1, 9), st.integers(0, 99))
def test_it_is_a_squared_distance(N: int, M: int, D: int, seed: int) -> None:
    x, y = features(N, D, seed), features(M, D, seed + 1) + 0.5
    distance = frechet(x, y)
    assert distance >= 0
    assert frechet(y, x) == pytest.approx(distance, abs=1e-9)
    assert frechet(3 * x, 3 * y) == pytest.approx(9 * distance, abs=1e-8)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(D, D)))
    assert frechet(x @ turn + 2, y @ turn + 2) == pytest.approx(distance, abs=1e-8)


def test_few_samples_of_one_distribution_are_far_apart() -> None:
    """Why the counts stand in the name."""
    rng = np.random.default_rng(0)
    small, large = (frechet(*rng.normal(size=(2, N, 30))) for N in (10, 1000))
    assert small > 5 * large > 0


# The maximum mean discrepancy


def slow_mmd(x: np.ndarray, y: np.ndarray, paired: bool) -> float:
    def k(u: np.ndarray, v: np.ndarray) -> float:
        return (sum(float(a) * float(b) for a, b in zip(u, v, strict=True)) / len(u) + 1) ** 3

    def mean(one: np.ndarray, other: np.ndarray, others_only: bool) -> float:
        found = [
            k(u, v)
            for i, u in enumerate(one)
            for j, v in enumerate(other)
            if not (others_only and i == j)
        ]
        return sum(found) / len(found)

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, paired)


@pytest.mark.parametrize("paired", [True, False])
def test_kid_by_its_definition(paired: bool) -> None:
    x, y = features(7, 5, 0), features(7, 5, 1)
    assert kid(x, y, paired=paired) == pytest.approx(slow_mmd(x, y, paired), rel=1e-10)
    assert slow_mmd(x, y, True) != pytest.approx(slow_mmd(x, y, False), rel=1e-3)


def test_kid_of_two_counts() -> None:
    x, y = features(7, 5, 0), features(4, 5, 1)
    assert kid(x, y, paired=False) == pytest.approx(slow_mmd(x, y, False), rel=1e-10)
    with pytest.raises(ValueError, match="7 and 4 samples are no pairs"):
        kid(x, y)


def test_kid_is_that_of_torch_fidelity_and_torchmetrics() -> None:
    x, y = features(30, 16, 0), features(30, 16, 1)
    theirs = pytest.importorskip("torch_fidelity.metric_kid")
    kernels = [theirs.kernel_poly(a, b) for a, b in ((x, x), (x, y), (y, y))]
    assert kid(x, y, paired=False) == pytest.approx(theirs.mmd2(*kernels), rel=1e-9)
    assert kid(x, y) == pytest.approx(theirs.mmd2(*kernels, mmd_est="u-statistic"), rel=1e-9)
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("torchmetrics.image.kid")
    tensors = [torch.from_numpy(a) for a in (x, y)]
    assert kid(x, y, paired=False) == pytest.approx(float(metrics.poly_mmd(*tensors)), rel=1e-9)


def test_equal_sets_have_no_discrepancy() -> None:
    x = 10 * features(24, 512, 0)
    assert kid(x, x) == pytest.approx(0, abs=1e-6)
    assert kid(x, x, paired=False) < -0.01  # what samples of each other would show


def test_two_points_by_hand() -> None:
    """D = 1: k(0, .) = 1, k(1, 2) = 27, k(1, 3) = 64, k(2, 3) = 343."""
    x, y = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    assert kid(x, y, paired=False) == pytest.approx(1 + 343 - 2 * (1 + 1 + 27 + 64) / 4)
    assert kid(x, y) == pytest.approx(1 + 343 - 2 * (1 + 27) / 2)


@pytest.mark.parametrize("paired", [True, False])
def test_it_has_no_bias(paired: bool) -> None:
    """Over many draws of 3, the mean is the discrepancy of the distributions, here 0; the pairs of
    the first case depend on each other, where the other estimate is too low."""
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(4000):
        x = rng.normal(size=(3, 2))
        y = 0.8 * x + 0.6 * rng.normal(size=(3, 2)) if paired else rng.normal(size=(3, 2))
        draws.append((kid(x, y, paired=paired), kid(x, y, paired=False)))
    (mean, naive), error = np.mean(draws, 0), np.std(draws, 0) / np.sqrt(len(draws))
    assert abs(mean) < 4 * error[0]
    assert not paired or naive < -4 * error[1]


# Both


@pytest.mark.parametrize("measure", [frechet, kid])
def test_what_has_no_meaning_and_what_is_refused(measure: object) -> None:
    assert callable(measure)
    one = features(1, 4, 0)
    assert np.isnan(measure(one, one))
    for wrong in (features(5, 3, 0), np.zeros(4), np.zeros((5, 4, 1))):
        with pytest.raises(ValueError, match="expected features"):
            measure(features(5, 4, 0), wrong)


def test_the_counts_stand_in_the_name() -> None:
    named = counted("FID, TF Inception 2048", 24, 24)
    assert named == "FID, TF Inception 2048, 24 against 24"
