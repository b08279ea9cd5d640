"""losses/rebalanced.py: the weights' identities, and the loss against its definition."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from kolorit.colour.bins import BINS, nearest_bin, soft_encode
from kolorit.errors import ConfigInvalid
from kolorit.training.data import Batch
from kolorit.training.losses.classification import classification
from kolorit.training.losses.rebalanced import rebalanced, rebalancing_weights

BatchOf = Callable[..., Batch]
Q = 313
UNIFORM = torch.full((Q,), 1 / Q, dtype=torch.float64)


def one_hot() -> Tensor:
    return torch.eye(Q, dtype=torch.float64)[7]


def random_prior(seed: int, sharpness: float = 3.0) -> Tensor:
    noise = torch.randn(Q, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.softmax(sharpness * noise, 0)


@pytest.mark.parametrize("mix", [0.0, 0.3, 0.5, 1.0])
def test_a_uniform_prior_weighs_all_alike(mix: float) -> None:
    torch.testing.assert_close(rebalancing_weights(UNIFORM, mix), torch.ones_like(UNIFORM))


def test_the_widest_range_of_weights() -> None:
    weights = rebalancing_weights(one_hot(), 0.5)
    assert weights[7].item() == pytest.approx(1)
    assert weights[8].item() == pytest.approx(314)
    assert (weights.max() / weights.min()).item() == pytest.approx(Q + 1)


def test_the_range_of_the_public_prior() -> None:
    """Its most frequent bin has 0.20123 and its rarest 6.1e-9: a ratio of 64.0, whatever else."""
    prior = torch.full((Q,), (1 - 0.20123 - 6.1e-9) / (Q - 2), dtype=torch.float64)
    prior[0], prior[1] = 0.20123, 6.1e-9
    weights = rebalancing_weights(prior, 0.5)
    assert (weights.max() / weights.min()).item() == pytest.approx(64.0, abs=0.05)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.floats(0.01, 1), st.floats(0, 10))
def test_weights_mean_1_fall_with_the_prior_and_are_bounded(
    seed: int, mix: float, sharpness: float
) -> None:
    prior = random_prior(seed, sharpness)
    weights = rebalancing_weights(prior, mix)
    assert (prior * weights).sum().item() == pytest.approx(1, abs=1e-9)
    order = prior.argsort()
    assert (weights[order].diff() <= 1e-9 * weights.max()).all()
    assert (weights.max() / weights.min()).item() <= (1 - mix) / (mix / Q) + 1 + 1e-6
    slow = np.array([1 / ((1 - mix) * p + mix / Q) for p in prior.tolist()])
    slow /= (prior.numpy() * slow).sum()
    np.testing.assert_allclose(weights.numpy(), slow, rtol=1e-9)


def test_a_mix_of_1_is_plain_cross_entropy(batch_of: BatchOf) -> None:
    torch.manual_seed(0)
    batch = batch_of(160 * torch.rand(2, 2, 8, 8) - 80)
    out = {"logits": torch.randn(2, Q, 2, 2)}
    loss = rebalanced(out, batch, prior=random_prior(0), mix=1.0)
    torch.testing.assert_close(loss, classification(out, batch))


def test_no_knowledge_costs_ln_313_times_the_mean_weight(batch_of: BatchOf) -> None:
    torch.manual_seed(0)
    batch = batch_of(160 * torch.rand(2, 2, 4, 4, dtype=torch.float64) - 80)
    out = {"logits": torch.zeros(2, Q, 4, 4, dtype=torch.float64)}
    assert rebalanced(out, batch, prior=UNIFORM).item() == pytest.approx(math.log(Q), abs=1e-6)
    prior = random_prior(1)
    weights = rebalancing_weights(prior, 0.5).numpy()
    mean = weights[nearest_bin(batch.ab.movedim(1, -1).numpy())].mean()
    loss = rebalanced(out, batch, prior=prior)
    assert loss.item() == pytest.approx(mean * math.log(Q), rel=1e-6)


def test_perfect_logits_cost_the_weighted_entropy_of_the_target(batch_of: BatchOf) -> None:
    ab = torch.tensor([[0.0, 0.0], [32.0, 10.0]], dtype=torch.float64).T[None, :, None]  # (1,2,1,2)
    index, z = soft_encode(ab[0, :, 0].T.numpy())
    target = torch.zeros(2, Q, dtype=torch.float64)
    target.scatter_(1, torch.from_numpy(index), torch.from_numpy(z))
    prior = random_prior(2)
    weights = rebalancing_weights(prior, 0.5).numpy()
    entropies = -(z * np.log(z)).sum(1)
    expected = (weights[index[:, 0]] * entropies).mean()
    logits = target.log().T[None, :, None]  # (1,Q,1,2), -inf outside
    loss = rebalanced({"logits": logits}, batch_of(ab), prior=prior)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_gradient_is_weight_times_softmax_minus_target(batch_of: BatchOf) -> None:
    torch.manual_seed(0)
    ab = torch.tensor([[0.0, 0.0], [32.0, 10.0]], dtype=torch.float64).T[None, :, None]
    logits = torch.randn(1, Q, 1, 2, dtype=torch.float64, requires_grad=True)
    prior = random_prior(3)
    rebalanced({"logits": logits}, batch_of(ab), prior=prior).backward()
    index, z = soft_encode(ab[0, :, 0].T.numpy())
    weights = rebalancing_weights(prior, 0.5)
    assert logits.grad is not None
    for cell in (0, 1):
        target = torch.zeros(Q, dtype=torch.float64)
        target[torch.from_numpy(index[cell])] = torch.from_numpy(z[cell])
        p = torch.softmax(logits.detach()[0, :, 0, cell], 0)
        expected = weights[index[cell, 0]] * (p - target) / 2
        torch.testing.assert_close(logits.grad[0, :, 0, cell], expected, atol=1e-6, rtol=1e-6)


def test_the_weight_is_that_of_the_nearest_bin(batch_of: BatchOf) -> None:
    """Not of a neighbour, nor of what is nearest to the rounded colour, often a tie."""
    rng = np.random.default_rng(0)
    ab = np.concatenate([rng.uniform(-85, 85, (300, 2)), [[25.2, 34.8], [5.4, 14.6]]])
    prior = random_prior(4)
    weights = rebalancing_weights(prior, 0.5).numpy()
    for colour in ab:
        batch = batch_of(torch.from_numpy(colour)[None, :, None, None])
        loss = rebalanced({"logits": torch.zeros(1, Q, 1, 1).double()}, batch, prior=prior)
        nearest = np.square(BINS.astype(np.float64) - colour).sum(1).argmin()
        assert loss.item() == pytest.approx(weights[nearest] * math.log(Q), rel=1e-6)


@pytest.mark.parametrize(
    ("prior", "mix", "caught"),
    [
        (UNIFORM[:-1], 0.5, "shape"),
        (2 * UNIFORM, 0.5, "sums to 2"),
        (-one_hot() + 2 * UNIFORM, 0.5, "sums to"),
        (UNIFORM * float("nan"), 0.5, "sums to"),
        (UNIFORM, 1.5, "mix"),
        (UNIFORM, float("nan"), "mix"),
        (one_hot(), 0.0, "infinitely"),
    ],
)
def test_impossible_priors_and_mixes_are_refused(prior: Tensor, mix: float, caught: str) -> None:
    with pytest.raises(ConfigInvalid, match=caught):
        rebalancing_weights(prior, mix)
