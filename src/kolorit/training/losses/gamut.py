"""A penalty on colours that sRGB does not have, beside losses that go through RGB."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from kolorit.training.colour import lab_to_rgb
from kolorit.training.data import Batch
from kolorit.training.losses.spaces import read_lab


def gamut(out: dict[str, Tensor], batch: Batch) -> Tensor:
    """Mean over pixels and channels of how far the unclipped rgb is outside [0, 1].

    out["ab"] (B,2,h,w) in ab units, batch.L (B,1,h,w) 0..100. 0 where all colours exist; the
    gradient pulls the others back in. Raises ConfigInvalid as `spaces.read_lab`.
    """
    L, shown, _ = read_lab(out, batch)
    rgb = lab_to_rgb(L, shown)  # (B,3,h,w)
    return (F.relu(-rgb) + F.relu(rgb - 1)).mean()
