"""Penalties on a network's kernels: their size, their departure from orthogonality, their gain.

A kernel is the weight of a convolution or a linear layer, as a matrix (out, in k k). Norms and
biases are no kernels. Frozen kernels are left out: a penalty cannot move them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

_ITERATIONS = 400  # random kernels of 512 rows need them for 1e-4


def kernels_of(net: nn.Module) -> list[Tensor]:
    """The kernels that a network trains, each (out, in k k), with gradient."""
    return [
        _matrix(module)
        for module in net.modules()
        if isinstance(module, (_ConvNd, nn.Linear)) and module.weight.requires_grad
    ]


def kernel_l2(net: nn.Module) -> Tensor:
    """Sum of the squares of all kernels' weights."""
    return total_of(net, [kernel.square().sum() for kernel in kernels_of(net)])


def orthogonality(net: nn.Module) -> Tensor:
    """Sum over kernels W of ||W W^T - I||_F^2. Source: Brock et al. 2017, eq. 3, squared norm."""
    return total_of(net, [departure(kernel) for kernel in kernels_of(net)])


def spectral_norm(net: nn.Module) -> Tensor:
    """Sum over kernels of their largest singular value. Source: Yoshida and Miyato 2017."""
    return total_of(net, [largest_singular_value(kernel) for kernel in kernels_of(net)])


def departure(W: Tensor) -> Tensor:
    """||W W^T - I||_F^2 of W (rows, columns); 0 if and only if the rows are orthonormal.

    With more rows than columns it is rows - columns at the least; the smaller product W^T W then
    gives the same number but for that constant.
    """
    spare = max(0, W.shape[0] - W.shape[1])
    gram = W.T @ W if spare else W @ W.T
    return (gram - torch.eye(len(gram), dtype=W.dtype, device=W.device)).square().sum() + spare


def largest_singular_value(W: Tensor) -> Tensor:
    """Of W (rows, columns), by power iteration without state; its gradient is u v^T."""
    with torch.no_grad():
        A = W if W.shape[0] <= W.shape[1] else W.T
        gram = A @ A.T
        # From fixed noise: a regular vector can be orthogonal to the one that is sought.
        noise = torch.Generator().manual_seed(0)
        u = torch.randn(len(gram), generator=noise, dtype=torch.float64).to(gram)
        for _ in range(_ITERATIONS):
            u = nn.functional.normalize(gram @ u, dim=0)
        v = nn.functional.normalize(A.T @ u, dim=0)
        left, right = (u, v) if A is W else (v, u)
    return left @ W @ right


def total_of(net: nn.Module, parts: list[Tensor]) -> Tensor:
    """The sum of the kernels' parts; 0 for a network without kernels, on its device."""
    if parts:
        return torch.stack(parts).sum()
    return torch.zeros((), device=next((p.device for p in net.parameters()), None))


def _matrix(module: nn.Module) -> Tensor:
    weight = module.weight
    assert isinstance(weight, Tensor)
    if isinstance(module, _ConvTransposeNd):  # its weight is (in, out / groups, k, k)
        groups = module.groups
        weight = weight.reshape(groups, -1, *weight.shape[1:]).transpose(1, 2).flatten(0, 1)
    return weight.flatten(1)
