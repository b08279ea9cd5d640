from __future__ import annotations

import numpy as np
import pytest

from kolorit.colour.arrays import check_within, floats


@pytest.mark.parametrize(
    ("given", "kept"),
    [(np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64)],
)
def test_precision(given: type, kept: type) -> None:
    assert floats(np.zeros(3, given)).dtype == kept


def test_no_copy_where_none_is_needed() -> None:
    array = np.zeros((2, 3), np.float32)
    assert np.shares_memory(floats(array, channels=3), array)


@pytest.mark.parametrize("array", [np.zeros(3, np.uint8), [0, 1, 1], np.zeros(3, bool)])
def test_integers_are_refused(array: object) -> None:
    with pytest.raises(ValueError, match="takes floats"):
        floats(array)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(), (2,), (3, 2)])
def test_channels_are_the_last_axis(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="3 channels"):
        floats(np.zeros(shape), channels=3)


@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan, np.inf])
def test_range(value: float) -> None:
    with pytest.raises(ValueError, match="grey must lie in"):
        check_within(np.array([0.5, value]), 0, 1, "grey")


def test_borders_and_emptiness_are_within() -> None:
    check_within(np.array([0.0, 1.0]), 0, 1, "grey")
    check_within(np.empty((0, 3)), 0, 1, "grey")
    assert floats(np.empty((0, 3)), channels=3).shape == (0, 3)
