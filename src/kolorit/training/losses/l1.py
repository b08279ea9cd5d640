"""L1 on ab: its best constant is the median, so rare colours weigh less than under L2."""

from __future__ import annotations

from torch import Tensor

from kolorit.training.data import Batch
from kolorit.training.losses.spaces import read_ab


def l1(out: dict[str, Tensor], batch: Batch) -> Tensor:
    """Mean of |d| over pixels and both channels, in ab units.

    out["ab"] and batch.ab (B,2,h,w) in ab units. Raises ConfigInvalid as `spaces.read_ab`.
    """
    shown, truth = read_ab(out, batch)
    return (shown - truth).abs().mean()
