"""How common each ab bin is in the training photographs."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from kolorit.colour.bins import BINS
from kolorit.training.colour import soft_encode
from kolorit.training.data import lightness_and_ab
from kolorit.training.recipe import Recipe
from kolorit.training.store import Store, split

RAREST = 1e-5


def colour_prior(store: Store, recipe: Recipe, stride: int = 4, pictures: int = 2000) -> np.ndarray:
    """Share of each ab bin (Q,) in the training split: mean soft target at a stride.

    Each picture counts as often as an epoch shows it. No share is far under 1e-5: a bin that was
    hardly seen says little about how rare it is, and read-outs divide by it.
    """
    train, _ = split(store, recipe.validation)
    chosen = train[np.linspace(0, len(train) - 1, min(pictures, len(train))).astype(int)]
    total = torch.zeros(len(BINS), dtype=torch.float64)
    for index in chosen:
        _, ab = lightness_and_ab(np.ascontiguousarray(store.squares[index])[None])
        cells = F.avg_pool2d(torch.from_numpy(ab), stride)[0].permute(1, 2, 0)  # (h/s,w/s,2)
        bins, weight = soft_encode(cells)
        shown = store.weights[store.source[index]]
        counts = shown * weight.reshape(-1).double()
        total += torch.bincount(bins.reshape(-1), counts, minlength=len(BINS))
    prior = np.maximum((total / total.sum()).numpy(), RAREST)
    return np.asarray(prior / prior.sum())
