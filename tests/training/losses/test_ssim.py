"""losses/ssim.py against values worked out by hand and scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from skimage.metrics import structural_similarity

from kolorit.errors import ConfigInvalid
from kolorit.training.colour import lab_to_rgb
from kolorit.training.data import Batch
from kolorit.training.losses.ssim import ssim, ssim_loss

F64 = torch.float64


def test_equal_pictures_cost_nothing(colours: Callable[..., Batch]) -> None:
    batch = colours(side=14)
    assert ssim_loss({"ab": batch.ab}, batch).item() == pytest.approx(0, abs=1e-12)
    grey = {"ab": torch.zeros_like(batch.ab)}
    loss = ssim_loss(grey, batch)
    assert loss.item() > 0.1
    pictures = lab_to_rgb(batch.L, grey["ab"]), lab_to_rgb(batch.L, batch.ab)
    torch.testing.assert_close(loss, 1 - ssim(*pictures))


@pytest.mark.parametrize(("dtype", "tolerance"), [(F64, 1e-12), (torch.float32, 2e-4)])
def test_constants_of_a_fifth_and_three_fifths(dtype: torch.dtype, tolerance: float) -> None:
    x, y = (torch.full((1, 3, 13, 12), v, dtype=dtype) for v in (0.2, 0.6))
    golden = (0.24 + 1e-4) / (0.40 + 1e-4)
    assert golden == pytest.approx(0.600100, abs=1e-6)
    assert ssim(x, y).item() == pytest.approx(golden, abs=tolerance)


def test_opposite_textures_are_negative_and_the_order_does_not_matter() -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 3, 16, 16, dtype=F64)
    assert ssim(x, 1 - x).item() < -0.5
    y = torch.rand(2, 3, 16, 16, dtype=F64)
    torch.testing.assert_close(ssim(x, y), ssim(y, x), rtol=0, atol=1e-15)
    assert ssim(x, x).item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_equals_scikit_image(noise: float) -> None:
    torch.manual_seed(1)
    x = torch.rand(1, 3, 24, 31, dtype=F64)
    y = (x + noise * torch.randn_like(x)).clamp(0, 1)
    expected = structural_similarity(
        x[0].numpy(),
        y[0].numpy(),
        channel_axis=0,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(x, y).item() == pytest.approx(float(expected), abs=1e-10)


def test_gradient() -> None:
    torch.manual_seed(2)
    x = torch.rand(1, 1, 12, 11, dtype=F64, requires_grad=True)
    y = torch.rand(1, 1, 12, 11, dtype=F64)
    assert torch.autograd.gradcheck(lambda x: ssim(x, y), x)


def test_colours_out_of_gamut_keep_their_gradient(colours: Callable[..., Batch]) -> None:
    batch = colours(side=12)
    shown = (3 * batch.ab).requires_grad_()
    ssim_loss({"ab": shown}, batch).backward()
    assert shown.grad is not None
    assert shown.grad.isfinite().all() and (shown.grad != 0).float().mean() > 0.99


def test_small_or_unequal_pictures_are_refused() -> None:
    with pytest.raises(ConfigInvalid, match="SSIM"):
        ssim(torch.zeros(1, 3, 10, 20), torch.zeros(1, 3, 10, 20))
    with pytest.raises(ConfigInvalid, match="SSIM"):
        ssim(torch.zeros(1, 3, 12, 12), torch.zeros(1, 3, 12, 13))
