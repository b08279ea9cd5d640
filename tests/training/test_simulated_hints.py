"""training/simulated_hints.py: hints that tell the truth, mostly few."""

from __future__ import annotations

import numpy as np
import torch

from kolorit.training.simulated_hints import simulate_hints


def test_hints_tell_the_truth() -> None:
    ab = torch.arange(2 * 2 * 32 * 32, dtype=torch.float32).reshape(2, 2, 32, 32) % 50
    flat = ab.mean((2, 3), keepdim=True).expand_as(ab)
    hints = simulate_hints(flat, 1.0, np.random.default_rng(1))
    mask = hints[:, 2:]
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(hints[:, :2], flat * mask)
    assert simulate_hints(ab, 0.0, np.random.default_rng(1)).abs().sum() == 0


def test_hints_are_mostly_few() -> None:
    rng = np.random.default_rng(2)
    hints = simulate_hints(torch.ones(200, 2, 64, 64), 0.5, rng)
    share = (hints[:, 2].sum((1, 2)) > 0).float().mean().item()
    assert 0.4 < share < 0.6
