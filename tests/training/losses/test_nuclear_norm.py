"""losses/nuclear_norm.py: identities of the nuclear norm."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid
from kolorit.training.losses import PENALTIES
from kolorit.training.losses.nuclear_norm import nuclear_norm, soft_threshold

F64 = torch.float64
QUICK = settings(deadline=None, max_examples=30)
SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(0, 2**31))


def matrix(shape: tuple[int, int, int]) -> Tensor:
    generator = torch.Generator().manual_seed(shape[2])
    return torch.randn(shape[:2], generator=generator, dtype=F64)


def orthogonal(n: int, seed: int) -> Tensor:
    q: Tensor = torch.linalg.qr(matrix((n, n, seed)))[0]
    return q


@pytest.mark.parametrize("n", [1, 3, 8])
def test_of_the_identity_and_of_rank_one(n: int) -> None:
    assert nuclear_norm(torch.eye(n, dtype=F64)).item() == pytest.approx(n)
    u, v = matrix((n, 1, 0)), matrix((5, 1, 1))
    expected = (u.norm() * v.norm()).item()
    assert nuclear_norm(u @ v.T).item() == pytest.approx(expected)


@QUICK
@given(SHAPES)
def test_bounds_and_invariance(shape: tuple[int, int, int]) -> None:
    A = matrix(shape)
    norm, frobenius = nuclear_norm(A).item(), A.norm().item()
    rank = min(A.shape)
    assert frobenius <= norm * (1 + 1e-9)
    assert norm <= rank**0.5 * frobenius * (1 + 1e-9)
    turned = orthogonal(A.shape[0], 1) @ A @ orthogonal(A.shape[1], 2)
    assert nuclear_norm(turned).item() == pytest.approx(norm, rel=1e-9)


def test_its_gradient_is_u_v_transposed() -> None:
    A = matrix((4, 6, 5)).requires_grad_()
    nuclear_norm(A).backward()
    U, _, Vh = torch.linalg.svd(A.detach(), full_matrices=False)
    torch.testing.assert_close(A.grad, U @ Vh)
    assert torch.autograd.gradcheck(nuclear_norm, matrix((3, 4, 6)).requires_grad_())


def test_at_zero_its_gradient_is_a_subgradient() -> None:
    A = torch.zeros(3, 5, dtype=F64, requires_grad=True)
    nuclear_norm(A).backward()
    assert A.grad is not None and A.grad.isfinite().all()
    assert torch.linalg.svdvals(A.grad).max() <= 1 + 1e-9


@QUICK
@given(SHAPES, st.floats(0, 4))
def test_soft_threshold_takes_t_off_each_singular_value(
    shape: tuple[int, int, int], t: float
) -> None:
    A = matrix(shape)
    X = soft_threshold(A, t)
    expected = (torch.linalg.svdvals(A) - t).clamp(min=0)
    torch.testing.assert_close(torch.linalg.svdvals(X), expected, rtol=1e-9, atol=1e-9)

    def cost(X: Tensor) -> float:
        return (t * nuclear_norm(X) + (X - A).square().sum() / 2).item()

    for seed in range(5):  # it is the least of them
        step = 0.1 * matrix((shape[0], shape[1], seed))
        assert cost(X + step) > cost(X)


def test_a_negative_threshold_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="threshold"):
        soft_threshold(torch.eye(2), -1.0)


def test_penalty_of_a_network_is_the_sum_over_its_kernels() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 3, 1))
    kernels = [net[0].weight.reshape(5, 18), net[3].weight.reshape(3, 5)]
    expected = sum(torch.linalg.matrix_norm(k, "nuc").item() for k in kernels)
    assert PENALTIES["nuclear_norm"](net).item() == pytest.approx(expected, rel=1e-5)
