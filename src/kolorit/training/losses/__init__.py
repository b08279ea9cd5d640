"""One loss a file; these tables name them.

LOSSES        a loss takes the network's output (a dict, ab in units), the batch and its own
              options, and gives one number. It refuses a batch of another space or range.
PENALTIES     a penalty takes a network and gives one number, whatever the batch.
ADVERSARIAL   the critic's side and the generator's, as functions of the critic's answers.
weigh         the sum of losses by their weights.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from kolorit.training.losses import (
    classification,
    colourfulness,
    gamut,
    kernels,
    l1,
    l2,
    nuclear_norm,
    perceptual,
    rebalanced,
    smooth_l1,
    ssim,
    total_variation,
)
from kolorit.training.losses.adversarial import ADVERSARIAL, gradient_penalty
from kolorit.training.losses.total import weigh

LOSSES: dict[str, Callable[..., Tensor]] = {
    "l1": l1.l1,
    "l2": l2.l2,
    "smooth_l1": smooth_l1.smooth_l1,
    "ssim": ssim.ssim_loss,
    "perceptual": perceptual.perceptual,
    "classification": classification.classification,
    "rebalanced": rebalanced.rebalanced,
    "colourfulness": colourfulness.colourfulness,
    "gamut": gamut.gamut,
    "total_variation": total_variation.total_variation,
}

PENALTIES: dict[str, Callable[[nn.Module], Tensor]] = {
    "nuclear_norm": nuclear_norm.nuclear_norm_of_kernels,
    "kernel_l2": kernels.kernel_l2,
    "orthogonality": kernels.orthogonality,
    "spectral_norm": kernels.spectral_norm,
}

__all__ = ["ADVERSARIAL", "LOSSES", "PENALTIES", "gradient_penalty", "weigh"]
