"""The nuclear norm: the sum of the singular values, whose penalty makes kernels of low rank."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid
from kolorit.training.losses.kernels import kernels_of, total_of


def nuclear_norm_of_kernels(net: nn.Module) -> Tensor:
    """Sum over the network's kernels (out, in k k) of their nuclear norms."""
    return total_of(net, [nuclear_norm(kernel) for kernel in kernels_of(net)])


def nuclear_norm(A: Tensor) -> Tensor:
    """Sum of the singular values of A (rows, columns).

    Its gradient is U V^T where all of them are above 0, and one of the subgradients elsewhere.
    """
    values: Tensor = torch.linalg.svdvals(A)
    return values.sum()


def soft_threshold(A: Tensor, t: float) -> Tensor:
    """A (rows, columns) with each singular value less t, at least 0: what comes after a step.

    The X that has the least t ||X||_* + ||X - A||_F^2 / 2. Raises ConfigInvalid for t below 0.
    Source: Cai, Candes, Shen 2010, theorem 2.1.
    """
    if not t >= 0:
        raise ConfigInvalid(f"a threshold of {t}", remedy="Use 0 or more.")
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    shrunk: Tensor = (U * (S - t).clamp(min=0)) @ Vh
    return shrunk
