"""L2 on ab: its best constant is the mean, which for colours is a brownish grey."""

from __future__ import annotations

from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.spaces import read_ab


def l2(out: dict[str, Tensor], batch: Batch, *, scale: float = 1.0) -> Tensor:
    """Mean of (d / scale)^2 over pixels and both channels.

    out["ab"] and batch.ab (B,2,h,w) in ab units; scale in ab units, above 0: with 128 this is the
    mean squared error of ab / 128. Raises ConfigInvalid as `spaces.read_ab`, and for the scale.
    """
    if not scale > 0:
        raise ConfigInvalid(f"the scale of l2 is {scale}", remedy="Use a number above 0.")
    shown, truth = read_ab(out, batch)
    return ((shown - truth) / scale).square().mean()
