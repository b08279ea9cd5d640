"""activations.py: penalties against their formulas; hooks hear, and are gone afterwards."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kolorit.training.nets.autoencoder import Autoencoder
from kolorit.training.representation.activations import (
    FEATURE_PENALTIES,
    last_linear,
    latents_of,
    listening,
    weigh_features,
)
from kolorit.training.representation.classifiers import CLASSIFIERS
from kolorit.training.representation.encoder_decoder import EncoderDecoder
from kolorit.training.representation.pretexts import PRETEXTS
from kolorit.training.representation.supervised import Supervised

SMALL = Autoencoder(widths=(4, 8, 8), layers=1, groups=2)


@pytest.mark.parametrize(("B", "D"), [(6, 4), (4, 9)])
def test_penalties_are_their_formulas(B: int, D: int) -> None:
    F = torch.randn(B, D, dtype=torch.float64)
    values = np.linalg.svd(F.numpy(), compute_uv=False)
    assert FEATURE_PENALTIES["nuclear_norm"](F).item() == pytest.approx(values.sum() / B)
    assert FEATURE_PENALTIES["l2"](F).item() == pytest.approx((F**2).sum().item() / B)
    C = np.corrcoef(F.numpy().T)
    want = ((C - np.eye(D)) ** 2).sum() / D
    assert FEATURE_PENALTIES["decorrelation"](F).item() == pytest.approx(want, rel=1e-5)


def test_a_feature_that_never_changes_is_no_infinity() -> None:
    F = torch.zeros(5, 3, requires_grad=True)
    for penalty in FEATURE_PENALTIES.values():
        value = penalty(F)
        (slope,) = torch.autograd.grad(value, F)
        assert torch.isfinite(value) and torch.isfinite(slope).all()


def test_the_weighted_sum_is_over_all_that_was_heard() -> None:
    heard = [torch.full((2, 1, 2, 2), 3.0), torch.full((2, 5), 1.0)]
    assert weigh_features({"l2": 0.5}, heard).item() == pytest.approx(0.5 * (4 * 9 + 5))


def test_latents_are_heard_while_it_lasts() -> None:
    x = torch.rand(2, 1, 16, 16)
    for decoder in ("light", "seed"):
        net = EncoderDecoder(SMALL, decoder, 3)
        with listening(latents_of(net)) as heard:
            net(x)
        assert len(heard) == 1 and torch.equal(heard[0], net.features(x)["latent"])
        net(x)
        assert len(heard) == 1
    pair = PRETEXTS["split-brain"].make_net(SMALL, "light", 2)
    assert len(latents_of(pair)) == 2 and len(latents_of(Supervised(SMALL, 2))) == 1


@pytest.mark.parametrize(
    ("kind", "wide"), [("two-conv", 256), ("resnet18", 512), ("vit_tiny", 192)]
)
def test_what_a_classifiers_last_layer_sees(kind: str, wide: int) -> None:
    net = CLASSIFIERS[kind](4, 8, 5).eval()
    with listening([last_linear(net)], inputs=True) as heard:
        scores = net(torch.rand(2, 4, 8, 8))
    assert heard[0].shape == (2, wide)
    assert torch.equal(last_linear(net)(heard[0]), scores)
