from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000

from kolorit.colour.difference import ciede2000

QUICK = settings(deadline=None, max_examples=80)
LAB = st.tuples(st.floats(0, 100), st.floats(-110, 110), st.floats(-110, 110))

# Sharma, Wu, Dalal 2005, table 1: L1 a1 b1 L2 a2 b2 difference.
SHARMA = np.loadtxt(
    """
    50 2.6772 -79.7751 50 0 -82.7485 2.0425
    50 3.1571 -77.2803 50 0 -82.7485 2.8615
    50 2.8361 -74.02 50 0 -82.7485 3.4412
    50 -1.3802 -84.2814 50 0 -82.7485 1
    50 -1.1848 -84.8006 50 0 -82.7485 1
    50 -0.9009 -85.5211 50 0 -82.7485 1
    50 0 0 50 -1 2 2.3669
    50 -1 2 50 0 0 2.3669
    50 2.49 -0.001 50 -2.49 0.0009 7.1792
    50 2.49 -0.001 50 -2.49 0.001 7.1792
    50 2.49 -0.001 50 -2.49 0.0011 7.2195
    50 2.49 -0.001 50 -2.49 0.0012 7.2195
    50 -0.001 2.49 50 0.0009 -2.49 4.8045
    50 -0.001 2.49 50 0.001 -2.49 4.8045
    50 -0.001 2.49 50 0.0011 -2.49 4.7461
    50 2.5 0 50 0 -2.5 4.3065
    50 2.5 0 73 25 -18 27.1492
    50 2.5 0 61 -5 29 22.8977
    50 2.5 0 56 -27 -3 31.903
    50 2.5 0 58 24 15 19.4535
    50 2.5 0 50 3.1736 0.5854 1
    50 2.5 0 50 3.2972 0 1
    50 2.5 0 50 1.8634 0.5757 1
    50 2.5 0 50 3.2592 0.335 1
    60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
    63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.263
    61.2901 3.7196 -5.3901 61.4292 2.248 -4.962 1.8731
    35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
    22.7233 20.0904 -46.694 23.0331 14.973 -42.5619 2.0373
    36.4612 47.858 18.3852 36.2715 50.5065 21.2231 1.4146
    90.8027 -2.0831 1.441 91.1528 -1.6435 0.0447 1.4441
    90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
    6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
    2.0776 0.0795 -1.135 0.9033 -0.0636 -0.5514 0.9082
    """.strip().splitlines()
)  # (34,7)


def test_the_published_pairs_both_ways() -> None:
    first, second, published = SHARMA[:, :3], SHARMA[:, 3:6], SHARMA[:, 6]
    np.testing.assert_allclose(ciede2000(first, second), published, atol=1e-4)
    np.testing.assert_allclose(ciede2000(second, first), published, atol=1e-4)
    assert published.sum() == pytest.approx(183.1864, abs=1e-3)


def test_float32_is_near_enough() -> None:
    """But for pair 10: opposite hues, where float32 cannot say which way round is shorter."""
    pairs = np.delete(SHARMA, 9, axis=0).astype(np.float32)
    difference = ciede2000(pairs[:, :3], pairs[:, 3:6])
    assert difference.dtype == np.float32
    np.testing.assert_allclose(difference, pairs[:, 6], atol=1e-4)


def test_the_plain_distance_would_fail() -> None:
    plain = np.linalg.norm(SHARMA[:, :3] - SHARMA[:, 3:6], axis=1)
    assert np.abs(plain - SHARMA[:, 6]).max() > 5


def test_agrees_with_scikit_image() -> None:
    random = np.random.default_rng(11)
    first, second = random.uniform((0, -110, -110), (100, 110, 110), (2, 5000, 3))
    second[:2500] = first[:2500] + random.normal(0, 2, (2500, 3))
    np.testing.assert_allclose(ciede2000(first, second), deltaE_ciede2000(first, second), atol=1e-9)


@QUICK
@given(LAB, LAB)
def test_symmetric_and_not_negative(first: tuple[float, ...], second: tuple[float, ...]) -> None:
    difference = ciede2000(first, second)
    assert difference >= 0
    assert difference == pytest.approx(ciede2000(second, first), abs=1e-7)


@QUICK
@given(LAB)
def test_zero_for_equal_colours(lab: tuple[float, ...]) -> None:
    assert ciede2000(lab, lab) == 0


def test_a_step_of_lightness_worked_by_hand() -> None:
    """From L 40 to 60 the mean is 50, where the weight of lightness is 1."""
    assert ciede2000([40.0, 0.0, 0.0], [60.0, 0.0, 0.0]) == pytest.approx(20)


def test_shapes_broadcast() -> None:
    picture = np.zeros((4, 5, 3), np.float32)
    assert ciede2000(picture, np.array([50, 0, 0], np.float32)).shape == (4, 5)
    assert ciede2000(np.zeros((0, 3)), np.zeros(3)).shape == (0,)


def test_wrong_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="3 channels"):
        ciede2000(np.zeros((3, 4)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match="takes floats"):
        ciede2000(np.zeros(3, np.uint8), np.zeros(3, np.uint8))
