"""Soft-encoded cross-entropy over the 313 ab bins, unrebalanced.

Colourful read-outs come from the prior exponent at read-out instead of weights in the loss, so
one network serves the faithful and the vivid look.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kolorit.training.colour import soft_encode


def classification(out: dict[str, Tensor], ab: Tensor) -> Tensor:
    """-sum_q z_q log p_q, mean over cells, in nats.

    out["logits"] (B,Q,h/s,w/s) any real; ab (B,2,h,w) in ab units, averaged to the logits' stride
    and soft-encoded to its 5 nearest bins (sigma 5). Logits of 0 give ln 313 = 5.7462. Raises
    ValueError when h, w are no multiple of the logits' size. Source: Zhang et al. 2016, eq. 2.
    """
    logits = out["logits"]
    stride = ab.shape[-1] // logits.shape[-1]
    if ab.shape[-2] != logits.shape[-2] * stride or ab.shape[-1] != logits.shape[-1] * stride:
        raise ValueError(f"logits {tuple(logits.shape)} do not tile ab {tuple(ab.shape)}")
    cells = F.avg_pool2d(ab, stride) if stride > 1 else ab  # (B,2,h/s,w/s)
    index, weight = soft_encode(cells.permute(0, 2, 3, 1))  # (B,h/s,w/s,5) each
    # Bins last before the softmax, not after: in channels-last memory that is a fifth of a step.
    log_p = torch.log_softmax(logits.permute(0, 2, 3, 1), -1)  # (B,h/s,w/s,Q)
    return -(weight * log_p.gather(-1, index)).sum(-1).mean()
