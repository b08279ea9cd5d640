"""encoder_decoder.py, split_brain_pair.py, two_conv.py: numbers of the second study, and shapes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from kolorit.errors import ConfigInvalid
from kolorit.training.nets import autoencoder
from kolorit.training.nets.autoencoder import Autoencoder
from kolorit.training.representation.encoder_decoder import (
    Encoder,
    EncoderDecoder,
    random_encoder,
)
from kolorit.training.representation.split_brain_pair import SplitBrainPair
from kolorit.training.representation.two_conv import TwoConv

SMALL = Autoencoder(widths=(4, 8, 8), layers=1, groups=4)


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_the_second_studys_autoencoder() -> None:
    net = EncoderDecoder(Autoencoder(), "seed", 3)
    assert count(net.encoder) == 533_544 + 36
    assert count(net) == 1_287_631


@pytest.mark.parametrize(
    ("channels", "parameters"), [(3, 325_093), (4, 326_245), (1, 322_789), (8, 330_853)]
)
def test_the_second_studys_probe(channels: int, parameters: int) -> None:
    net = TwoConv(channels, 101)
    assert count(net) == parameters
    assert net(torch.zeros(2, channels, 8, 8)).shape == (2, 101)


def test_a_latent_of_another_size_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="8 channels, this probe takes 4"):
        TwoConv(4, 101)(torch.zeros(2, 8, 16, 16))


def test_stages_and_answer_are_those_of_the_whole_autoencoder() -> None:
    torch.manual_seed(0)
    whole = autoencoder.build(**vars(SMALL)).eval()
    net = EncoderDecoder(SMALL, "seed", 3).eval()
    net.encoder.encode, net.encoder.quant = whole.encode, whole.quant
    net.decode = whole.decode
    L = 100 * torch.rand(2, 1, 16, 16)
    seen: list[torch.Tensor] = []
    whole.encode.conv_in.register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    with torch.no_grad():
        want, rgb = whole.features(L), whole(L)["rgb"]
        stages = net.features(seen[0], decoder=True)
        assert list(stages) == list(want)
        for name, maps in stages.items():
            torch.testing.assert_close(maps, want[name])
        torch.testing.assert_close((torch.tanh(net(seen[0])) + 1) / 2, rgb)


@pytest.mark.parametrize("decoder", ["seed", "light"])
def test_shapes(decoder: str) -> None:
    x = torch.zeros(2, 1, 24, 32)
    assert EncoderDecoder(SMALL, decoder, 5)(x).shape == (2, 5, 24, 32)
    cells = EncoderDecoder(SMALL, decoder, 5, cells=True)
    assert cells(x).shape == (2, 5, 6, 8)
    latent = cells.features(x)["latent"]
    assert latent.shape == (2, 4, 6, 8)
    assert ("up1" in cells.features(x, decoder=True)) == (decoder == "seed")
    assert "up1" not in cells.features(x)


def test_the_light_decoder_is_light() -> None:
    light, seed = (EncoderDecoder(Autoencoder(), name, 3) for name in ("light", "seed"))
    assert count(light.decode) < count(seed.decode) / 10


def test_an_unknown_decoder() -> None:
    with pytest.raises(ConfigInvalid, match="decoder = 'heavy'"):
        EncoderDecoder(SMALL, "heavy", 3)


def test_a_random_encoder_is_of_its_seed_and_leaves_the_runs_numbers_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, same, other = (random_encoder(SMALL, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, first.parameters(), same.parameters()))
    assert not all(map(torch.equal, first.parameters(), other.parameters()))


def test_the_split_brain_pair_has_the_others_stages_and_each_half_sees_its_side() -> None:
    pair = SplitBrainPair(Autoencoder(widths=(8, 16, 16), layers=1, groups=4), "light")
    x = torch.rand(2, 3, 16, 16, requires_grad=True)
    stages = pair.features(x)
    want = Encoder(Autoencoder(widths=(8, 16, 16), layers=1, groups=4)).features(x[:, :1])
    assert {k: v.shape for k, v in stages.items()} == {k: v.shape for k, v in want.items()}
    colour, lightness = pair(x)
    assert (colour.shape, lightness.shape) == ((2, 313, 4, 4), (2, 50, 4, 4))
    for answer, sees in ((colour, [True, False, False]), (lightness, [False, True, True])):
        (slope,) = torch.autograd.grad(answer.square().sum(), x, retain_graph=True)
        assert [bool(s.abs().sum() > 0) for s in slope.unbind(1)] == sees


def test_a_pair_needs_even_numbers() -> None:
    with pytest.raises(ConfigInvalid, match="split-brain halves"):
        SplitBrainPair(Autoencoder(widths=(4, 8, 8), layers=1, groups=4, latent=3), "light")
