"""losses/kernels.py: what counts as a kernel, and each penalty against its definition."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kolorit.training.losses import PENALTIES
from kolorit.training.losses.kernels import departure, kernels_of, largest_singular_value

F64 = torch.float64


class Net(nn.Module):
    """One of each: convolution, transposed and depthwise ones, linear, norms, an embedding."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 8, 3)
        self.up = nn.ConvTranspose2d(8, 6, 4, groups=2)
        self.depthwise = nn.Conv2d(6, 6, 3, groups=6)
        self.linear = nn.Linear(5, 4)
        self.norms = nn.ModuleList([nn.BatchNorm2d(8), nn.GroupNorm(2, 8), nn.LayerNorm((8, 4))])
        self.scale = nn.Parameter(torch.ones(8, 1, 1))


def test_kernels_are_out_by_in_k_k_and_norms_and_biases_are_none() -> None:
    net = Net()
    shapes = [tuple(k.shape) for k in kernels_of(net)]
    assert shapes == [(8, 27), (6, 4 * 16), (6, 9), (4, 5)]
    rows = kernels_of(net)[1]
    # Group 1 of the transposed convolution makes outputs 3 to 5 of inputs 4 to 7.
    torch.testing.assert_close(rows[4].reshape(4, 4, 4), net.up.weight[4:, 1])


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_leave_norms_and_biases_alone(name: str) -> None:
    net = Net()
    PENALTIES[name](net).backward()
    moved = {key for key, p in net.named_parameters() if p.grad is not None}
    assert moved == {f"{part}.weight" for part in ("conv", "up", "depthwise", "linear")}
    before = PENALTIES[name](net).item()
    for key, p in net.named_parameters():
        if key not in moved:
            p.data.fill_(1e3)
    assert PENALTIES[name](net).item() == before


@pytest.mark.parametrize("name", PENALTIES)
def test_frozen_kernels_and_networks_without_any(name: str) -> None:
    assert PENALTIES[name](Net().requires_grad_(False)).item() == 0
    assert PENALTIES[name](nn.ReLU()).item() == 0


def test_kernel_l2_is_the_sum_of_squares() -> None:
    net = Net()
    kernels = (net.conv.weight, net.up.weight, net.depthwise.weight, net.linear.weight)
    expected = sum(float((k.detach().double() ** 2).sum()) for k in kernels)
    assert PENALTIES["kernel_l2"](net).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("n", [1, 4, 9])
def test_orthogonality_goldens(n: int) -> None:
    torch.manual_seed(n)
    Q = torch.linalg.qr(torch.randn(n, n, dtype=F64))[0]
    assert departure(Q).item() == pytest.approx(0, abs=1e-12)
    assert departure(Q[: max(1, n // 2)]).item() == pytest.approx(0, abs=1e-12)
    assert departure(2 * torch.eye(n, dtype=F64)).item() == pytest.approx(9 * n)
    net = nn.Linear(n, n).double()
    net.weight.data = 2 * torch.eye(n, dtype=F64)
    assert PENALTIES["orthogonality"](net).item() == pytest.approx(9 * n)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 2**31))
def test_orthogonality_equals_its_formula_whichever_side_is_longer(
    rows: int, columns: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(rows, columns, generator=generator, dtype=F64, requires_grad=True)
    plain = (W @ W.T - torch.eye(rows, dtype=F64)).square().sum()
    torch.testing.assert_close(departure(W), plain)
    (ours,), (theirs,) = torch.autograd.grad(departure(W), W), torch.autograd.grad(plain, W)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("shape", [(64, 576), (512, 512), (32, 27), (313, 80), (1, 9), (4, 4)])
def test_power_iteration_equals_the_decomposition(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    W = torch.randn(shape) / shape[1] ** 0.5
    expected = torch.linalg.svdvals(W)[0].item()
    assert largest_singular_value(W).item() == pytest.approx(expected, rel=1e-4)


def test_its_gradient_is_u_v_transposed() -> None:
    torch.manual_seed(0)
    W = torch.randn(5, 7, dtype=F64, requires_grad=True)
    largest_singular_value(W).backward()
    U, _, Vh = torch.linalg.svd(W.detach())
    torch.testing.assert_close(W.grad, U[:, :1] @ Vh[:1], atol=1e-6, rtol=0)


def test_a_kernel_that_sums_to_zero_is_measured_too() -> None:
    """Started from ones, the iteration would never leave the null space of an edge detector."""
    W = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=F64)
    assert largest_singular_value(W).item() == pytest.approx(2)
    assert largest_singular_value(torch.zeros(3, 4)).item() == 0


def test_spectral_norm_sums_kernels_and_leaves_the_random_numbers_alone() -> None:
    net = Net()
    expected = sum(torch.linalg.svdvals(k)[0].item() for k in kernels_of(net))
    state = torch.get_rng_state()
    assert PENALTIES["spectral_norm"](net).item() == pytest.approx(expected, rel=1e-4)
    assert torch.equal(torch.get_rng_state(), state)
