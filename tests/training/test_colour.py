"""training/colour.py: the torch twin against kolorit.colour, and its gradients."""

from __future__ import annotations

import numpy as np
import torch

from kolorit.colour import bins, lab
from kolorit.training.colour import annealed_mean, bytes_to_lab, lightness, soft_encode


def test_lab_equals_the_product_over_the_cube() -> None:
    axis = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(1, -1, 1, 3)
    L, ab = bytes_to_lab(torch.from_numpy(np.ascontiguousarray(cube.transpose(0, 3, 1, 2))))
    expected = lab.rgb_to_lab(cube[0, :, 0] / 255.0)
    np.testing.assert_allclose(L[0, 0, :, 0].numpy(), expected[:, 0], atol=1e-3)
    np.testing.assert_allclose(ab[0, :, :, 0].numpy().T, expected[:, 1:], atol=2e-3)


def test_lightness_has_a_finite_gradient_at_black() -> None:
    Y = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    lightness(Y).backward()
    assert Y.grad is not None
    np.testing.assert_allclose(Y.grad.item(), 116 / (3 * (6 / 29) ** 2), rtol=1e-9)  # 903.3


def test_soft_encoding_equals_the_exact_one_at_whole_units() -> None:
    rng = np.random.default_rng(0)
    ab = rng.integers(-60, 60, (500, 2)).astype(np.float32) + np.float32([0.3, -0.2])
    index, weight = soft_encode(torch.from_numpy(ab))
    exact_index, exact_weight = bins.soft_encode(ab)
    mean = (weight[..., None] * torch.from_numpy(bins.BINS.copy())[index]).sum(1).numpy()
    exact = (exact_weight[..., None] * bins.BINS[exact_index]).sum(1)
    error = np.abs(mean - exact).max(1)
    assert (error < 1e-4).mean() > 0.7
    assert error.max() < 2  # where a fifth neighbour differs, it has little weight
    np.testing.assert_allclose(weight.sum(-1).numpy(), 1, atol=1e-6)


def test_soft_encoding_golden() -> None:
    index, weight = soft_encode(torch.zeros(1, 2))
    assert bins.BINS[index[0, 0]].tolist() == [0, 0]
    np.testing.assert_allclose(weight[0].numpy(), [0.648786, *4 * [0.087804]], atol=1e-6)


def test_annealed_mean_equals_the_product() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (1, 313, 4, 5)).astype(np.float32)
    ours = annealed_mean(torch.from_numpy(logits), 0.38)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(
        ours, bins.annealed_mean(np.moveaxis(logits[0], 0, -1), 0.38), atol=1e-3
    )
