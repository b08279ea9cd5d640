"""pretexts.py: what goes in, what is asked for, and that each loss is least at the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kolorit.colour.bins import BINS
from kolorit.errors import ConfigInvalid
from kolorit.training.nets.autoencoder import Autoencoder
from kolorit.training.representation.pictures import (
    Pictures,
    Preprocessing,
    colour_prior,
    to_pictures,
)
from kolorit.training.representation.pretexts import PRETEXTS, losses_of
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.splits import Domain
from kolorit.training.representation.study import Arm, Perceptual

from .conftest import food

SMALL = Autoencoder(widths=(8, 16, 16), layers=1, groups=8)


@pytest.fixture
def pictures() -> Pictures:
    rgb = np.stack([food(k, 0) for k in (0, 2, 3, 5)])
    return to_pictures(rgb, np.array([0, 2, 3, 5]), Preprocessing(32), torch.device("cpu"))


def cheap(name: str) -> Arm:
    """An arm with that pretext and the losses that need no weights of others."""
    all_of = PRETEXTS[name].weights
    return Arm("pretext", name, losses={k: v for k, v in all_of.items() if k != "perceptual"})


@pytest.mark.parametrize("name", PRETEXTS)
def test_a_step_along_the_gradient_lowers_the_loss(name: str, pictures: Pictures) -> None:
    torch.manual_seed(0)
    pretext = PRETEXTS[name]
    net = pretext.make_net(SMALL, "light", 6)
    losses = losses_of(cheap(name), Perceptual())

    def loss() -> torch.Tensor:
        out, target = net(pretext.make_input(pictures)), pretext.make_target(pictures)
        return sum((w * f(out, target) for w, f in losses.values()), torch.zeros(()))

    before = loss()
    before.backward()
    slopes = {k: p.grad for k, p in net.named_parameters()}
    assert all(g is not None and g.isfinite().all() for g in slopes.values())
    with torch.no_grad():
        length = torch.stack([g.square().sum() for g in slopes.values()]).sum().sqrt()
        for p in net.parameters():
            p -= 0.01 * p.grad / length
    assert loss() < before


@pytest.mark.parametrize("name", ["rgb", "grey", "ab"])
def test_the_truth_has_no_loss(name: str, pictures: Pictures) -> None:
    pretext = PRETEXTS[name]
    target: Any = pretext.make_target(pictures)
    truth = target.ab / 110 if name == "ab" else torch.atanh(target.clamp(-1 + 1e-6, 1 - 1e-6))
    for weight, loss in losses_of(cheap(name), Perceptual()).values():
        assert weight * loss(truth, target) < 1e-6
        assert weight * loss(truth + 0.1, target) > 1e-4


def test_smooth_l1_of_the_second_study(pictures: Pictures) -> None:
    """beta 1 on [-1, 1]: 0.5 d^2 for d below 1. A grey answer of 0 to all-white: 0.5."""
    loss = PRETEXTS["rgb"].losses(Perceptual(), None)["smooth_l1"]
    assert loss(torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)) == pytest.approx(0.5)


def test_uniform_bins_cost_the_logarithm_of_their_number(pictures: Pictures) -> None:
    pretext = PRETEXTS["bins"]
    (weight, loss), *_ = losses_of(cheap("bins"), Perceptual()).values()
    logits = torch.zeros(4, len(BINS), 8, 8)
    assert weight * loss(logits, pretext.make_target(pictures)) == pytest.approx(5.7462, abs=1e-4)


def test_rebalanced_classes_weigh_by_the_prior_of_the_pretexts_pictures(
    food_set: ClassSet, domains: dict[str, Domain], pictures: Pictures
) -> None:
    prior = colour_prior(food_set, domains["in"].pretext, 4)
    assert prior.sum() == pytest.approx(1) and 1e-6 < prior.min() < 1e-4 and prior.max() > 0.02
    arm = Arm("pretext", "bins", losses={"rebalanced": 1.0})
    target, logits = PRETEXTS["bins"].make_target(pictures), torch.zeros(4, len(BINS), 8, 8)
    values = []
    for some in (prior, torch.full((len(BINS),), 1 / len(BINS), dtype=torch.float64)):
        ((_, loss),) = losses_of(arm, Perceptual(), some).values()
        values.append(float(loss(logits, target)))
    assert values[1] == pytest.approx(5.7462, abs=1e-4)  # a uniform prior weighs all bins alike
    assert abs(values[0] - values[1]) > 0.1


def test_lightness_bins_are_two_units_wide(pictures: Pictures) -> None:
    loss = PRETEXTS["split-brain"].losses(Perceptual(), None)["lightness"]
    lab = PRETEXTS["split-brain"].make_target(pictures)
    want = (lab.L / 2).long().clamp(0, 49)[:, 0]  # (B,h,w)
    sure = torch.nn.functional.one_hot(want, 50).permute(0, 3, 1, 2) * 50.0
    assert loss((torch.zeros(0), sure), lab) < 1e-6


def test_targets(pictures: Pictures) -> None:
    rgb, grey = (PRETEXTS[name].make_target(pictures) for name in ("rgb", "grey"))
    assert rgb.shape == grey.shape == (4, 3, 32, 32)
    assert -1 <= rgb.min() < -0.3 and 0.3 < rgb.max() <= 1
    assert torch.equal(grey[:, 0], grey[:, 1]) and torch.equal(grey[:, :1], pictures.grey)
    assert not torch.equal(rgb[:, 0], rgb[:, 1])
    assert torch.equal(PRETEXTS["labels"].make_target(pictures), torch.tensor([0, 2, 3, 5]))


def test_a_distorted_input_has_a_clean_target(pictures: Pictures) -> None:
    inverted = Pictures(pictures.rgb, pictures.label, pictures.preprocessing, 1 - pictures.rgb)
    for name in ("rgb", "grey", "ab"):
        pretext = PRETEXTS[name]
        assert not torch.allclose(pretext.make_input(inverted), pretext.make_input(pictures))
        one, other = pretext.make_target(inverted), pretext.make_target(pictures)
        assert torch.equal(getattr(one, "ab", one), getattr(other, "ab", other))


def test_all_but_split_brain_see_grey(pictures: Pictures) -> None:
    for name, pretext in PRETEXTS.items():
        assert pretext.make_input(pictures).shape[1] == (3 if name == "split-brain" else 1)


def test_the_feature_distance_runs_from_0_to_1(weights_folder: Path, pictures: Pictures) -> None:
    loss = PRETEXTS["rgb"].losses(Perceptual(), None)["perceptual"]
    target = PRETEXTS["rgb"].make_target(pictures)
    assert loss(torch.atanh(target.clamp(-0.999, 0.999)), target) < 0.01
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
    assert 0.1 < loss(noise, target) < 1


@pytest.mark.parametrize(
    ("arm", "cause"),
    [
        (Arm("pretext", "colours"), "no pretext 'colours'"),
        (Arm("pretext", "ab", losses={"classification": 1.0}), "'ab' has no loss 'classification'"),
        (Arm("pretext", "ab", losses={"l1": 0.0}), "no loss .* has a weight"),
    ],
)
def test_what_there_is_not(arm: Arm, cause: str) -> None:
    with pytest.raises(ConfigInvalid, match=cause):
        losses_of(arm, Perceptual())
