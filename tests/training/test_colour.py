"""training/colour.py: the torch twin against kolorit.colour, and its gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from kolorit.colour import bins, lab
from kolorit.colour.luma import luma
from kolorit.colour.srgb import RGB_TO_XYZ, WHITE, srgb_to_linear
from kolorit.errors import ConfigInvalid
from kolorit.training.colour import (
    annealed_mean,
    lab_to_rgb,
    lightness,
    rgb_to_lab,
    soft_encode,
)

DELTA = 6 / 29
F32, F64 = torch.float32, torch.float64
QUICK = settings(deadline=None, max_examples=60)


def lattice(steps: int, dtype: torch.dtype = F64) -> Tensor:
    """The rgb cube as one picture (1,3,steps^2,steps)."""
    axis = torch.linspace(0, 1, steps, dtype=F64)
    cube = torch.cartesian_prod(axis, axis, axis).reshape(steps * steps, steps, 3)
    return cube.movedim(-1, 0)[None].to(dtype)


def lab_of(colour: tuple[float, float, float], dtype: torch.dtype = F64) -> list[float]:
    """L, a, b of one rgb colour by the twin."""
    L, ab = rgb_to_lab(torch.tensor(colour, dtype=dtype)[None, :, None, None])
    return [L.item(), *ab.flatten().tolist()]


def lab_by_hand(colour: tuple[float, float, float], white: np.ndarray) -> list[float]:
    """The same by the formula, with a white of one's choice."""
    f = np.cbrt(
        RGB_TO_XYZ @ srgb_to_linear(np.array(colour, float)) / white
    )  # none of them is dark
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]


GOLDENS = [
    ((1.0, 0.0, 0.0), (53.2406, 80.0942, 67.2015)),
    ((0.0, 1.0, 0.0), (87.7351, -86.1813, 83.1775)),
    ((0.0, 0.0, 1.0), (32.2957, 79.1870, -107.8617)),
    ((0.5, 0.5, 0.5), (53.3890, 0.0, 0.0)),
]


@pytest.mark.parametrize(("colour", "golden"), GOLDENS)
def test_golden_colours(
    colour: tuple[float, float, float], golden: tuple[float, float, float]
) -> None:
    np.testing.assert_allclose(lab_of(colour), golden, atol=1e-4)
    np.testing.assert_allclose(lab_of(colour, F32), golden, atol=3e-4)


def test_white_is_the_row_sum_of_the_matrix() -> None:
    """With the white of the tables, white is not neutral and the goldens are others."""
    np.testing.assert_allclose(WHITE, [0.950456, 1, 1.088754], atol=1e-6)
    of_tables = np.array([0.95047, 1, 1.08883])
    np.testing.assert_allclose(lab_by_hand((1, 1, 1), of_tables), [100, -0.0025, 0.0047], atol=5e-5)
    others = {(1, 0, 0): (80.0923, 67.2028), (0, 1, 0): (-86.1830, 83.1797)}
    others[(0, 0, 1)] = (79.1856, -107.8573)
    for colour, ab in others.items():
        np.testing.assert_allclose(lab_by_hand(colour, of_tables)[1:], ab, atol=1e-4)
        np.testing.assert_allclose(lab_of(colour), lab_by_hand(colour, WHITE), atol=1e-9)
        assert np.abs(np.subtract(lab_of(colour)[1:], ab)).max() > 1e-3


@pytest.mark.parametrize(("dtype", "most"), [(F64, 1e-12), (F32, 5e-5)])
def test_grey_is_neutral(dtype: torch.dtype, most: float) -> None:
    grey = torch.linspace(0, 1, 1001, dtype=dtype).expand(1, 3, 1, -1)
    L, ab = rgb_to_lab(grey)
    assert ab.abs().max() < most
    np.testing.assert_allclose(L[0, 0, 0], lab.grey_to_lightness(grey[0, 0, 0].numpy()), atol=1e-4)


@pytest.mark.parametrize(("dtype", "error"), [(F64, 1e-10), (F32, 3e-4)])
def test_both_ways_equal_the_product_over_the_cube(dtype: torch.dtype, error: float) -> None:
    rgb = lattice(17, dtype)
    L, ab = rgb_to_lab(rgb)
    assert L.dtype == ab.dtype == dtype
    ours = torch.cat([L, ab], 1)[0].movedim(0, -1).numpy()
    expected = lab.rgb_to_lab(rgb[0].movedim(0, -1).double().numpy())
    np.testing.assert_allclose(ours, expected, atol=error)
    back = lab_to_rgb(L, ab)
    assert back.dtype == dtype
    np.testing.assert_allclose(back[0].movedim(0, -1), lab.lab_to_rgb(ours), atol=error)


def test_the_gamut_fits_into_110() -> None:
    _, ab = rgb_to_lab(lattice(33))
    (a_low, b_low), (a_high, b_high) = ab.amin((0, 2, 3)).tolist(), ab.amax((0, 2, 3)).tolist()
    spans = [a_low, a_high, b_low, b_high]
    np.testing.assert_allclose(spans, [-86.2, 98.2, -107.9, 94.5], atol=0.05)
    assert ab.abs().max() < 110
    assert 1 - 110 / 128 == pytest.approx(0.14, abs=0.001)  # what 128 would waste


@pytest.mark.parametrize(("dtype", "error"), [(F64, 1e-12), (F32, 2e-5)])
def test_round_trip_of_the_cube(dtype: torch.dtype, error: float) -> None:
    rgb = lattice(33, dtype)
    back = lab_to_rgb(*rgb_to_lab(rgb))
    assert (back - rgb).abs().max() < error


def lab_back(rgb: Tensor) -> Tensor:
    """Lab (3,) of any rgb (1,3,1,1), also outside [0, 1], by the formula and in float64."""
    linear = srgb_to_linear(rgb.flatten().double().numpy())
    x, y, z = (
        t ** (1 / 3) if t > DELTA**3 else t / (3 * DELTA**2) + 4 / 29
        for t in RGB_TO_XYZ @ linear / WHITE
    )
    return torch.tensor([116 * y - 16, 500 * (x - y), 200 * (y - z)], dtype=F64)


@QUICK
@given(st.floats(0, 100), st.floats(-200, 200), st.floats(-200, 200))
def test_the_way_to_rgb_inverts_exactly_out_of_gamut_too(L: float, a: float, b: float) -> None:
    colour = torch.tensor([L, a, b], dtype=F64)[None, :, None, None]
    rgb = lab_to_rgb(colour[:, :1], colour[:, 1:])
    np.testing.assert_allclose(lab_back(rgb), colour.flatten(), atol=1e-8)
    np.testing.assert_allclose(rgb.flatten(), lab.lab_to_rgb([L, a, b]), atol=1e-9)


def test_a_strong_yellow_has_a_negative_z_and_comes_back() -> None:
    """f(z) = 36/116 - 100/200 < 0: libraries that clip it at 0 give another colour."""
    L, ab = (torch.tensor(x, dtype=F64)[None, :, None, None] for x in ([20.0], [5.0, 100.0]))
    np.testing.assert_allclose(lab_back(lab_to_rgb(L, ab)), [20, 5, 100], atol=1e-9)
    clipped = torch.tensor([5.0, 200 * 36 / 116], dtype=F64)[None, :, None, None]  # f(z) = 0
    assert (lab_to_rgb(L, clipped) - lab_to_rgb(L, ab)).abs().max() > 0.05


def test_gradients_both_ways_inside_the_gamut() -> None:
    torch.manual_seed(0)
    rgb = (0.1 + 0.8 * torch.rand(1, 3, 2, 2, dtype=F64)).requires_grad_()
    assert torch.autograd.gradcheck(rgb_to_lab, rgb)
    L, ab = (x.detach().requires_grad_() for x in rgb_to_lab(rgb))
    assert torch.autograd.gradcheck(lab_to_rgb, (L, ab))
    far = torch.tensor([80.0, -100.0], dtype=F64)[None, :, None, None].requires_grad_()
    assert torch.autograd.gradcheck(lab_to_rgb, (L[..., :1, :1].detach(), far))


@pytest.mark.parametrize("dtype", [F32, F64])
def test_the_gradient_at_black_is_the_linear_slope(dtype: torch.dtype) -> None:
    rgb = torch.zeros(1, 3, 1, 1, dtype=dtype, requires_grad=True)
    L, ab = rgb_to_lab(rgb)
    (slope,) = torch.autograd.grad(L.sum(), rgb, retain_graph=True)
    assert 1 / (3 * DELTA**2) == pytest.approx(7.787, abs=1e-3)
    expected = 116 / (3 * DELTA**2) * RGB_TO_XYZ[1] / 12.92
    np.testing.assert_allclose(slope.flatten(), expected, rtol=1e-5)
    (of_ab,) = torch.autograd.grad(ab.sum(), rgb)
    assert of_ab.isfinite().all() and of_ab.any()
    L, ab = torch.zeros(1, 1, 1, 1, dtype=dtype), torch.zeros(1, 2, 1, 1, dtype=dtype)
    ab.requires_grad_()
    lab_to_rgb(L, ab).square().sum().backward()
    (back,) = torch.autograd.grad(lab_to_rgb(L, ab)[:, 0].sum(), ab)
    assert ab.grad is not None and ab.grad.isfinite().all()
    assert back.isfinite().all() and back.any()  # an odd curve by |x| and a sign has 0 there


def test_why_the_branches_are_clamped() -> None:
    """The planted fault: `where` over an unclamped power, a root of a sum of squares."""
    t = torch.zeros(2, dtype=F64, requires_grad=True)
    torch.where(t > DELTA**3, t.pow(1 / 3), t / (3 * DELTA**2) + 4 / 29).sum().backward()
    assert t.grad is not None and t.grad.isnan().all()
    (slope,) = torch.autograd.grad(t.square().sum().sqrt(), t)
    assert slope.isnan().all()
    (slope,) = torch.autograd.grad(torch.linalg.vector_norm(t), t)
    assert (slope == 0).all()


def test_no_step_at_the_threshold() -> None:
    rounded = 0.008856 ** (1 / 3) - (7.787 * 0.008856 + 16 / 116)
    assert abs(rounded) == pytest.approx(3.3e-7, abs=0.1e-7)
    threshold = torch.tensor(DELTA**3, dtype=F64)
    step = lightness(threshold * (1 + 1e-13)) - lightness(threshold * (1 - 1e-13))
    assert abs(step.item()) / 116 < 1e-12
    knee = torch.tensor([0.04045], dtype=F64)
    below, above = (lab_of((float(x),) * 3)[0] for x in (knee, torch.nextafter(knee, knee + 1)))
    assert abs(above - below) < 1e-4  # the standard's own curve has a step of 3e-8 there


def test_out_of_gamut_there_is_a_gradient_that_a_clamp_would_kill() -> None:
    L = torch.full((1, 1, 1, 1), 50.0, dtype=F64)
    ab = torch.tensor([120.0, 120.0], dtype=F64)[None, :, None, None].requires_grad_()
    rgb = lab_to_rgb(L, ab)
    outside = (rgb < 0) | (rgb > 1)
    assert outside.sum() == 3
    (slope,) = torch.autograd.grad(rgb.clamp(0, 1).sum(), ab, retain_graph=True)
    assert (slope == 0).all()
    (slope,) = torch.autograd.grad(rgb.abs().sum(), ab)
    assert (slope != 0).all() and slope.isfinite().all()


@pytest.mark.parametrize(("colour", "gap"), [((0.0, 1.0, 0.0), 0.58), ((1.0, 0.0, 0.0), 0.47)])
def test_luma_is_not_lightness(colour: tuple[float, float, float], gap: float) -> None:
    of_luma, of_lightness = 2 * float(luma(np.array(colour))) - 1, (lab_of(colour)[0] - 50) / 50
    assert abs(of_luma - of_lightness) == pytest.approx(gap, abs=0.005)


@pytest.mark.parametrize(
    "rgb",
    [
        2 * torch.rand(1, 3, 4, 4) - 1,  # the range of a network
        255 * torch.rand(1, 3, 4, 4),
        torch.full((1, 3, 4, 4), float("nan")),
        torch.full((1, 3, 4, 4), 7, dtype=torch.uint8),
        torch.rand(1, 4, 4, 3),
        torch.rand(3, 4, 4),
        torch.rand(0, 3, 4, 4),
    ],
)
def test_rgb_of_another_range_or_shape_is_refused(rgb: Tensor) -> None:
    with pytest.raises(ConfigInvalid, match="rgb must") as refusal:
        rgb_to_lab(rgb)
    assert "255" in refusal.value.remedy


def test_lab_equals_the_product_over_the_cube() -> None:
    axis = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(1, -1, 1, 3)
    rgb = cube.transpose(0, 3, 1, 2).astype(np.float32) / 255  # (1,3,n,1)
    L, ab = rgb_to_lab(torch.from_numpy(rgb))
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
    same = (np.sort(index.numpy()) == np.sort(exact_index)).all(1)
    assert same.mean() > 0.6 and error[same].max() < 1e-4
    assert error.max() < 2  # where a fifth neighbour differs, it has little weight
    np.testing.assert_allclose(weight.sum(-1).numpy(), 1, atol=1e-6)


def test_soft_encoding_golden() -> None:
    index, weight = soft_encode(torch.zeros(1, 2))
    assert bins.BINS[index[0, 0]].tolist() == [0, 0]
    np.testing.assert_allclose(weight[0].numpy(), [0.648786, *4 * [0.087804]], atol=1e-6)
    index, weight = soft_encode(torch.tensor([27.3, 14.9], dtype=F64))
    golden = {(30, 10): 0.358659, (30, 20): 0.344596, (20, 10): 0.142933, (20, 20): 0.137328}
    golden[(40, 10)] = 0.016484
    found = {
        tuple(bins.BINS[i].astype(int).tolist()): w
        for i, w in zip(index.tolist(), weight.tolist(), strict=True)
    }
    assert found == pytest.approx(golden, abs=1e-6)


def test_ties_of_soft_encoding_come_in_the_order_of_the_bins() -> None:
    index, weight = soft_encode(torch.tensor([5.0, 5.0], dtype=F64))
    assert bins.BINS[index].tolist() == [[0, 0], [0, 10], [10, 0], [10, 10], [-10, 0]]
    np.testing.assert_allclose(weight, [*4 * [0.24886], 0.004558], atol=1e-5)
    axis = np.arange(-100, 101, 5, dtype=np.float32)
    whole = np.stack(np.meshgrid(axis, axis), -1)  # every second one is a tie
    np.testing.assert_array_equal(
        soft_encode(torch.from_numpy(whole))[0], bins.soft_encode(whole)[0]
    )


def test_annealed_mean_equals_the_product() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (1, 313, 4, 5)).astype(np.float32)
    ours = annealed_mean(torch.from_numpy(logits), 0.38)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(
        ours, bins.annealed_mean(np.moveaxis(logits[0], 0, -1), 0.38), atol=1e-3
    )
