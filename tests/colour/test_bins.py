from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kolorit.colour.bins as bins_module
from kolorit.colour.bins import (
    BINS,
    annealed_mean,
    derive_bins,
    nearest_bin,
    soft_encode,
    softmax,
)
from kolorit.errors import ConfigInvalid

QUICK = settings(deadline=None, max_examples=60)
AB = st.tuples(st.floats(-120, 120), st.floats(-120, 120))

# Of the public array of bins, sorted by a, then b, as (313, 2) int16 little-endian.
PUBLIC_SHA256 = "e74b520cf1929e90ad9f051db10931e8ac5d1534c6cedabd7bfeba7a78a96c89"

# First and last b of each a from -90 to 100.
COLUMNS = [
    (50, 90), (20, 90), (0, 90), (-20, 90), (-30, 100), (-40, 100), (-50, 100), (-50, 100),
    (-60, 100), (-70, 100), (-80, 90), (-80, 90), (-90, 90), (-100, 90), (-100, 80), (-110, 80),
    (-110, 80), (-110, 70), (-110, 70), (-90, 0),
]  # fmt: skip


def sha256(bins: np.ndarray) -> str:
    return hashlib.sha256(bins.astype("<i2").tobytes()).hexdigest()


def test_the_public_bins_to_the_last_one() -> None:
    assert BINS.shape == (313, 2) and BINS.dtype == np.float32
    assert sha256(BINS) == PUBLIC_SHA256


def test_columns() -> None:
    expected = [
        (a, b)
        for a, (first, last) in zip(range(-90, 101, 10), COLUMNS, strict=True)
        for b in range(first, last + 1, 10)
    ]
    assert [tuple(row) for row in BINS.astype(int).tolist()] == expected


@pytest.mark.parametrize("samples", [4, 8, 86])
def test_the_sampling_of_the_edges_does_not_matter(
    samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    edges = bins_module._saturated_edges
    monkeypatch.setattr(bins_module, "_saturated_edges", lambda: edges(samples))
    assert sha256(derive_bins()) == PUBLIC_SHA256


def test_too_coarse_edges_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    edges = bins_module._saturated_edges
    monkeypatch.setattr(bins_module, "_saturated_edges", lambda: edges(1))
    assert len(derive_bins()) == 301


@pytest.mark.parametrize(("scale", "count"), [(0.997, 313), (1.003, 314)])
def test_margin_of_the_hull(scale: float, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slightly larger hull takes in one more point, so the test above has teeth."""
    hull: Callable[[np.ndarray], np.ndarray] = bins_module._convex_hull

    def scaled(points: np.ndarray) -> np.ndarray:
        corners = hull(points)
        return (corners - corners.mean(axis=0)) * scale + corners.mean(axis=0)

    monkeypatch.setattr(bins_module, "_convex_hull", scaled)
    bins = derive_bins()
    assert len(bins) == count
    assert ([80, 80] in bins.tolist()) == (count == 314)


@QUICK
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=40))
def test_hull_goes_left_all_round_and_holds_all_points(points: list[tuple[int, int]]) -> None:
    array = np.array(points, dtype=np.float64)
    centred = array - array[0]
    if np.linalg.matrix_rank(centred) < 2:
        return  # on a line there is no hull
    hull = bins_module._convex_hull(array)
    side = np.roll(hull, -1, axis=0) - hull  # (P,2)
    to_points = array[:, None] - hull  # (N,P,2)
    left = side[:, 0] * to_points[..., 1] - side[:, 1] * to_points[..., 0]
    assert (left >= 0).all()
    assert {tuple(corner) for corner in hull} <= {tuple(point) for point in array}


def test_bins_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        BINS[0] = 0


def encoded(ab: tuple[float, float]) -> list[tuple[tuple[int, int], float]]:
    indices, weights = soft_encode(ab)
    return [
        ((int(BINS[i, 0]), int(BINS[i, 1])), float(w))
        for i, w in zip(indices, weights, strict=True)
    ]


def test_soft_encoding_of_grey() -> None:
    golden = [
        ((0, 0), 0.648786),
        ((-10, 0), 0.087804),
        ((0, -10), 0.087804),
        ((0, 10), 0.087804),
        ((10, 0), 0.087804),
    ]
    for (centre, weight), (golden_centre, golden_weight) in zip(
        encoded((0.0, 0.0)), golden, strict=True
    ):
        assert centre == golden_centre
        assert weight == pytest.approx(golden_weight, abs=1e-6)


def test_soft_encoding_of_a_colour() -> None:
    golden = {
        (30, 10): 0.358659,
        (30, 20): 0.344596,
        (20, 10): 0.142933,
        (20, 20): 0.137328,
        (40, 10): 0.016484,
    }
    found = dict(encoded((27.3, 14.9)))
    assert list(found) == list(golden)
    assert found == pytest.approx(golden, abs=1e-6)


def test_soft_encoding_of_a_tie() -> None:
    """Four equal corners, then the first of eight bins at the same distance: least a, least b."""
    found = encoded((5.0, 5.0))
    assert [centre for centre, _ in found] == [(0, 0), (0, 10), (10, 0), (10, 10), (-10, 0)]
    weights = [weight for _, weight in found]
    assert weights == pytest.approx([0.24886] * 4 + [0.004558], abs=1e-5)


@QUICK
@given(AB, st.integers(1, 313), st.floats(0.1, 50))
def test_soft_weights(ab: tuple[float, float], neighbours: int, sigma: float) -> None:
    indices, weights = soft_encode(np.array(ab), neighbours, sigma)
    assert indices.shape == weights.shape == (neighbours,)
    assert len(set(indices.tolist())) == neighbours
    assert weights.sum() == pytest.approx(1, abs=1e-9)
    assert (weights >= 0).all() and (np.diff(weights) <= 0).all()
    distances = np.hypot(*(BINS.astype(np.float64) - ab).T)
    order = np.lexsort((np.arange(313), distances**2))
    np.testing.assert_allclose(distances[indices], distances[order[:neighbours]], atol=1e-9)


def test_many_colours_at_once_and_far_ones() -> None:
    ab = np.random.default_rng(10).uniform(-300, 300, (60, 50, 2)).astype(np.float32)
    indices, weights = soft_encode(ab)
    assert indices.shape == weights.shape == (60, 50, 5)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    for i, j in ((0, 0), (40, 47), (40, 48), (59, 49)):
        np.testing.assert_array_equal(indices[i, j], soft_encode(ab[i, j])[0])
    np.testing.assert_array_equal(nearest_bin(ab), indices[..., 0])


def test_each_bin_is_nearest_to_itself() -> None:
    np.testing.assert_array_equal(nearest_bin(BINS), np.arange(313))
    assert nearest_bin([4.9, -5.1]) == nearest_bin([0.0, -10.0])


def test_no_colours() -> None:
    indices, weights = soft_encode(np.zeros((0, 2)))
    assert indices.shape == weights.shape == (0, 5)


@pytest.mark.parametrize("settings_", [{"neighbours": 0}, {"neighbours": 314}, {"sigma": 0.0}])
def test_impossible_settings_are_refused(settings_: dict[str, float]) -> None:
    with pytest.raises(ConfigInvalid):
        soft_encode([0.0, 0.0], **settings_)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("T", "golden"),
    [
        (0.38, (0.744029, 0.255971)),
        (0.77, (0.628685, 0.371315)),
        (0.14, (0.947657, 0.052343)),
        (1.0, (0.6, 0.4)),
    ],
)
def test_annealing_of_two_bins(T: float, golden: tuple[float, float]) -> None:
    """With the unit vectors as bins, the mean is the annealed distribution itself."""
    mean = annealed_mean(np.log([0.6, 0.4]), T, np.eye(2))
    np.testing.assert_allclose(mean, golden, atol=1e-6)


@QUICK
@given(st.integers(0, 2**32 - 1))
def test_annealed_mean_tends_to_mode_and_mean(seed: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, 313)
    probabilities = softmax(logits)
    np.testing.assert_allclose(annealed_mean(logits, 1.0), probabilities @ BINS, atol=1e-9)
    np.testing.assert_allclose(annealed_mean(logits, 1e-6), BINS[logits.argmax()], atol=1e-3)


@QUICK
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1), st.floats(-1e4, 1e4))
def test_annealed_mean_ignores_a_constant_and_stays_in_the_hull(
    seed: int, T: float, constant: float
) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, (2, 313))
    mean = annealed_mean(logits, T)
    np.testing.assert_allclose(annealed_mean(logits + constant, T), mean, atol=1e-6)
    assert (mean >= BINS.min(axis=0) - 1e-9).all() and (mean <= BINS.max(axis=0) + 1e-9).all()


@pytest.mark.filterwarnings("error")
def test_extreme_logits_in_float32() -> None:
    """p ** (1 / T) of these is 0 / 0 in float32."""
    logits = np.full((2, 3, 313), -5e4, np.float32)
    logits[..., 7] = 5e4
    mean = annealed_mean(logits, 1e-3)
    assert mean.dtype == np.float32 and mean.shape == (2, 3, 2)
    np.testing.assert_array_equal(mean, np.broadcast_to(BINS[7], mean.shape))
    assert softmax(logits).dtype == np.float32


@QUICK
@given(st.lists(st.floats(-500, 500), min_size=1, max_size=20))
def test_softmax(logits: list[float]) -> None:
    probabilities = softmax(logits)
    assert probabilities.sum() == pytest.approx(1, abs=1e-9)
    exact = np.array(logits) - np.logaddexp.reduce(logits)
    np.testing.assert_allclose(probabilities, np.exp(exact), atol=1e-9)


@pytest.mark.parametrize("T", [0.0, -1.0, 1.01, float("nan")])
def test_impossible_temperatures_are_refused(T: float) -> None:
    with pytest.raises(ConfigInvalid, match="temperature"):
        annealed_mean(np.zeros(313), T)


def test_logits_that_do_not_fit_the_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit 313 bins"):
        annealed_mean(np.zeros((313, 5)), 0.5)
