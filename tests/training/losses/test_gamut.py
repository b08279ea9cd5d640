"""losses/gamut.py: nothing for colours that exist, and a way back for the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from kolorit.colour import lab
from kolorit.training.data import Batch
from kolorit.training.losses.gamut import gamut


def test_colours_that_exist_cost_nothing(colours: Callable[..., Batch]) -> None:
    batch = colours()
    assert gamut({"ab": batch.ab}, batch).item() < 1e-12
    grey = {"ab": torch.zeros_like(batch.ab)}
    assert gamut(grey, batch).item() < 1e-12


def test_equals_the_product_written_out(batch_of: Callable[..., Batch]) -> None:
    torch.manual_seed(0)
    L = 100 * torch.rand(2, 1, 3, 4, dtype=torch.float64)
    ab = 220 * torch.rand(2, 2, 3, 4, dtype=torch.float64) - 110
    rgb = lab.lab_to_rgb(torch.cat([L, ab], 1).movedim(1, -1).numpy())
    expected = np.maximum(np.maximum(-rgb, rgb - 1), 0).mean()
    loss = gamut({"ab": ab}, batch_of(torch.zeros_like(ab), L))
    assert loss.item() == pytest.approx(expected, rel=1e-9)
    assert expected > 0.05


def test_its_gradient_leads_back_into_gamut(batch_of: Callable[..., Batch]) -> None:
    """A clamp of rgb would have none: the very colours that are too strong would stay."""
    ab = torch.tensor([90.0, 100.0], dtype=torch.float64).reshape(1, 2, 1, 1)
    batch = batch_of(torch.zeros_like(ab))
    for _ in range(300):
        ab.requires_grad_()
        loss = gamut({"ab": ab}, batch)
        if loss == 0:
            break
        (slope,) = torch.autograd.grad(loss, ab)
        assert slope.norm() > 0
        ab = (ab - slope / slope.norm()).detach()
    assert loss.item() == 0
    assert ab.norm() > 40  # and no farther
