"""training/optimiser.py: any of torch's by name, the encoder slower, norms and biases free."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid
from kolorit.training.optimiser import OPTIMISERS, make_optimiser, set_rates
from kolorit.training.recipe import Recipe

REFUSED = {"lbfgs", "sparseadam", "muon"}  # muon takes matrices only, and a network has biases


def recipe(optimiser: str = "adamw", **changes: Any) -> Recipe:
    return Recipe("r", "unet", {"l2": 1.0}, {"photos": 1.0}, optimiser=optimiser, **changes)


class Small(nn.Module):
    """Like the networks: an encoder by that name, a norm, a scalar."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.encoders = nn.Conv2d(4, 4, 1)  # no part of it
        self.gamma = nn.Parameter(torch.ones(()))
        self.ab = nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.gamma * self.ab(torch.relu(self.encoders(self.encoder(x))))


@pytest.fixture
def net() -> Small:
    torch.manual_seed(0)
    return Small()


def group_of(optimiser: torch.optim.Optimizer, parameter: Tensor) -> dict[str, Any]:
    (group,) = [
        g for g in optimiser.param_groups if any(parameter is p for p in g["params"])
    ]  # each is in one
    return group


def test_torch_has_those_that_a_recipe_asks_for() -> None:
    assert {"adam", "adamw", "sgd", "radam", "rmsprop", "adafactor"} <= OPTIMISERS.keys()
    assert "optimizer" not in OPTIMISERS


@pytest.mark.parametrize("name", sorted(set(OPTIMISERS) - REFUSED))
def test_each_learns(name: str, net: Small) -> None:
    optimiser = make_optimiser(net, recipe(name, lr=1e-2, encoder_lr=1e-2, weight_decay=0.0))
    x, y = torch.randn(4, 1, 8, 8), torch.full((4, 2, 8, 8), 0.5)
    values = []
    for _ in range(30):
        optimiser.zero_grad()
        value = (net(x) - y).square().mean()
        value.backward()
        values.append(value.item())
        optimiser.step()
    assert values[-1] < values[0]
    assert all(p.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize("name", sorted(REFUSED & OPTIMISERS.keys()))
def test_those_that_cannot_say_so(name: str, net: Small) -> None:
    with pytest.raises(ConfigInvalid, match=name):
        make_optimiser(net, recipe(name))


def test_the_encoder_has_a_rate_of_its_own_and_norms_are_not_decayed(net: Small) -> None:
    one = recipe(lr=1e-3, encoder_lr=1e-4, weight_decay=0.25)
    optimiser = make_optimiser(net, one)
    for name, parameter in net.named_parameters():
        group = group_of(optimiser, parameter)
        assert group["lr"] == group["full_lr"] == (1e-4 if name.startswith("encoder.") else 1e-3)
        decayed = name in ("encoder.0.weight", "encoders.weight", "ab.weight")
        assert group["weight_decay"] == (0.25 if decayed else 0.0), name
    assert optimiser.param_groups[-1]["full_lr"] == 1e-3


def test_what_is_frozen_stays_out(net: Small) -> None:
    net.encoder.requires_grad_(False)
    optimiser = make_optimiser(net, recipe())
    held = {id(p) for group in optimiser.param_groups for p in group["params"]}
    assert held == {id(p) for n, p in net.named_parameters() if not n.startswith("encoder.")}
    with pytest.raises(ConfigInvalid, match="nothing"):
        make_optimiser(net.requires_grad_(False), recipe())


def test_the_order_of_the_parameters_does_not_depend_on_the_rates(net: Small) -> None:
    """A run may go on with other rates: the state of each parameter must find its own again."""
    orders = [
        [id(p) for group in make_optimiser(net, one).param_groups for p in group["params"]]
        for one in (
            recipe(lr=1e-3, encoder_lr=1e-4),
            recipe(lr=1e-3, encoder_lr=1e-3),
            recipe(lr=1e-4, encoder_lr=1e-3),
        )
    ]
    assert orders[0] == orders[1] == orders[2]
    assert len(orders[0]) == len(list(net.parameters()))


def test_sgd_is_nesterov_with_momentum_unless_told_otherwise(net: Small) -> None:
    plain = make_optimiser(net, recipe("sgd")).param_groups[0]
    assert (plain["momentum"], plain["nesterov"]) == (0.9, True)
    options = {"momentum": 0.0, "nesterov": False}
    told = make_optimiser(net, recipe("sgd", optimiser_options=options)).param_groups[0]
    assert (told["momentum"], told["nesterov"]) == (0.0, False)


def test_the_first_study_s_adam(net: Small) -> None:
    adam = make_optimiser(net, recipe("adam", optimiser_options={"betas": [0.5, 0.999]}))
    assert type(adam) is torch.optim.Adam
    assert all(tuple(group["betas"]) == (0.5, 0.999) for group in adam.param_groups)


@pytest.mark.parametrize("name", ["adamm", "AdamW", "optimizer", ""])
def test_a_wrong_name_gets_the_right_ones(net: Small, name: str) -> None:
    with pytest.raises(ConfigInvalid, match=f"'{name}'") as caught:
        make_optimiser(net, recipe(name))
    assert "adamw" in caught.value.remedy
    assert "lbfgs" not in caught.value.remedy


@pytest.mark.parametrize("option", ["beta", "lr", "weight_decay", "params", "capturable", "self"])
def test_a_wrong_option_gets_the_right_ones(net: Small, option: str) -> None:
    """Also one that is a key of the recipe: it would be passed over without a word."""
    with pytest.raises(ConfigInvalid, match=f"no option '{option}'") as caught:
        make_optimiser(net, recipe("adam", optimiser_options={option: 1}))
    assert "amsgrad, betas" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("adam", {"betas": [0.9]}),
        ("adam", {"betas": [0.9, 1.5]}),
        ("adam", {"betas": 3}),
        ("adam", {"eps": "x"}),
        ("adam", {"fused": True, "foreach": True}),
        ("sgd", {"momentum": -1}),
        ("sgd", {"momentum": 0}),
        ("rprop", {"etas": [1]}),
    ],
)
def test_wrong_values_are_refused(net: Small, name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigInvalid, match=next(iter(options))):
        make_optimiser(net, recipe(name, optimiser_options=options))


def test_rates_follow_the_schedule(net: Small) -> None:
    optimiser = make_optimiser(net, recipe(lr=1e-3, encoder_lr=1e-4))
    for share in (0.5, 0.1):  # of the full rate, not of the last one
        set_rates(optimiser, share)
        assert {g["lr"] for g in optimiser.param_groups} == {1e-3 * share, 1e-4 * share}
