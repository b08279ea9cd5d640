"""Class-rebalanced soft cross-entropy: a cell of a rare colour counts for more."""

from __future__ import annotations

from torch import Tensor

from kolorit.colour.bins import BINS
from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.classification import cross_entropies


def rebalanced(out: dict[str, Tensor], batch: Batch, *, prior: Tensor, mix: float = 0.5) -> Tensor:
    """-v sum_q z_q log p_q, mean over cells, in nats; v = the weight of the cell's nearest bin.

    Takes what `classification` takes, with a prior and a mix as in `rebalancing_weights`; a mix of
    1 is plain cross-entropy. Raises ConfigInvalid as both. Source: Zhang et al. 2016, eq. 2 to 4.
    """
    weights = rebalancing_weights(prior, mix)
    entropies, bins, shares = cross_entropies(out, batch)
    # The neighbours are those of a whole ab unit: the nearest bin has the largest share.
    nearest = bins.gather(-1, shares.argmax(-1, keepdim=True))[..., 0]  # (B,h/s,w/s)
    return (weights.to(entropies)[nearest] * entropies).mean()


def rebalancing_weights(prior: Tensor, mix: float) -> Tensor:
    """Weights w (Q,), float64: w ~ 1 / ((1 - mix) prior + mix / Q), scaled so that sum p w = 1.

    prior (Q,): how often each of the 313 bins occurs in the training pictures, summing to 1; mix
    in [0, 1], the share of the uniform prior. A uniform prior gives weights of 1. Raises
    ConfigInvalid for another prior or mix, and for a bin that never occurs at mix 0. Source: Zhang
    et al. 2016, eq. 4.
    """
    if not 0 <= mix <= 1:
        raise ConfigInvalid(f"the mix of rebalanced is {mix}", remedy="Use 0 to 1.")
    p = prior.detach().double()
    if p.shape != (len(BINS),) or not bool((p >= 0).all()) or not abs(p.sum().item() - 1) < 1e-3:
        raise ConfigInvalid(
            f"the prior of rebalanced has shape {tuple(p.shape)} and sums to {p.sum().item():g}",
            remedy=f"Give shares of the {len(BINS)} bins, none negative, that sum to 1.",
        )
    mixed = (1 - mix) * p + mix / len(p)
    if not bool((mixed > 0).all()):
        raise ConfigInvalid(
            "a bin that never occurs would weigh infinitely much", remedy="Use a mix above 0."
        )
    weights = 1 / mixed
    return weights / (p * weights).sum()
