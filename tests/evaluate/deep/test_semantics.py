"""deep/semantics.py: what share of an accuracy comes back, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.evaluate.deep.semantics import regained_terms
from kolorit.evaluate.intervals import interval

TRUTH = np.array([1, 2, 3, 4, 5, 6, 7, 8])
GREY = np.array([1, 2, 0, 0, 0, 0, 0, 0])  # keeps 2 of 8
ROW = np.array([1, 0, 3, 4, 5, 0, 0, 9])  # 4 of 8: loses one that grey had, finds three


def regained(*classes: np.ndarray) -> float | None:
    """The quotient that the two terms are for."""
    gained, lost = (terms.sum() for terms in regained_terms(*classes))
    return float(gained / lost) if lost > 0 else None


def test_without_labels_the_truths_answer_is_right() -> None:
    assert regained(ROW, GREY, TRUTH) == pytest.approx((4 / 8 - 2 / 8) / (1 - 2 / 8))
    assert regained(TRUTH, GREY, TRUTH) == 1
    assert regained(GREY, GREY, TRUTH) == 0


def test_with_labels_the_classifier_may_be_wrong_on_the_truth() -> None:
    labels = np.array([1, 2, 3, 4, 5, 6, 0, 9])  # the classifier has 6 of 8 in colour
    grey = GREY - np.array([0, 0, 0, 0, 0, 0, 1, 0])  # 2 of 8
    row = ROW  # 1 3 4 5 0 9: 6 of 8
    assert (TRUTH == labels).sum() == 6 and (grey == labels).sum() == 2
    assert (row == labels).sum() == 6
    assert regained(row, grey, TRUTH, labels) == 1
    assert regained(labels, grey, TRUTH, labels) == pytest.approx(6 / 4)  # better than the truth


def test_misleading_colours_are_below_0() -> None:
    assert regained(np.zeros(8, int), GREY, TRUTH) == pytest.approx(-2 / 6)


def test_where_grey_lost_nothing_there_is_no_share() -> None:
    assert regained(ROW, TRUTH, TRUTH) is None
    assert regained(ROW, TRUTH, GREY, TRUTH) is None  # grey is even better


def test_the_terms_make_an_interval() -> None:
    gained, lost = regained_terms(ROW, GREY, TRUTH)
    assert gained.tolist() == [0, -1, 1, 1, 1, 0, 0, 0] and lost.tolist() == [0, 0] + 6 * [1]
    mean, low, high = interval(gained, lost)
    assert mean == regained(ROW, GREY, TRUTH)
    assert low < mean < high


@given(st.data(), st.integers(1, 20))
def test_it_is_a_quotient_of_accuracies(data: st.DataObject, N: int) -> None:
    some = st.lists(st.integers(0, 2), min_size=N, max_size=N).map(np.array)
    row, grey, truth, labels = (data.draw(some) for _ in range(4))
    of_row, of_grey, of_truth = ((x == labels).mean() for x in (row, grey, truth))
    found = regained(row, grey, truth, labels)
    if of_truth <= of_grey:
        assert found is None
    else:
        assert found == pytest.approx((of_row - of_grey) / (of_truth - of_grey))


@pytest.mark.parametrize("wrong", [TRUTH[:1], TRUTH[:, None], np.array(3)])
def test_other_shapes_are_refused(wrong: np.ndarray) -> None:
    """numpy would hold one answer against all."""
    with pytest.raises(ValueError, match="same pictures"):
        regained_terms(wrong, GREY, TRUTH)
    with pytest.raises(ValueError, match="same pictures"):
        regained_terms(ROW, GREY, TRUTH, labels=wrong)
