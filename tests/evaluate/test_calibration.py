"""evaluate/calibration.py on systems whose honesty is known."""

from __future__ import annotations

import numpy as np
import pytest

from kolorit.evaluate.calibration import calibration_error, calibration_terms


def terms_of(confidence: float, share_right: float, n: int = 10_000) -> np.ndarray:
    """A system that says ``confidence`` everywhere and is right at that share of the places."""
    side = round(n**0.5)
    ab = np.zeros((2, side, side))
    truth = np.zeros((side, side, 2))
    truth.reshape(-1, 2)[round(share_right * side**2) :, 0] = 21  # just outside
    return calibration_terms(ab, np.full((side, side), confidence, np.float32), truth=truth)


def test_an_honest_system_has_no_error() -> None:
    terms = terms_of(0.8, 0.8)
    assert calibration_error(terms) == pytest.approx(0, abs=1e-6)
    assert terms[8] == pytest.approx((8000, 8000, 10_000))
    assert terms.sum(0)[2] == 10_000


def test_a_boaster_has_what_he_boasts() -> None:
    assert calibration_error(terms_of(0.95, 0.6)) == pytest.approx(0.35)
    both = terms_of(0.95, 0.6) + terms_of(0.2, 0.3)  # the other half is too modest
    assert calibration_error(both) == pytest.approx((0.35 + 0.1) / 2, abs=1e-6)
    stacked = np.stack([terms_of(0.95, 0.6), terms_of(0.8, 0.8)])
    assert calibration_error(stacked) == pytest.approx([0.35, 0], abs=1e-6)


def test_twenty_units_are_right_and_full_confidence_has_a_bin() -> None:
    truth = np.full((4, 4, 2), (12.0, 16.0))  # 20 from grey
    terms = calibration_terms(np.zeros((2, 4, 4)), np.ones((4, 4)), truth=truth)
    assert terms[9].tolist() == [16, 16, 16]


def test_the_truth_is_averaged_down_to_the_systems_size() -> None:
    truth = np.zeros((8, 8, 2))
    truth[::2, :, 0] = 30  # 15 in the mean
    terms = calibration_terms(np.zeros((2, 4, 4)), np.full((4, 4), 0.55), truth=truth)
    assert terms[5] == pytest.approx((0.55 * 16, 16, 16))
