"""losses/colourfulness.py against published-formula goldens and the product's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from kolorit.colour.colourfulness import colourfulness as of_product
from kolorit.errors import ConfigInvalid
from kolorit.training.colour import lab_to_rgb, rgb_to_lab
from kolorit.training.data import Batch
from kolorit.training.losses.colourfulness import colourfulness, colourfulness_of

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
YELLOW, WHITE = (255, 255, 0), (255, 255, 255)
GOLDENS = [
    ([RED], 85.52960013936695),
    ([GREEN], 85.52960013936695),
    ([BLUE], 76.5),
    ([YELLOW], 76.5),
    ([RED, BLUE], 272.61869388051275),
    ([RED, WHITE], 185.31413363529506),
    ([RED, GREEN, BLUE, WHITE], 238.53065840683877),
    ([(200, 100, 50), (50, 100, 200)], 143.59342774552383),
]


def picture(parts: list[tuple[int, int, int]]) -> Tensor:
    """Equal areas of these bytes: (1,3,4,n)."""
    colours = torch.tensor(parts, dtype=torch.float64).T / 255
    return colours[None, :, None].expand(1, 3, 4, len(parts))


@pytest.mark.parametrize(("parts", "golden"), GOLDENS)
def test_goldens(parts: list[tuple[int, int, int]], golden: float) -> None:
    assert colourfulness_of(picture(parts)).item() == pytest.approx(golden, abs=1e-3)
    assert of_product(np.moveaxis(255 * picture(parts).numpy(), 1, -1)) == pytest.approx(golden)


def test_grey_has_next_to_none() -> None:
    ramp = torch.linspace(0, 1, 60, dtype=torch.float64).expand(1, 3, 2, 60)
    assert colourfulness_of(ramp).item() == pytest.approx(0, abs=2e-4)  # the epsilon's share


def test_sample_deviations_would_be_seen() -> None:
    rgb = 255 * picture([RED, BLUE])[0].flatten(1)
    rg, yb = rgb[0] - rgb[1], (rgb[0] + rgb[1]) / 2 - rgb[2]
    sample = (rg.var() + yb.var()).sqrt() + 0.3 * (rg.mean() ** 2 + yb.mean() ** 2).sqrt()
    assert abs(sample.item() - 272.61869388051275) > 10


def test_equals_the_product_on_noise() -> None:
    torch.manual_seed(0)
    rgb = torch.rand(3, 3, 9, 7, dtype=torch.float64)
    expected = [of_product(np.moveaxis(255 * x.numpy(), 0, -1)) for x in rgb]
    np.testing.assert_allclose(colourfulness_of(rgb).numpy(), expected, atol=1e-6)


def test_loss_is_the_difference_of_both(batch_of: Callable[..., Batch]) -> None:
    L, ab = rgb_to_lab(torch.cat([picture([RED, BLUE]), picture([RED, WHITE])]))
    batch = batch_of(ab, L)
    assert colourfulness({"ab": ab}, batch).item() == pytest.approx(0, abs=1e-9)
    grey = colourfulness({"ab": torch.zeros_like(ab)}, batch).item()
    assert grey == pytest.approx((272.61869388051275 + 185.31413363529506) / 2, abs=1e-3)
    scaled = colourfulness({"ab": torch.zeros_like(ab)}, batch, scale=109.0).item()
    assert scaled == pytest.approx(grey / 109)


def test_gradient_at_grey_and_out_of_gamut(colours: Callable[..., Batch]) -> None:
    batch = colours()
    for factor in (0.0, 4.0):
        shown = (factor * batch.ab).requires_grad_()
        colourfulness({"ab": shown}, batch).backward()
        assert shown.grad is not None and shown.grad.isfinite().all()
    rgb = lab_to_rgb(batch.L, shown.detach())
    outside = ((rgb < 0) | (rgb > 1)).any(1, keepdim=True).expand_as(shown)
    assert outside.float().mean() > 0.5
    assert (shown.grad[outside] != 0).float().mean() > 0.99


def test_exactly_grey_rgb_has_a_finite_gradient() -> None:
    """A root of zero has none; the epsilon is there for that."""
    rgb = torch.full((1, 3, 3, 3), 0.5, dtype=torch.float64, requires_grad=True)
    colourfulness_of(rgb).sum().backward()
    assert rgb.grad is not None and rgb.grad.isfinite().all()


def test_other_scales_are_refused(colours: Callable[..., Batch]) -> None:
    batch = colours()
    with pytest.raises(ConfigInvalid, match="scale"):
        colourfulness({"ab": batch.ab}, batch, scale=0.0)
