"""Soft-encoded cross-entropy over the 313 ab bins, unrebalanced.

Colourful read-outs come from the prior exponent at read-out instead of weights in the loss, so
one network serves the faithful and the vivid look.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kolorit.training.colour import soft_encode
from kolorit.training.data import Batch
from kolorit.training.losses.spaces import read_logits


def classification(out: dict[str, Tensor], batch: Batch) -> Tensor:
    """-sum_q z_q log p_q, mean over cells, in nats.

    out["logits"] (B,Q,h/s,w/s) any real; batch.ab (B,2,h,w) in ab units, averaged to the logits'
    stride and soft-encoded to its 5 nearest bins (sigma 5). Logits of 0 give ln 313 = 5.7462.
    Raises ConfigInvalid as `spaces.read_logits`. Source: Zhang et al. 2016, eq. 2.
    """
    entropies, _, _ = cross_entropies(out, batch)
    return entropies.mean()


def cross_entropies(out: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Each cell's -sum_q z_q log p_q (B,h/s,w/s), and its target: bins and weights (B,h/s,w/s,5).

    Takes and raises what `classification` does.
    """
    logits, cells = read_logits(out, batch)
    index, weight = soft_encode(cells.permute(0, 2, 3, 1))  # (B,h/s,w/s,5) each
    # Bins last before the softmax, not after: in channels-last memory that is a fifth of a step.
    log_p = torch.log_softmax(logits.permute(0, 2, 3, 1), -1)  # (B,h/s,w/s,Q)
    return -(weight * log_p.gather(-1, index)).sum(-1), index, weight
