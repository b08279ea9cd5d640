"""losses/total_variation.py by counting."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.total_variation import total_variation

BatchOf = Callable[..., Batch]


def test_one_colour_costs_nothing_and_a_step_its_height(batch_of: BatchOf) -> None:
    ab = torch.full((1, 2, 4, 6), 30.0, dtype=torch.float64)
    batch = batch_of(ab)
    assert total_variation({"ab": ab}, batch).item() == 0
    step = ab.clone()
    step[..., 3:] += 7  # in each channel 4 of 4*5 + 3*6 = 38 pairs
    expected = 4 * 7 / 38
    assert total_variation({"ab": step}, batch).item() == pytest.approx(expected, abs=1e-12)
    turned = total_variation({"ab": step.mT}, batch_of(ab.mT))
    assert turned.item() == pytest.approx(expected, abs=1e-12)


def test_one_pixel_has_four_edges(batch_of: BatchOf) -> None:
    ab = torch.zeros(1, 2, 4, 6, dtype=torch.float64)
    ab[0, 1, 2, 2] = -5
    loss = total_variation({"ab": ab}, batch_of(torch.zeros_like(ab)))
    assert loss.item() == pytest.approx(4 * 5 / (2 * 38), abs=1e-12)


def test_one_pixel_alone_is_refused(batch_of: BatchOf) -> None:
    ab = torch.zeros(1, 2, 1, 1)
    with pytest.raises(ConfigInvalid, match="neighbours"):
        total_variation({"ab": ab}, batch_of(ab))
