"""Smooth L1 on ab: quadratic for errors below beta, linear above."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def smooth_l1(out: dict[str, Tensor], ab: Tensor, beta: float = 5.0) -> Tensor:
    """Mean over pixels and both channels of 0.5 d^2 / beta below beta, |d| - beta / 2 above.

    out["ab"] and ab (B,2,h,w) in ab units (about -110..110); beta in ab units too. Raises
    ValueError when the shapes differ. Source: Girshick 2015, eq. 3, with a movable knee.
    """
    if out["ab"].shape != ab.shape:
        raise ValueError(f"ab is {tuple(out['ab'].shape)}, the truth {tuple(ab.shape)}")
    return F.smooth_l1_loss(out["ab"], ab, beta=beta)
