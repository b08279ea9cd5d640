"""Smooth L1 on ab: quadratic for errors below beta, linear above."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.spaces import read_ab


def smooth_l1(out: dict[str, Tensor], batch: Batch, *, beta: float = 5.0) -> Tensor:
    """Mean over pixels and both channels of 0.5 d^2 / beta below beta, |d| - beta / 2 above.

    out["ab"] and batch.ab (B,2,h,w) in ab units; beta in ab units too, 0 or more (0 is L1). Raises
    ConfigInvalid as `spaces.read_ab`, and for beta. Source: Girshick 2015, eq. 3, with a movable
    knee.
    """
    if not beta >= 0:
        raise ConfigInvalid(f"the beta of smooth_l1 is {beta}", remedy="Use 0 or more ab units.")
    shown, truth = read_ab(out, batch)
    return F.smooth_l1_loss(shown, truth, beta=beta)
