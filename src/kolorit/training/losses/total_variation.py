"""Total variation of the predicted ab: smooth colour, whatever the truth."""

from __future__ import annotations

from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.spaces import read_ab


def total_variation(out: dict[str, Tensor], batch: Batch) -> Tensor:
    """Mean of |difference| of all pairs of neighbours, across and down, in ab units.

    out["ab"] (B,2,h,w) in ab units, at least two pixels. 0 for one colour. Raises ConfigInvalid as
    `spaces.read_ab`. Source: Rudin, Osher, Fatemi 1992, in its anisotropic form.
    """
    ab, _ = read_ab(out, batch)
    across = (ab[..., 1:] - ab[..., :-1]).abs()  # (B,2,h,w-1)
    down = (ab[..., 1:, :] - ab[..., :-1, :]).abs()  # (B,2,h-1,w)
    pairs = across.numel() + down.numel()
    if not pairs:
        raise ConfigInvalid("one pixel has no neighbours", remedy="Give larger pictures.")
    return (across.sum() + down.sum()) / pairs
