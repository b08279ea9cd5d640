"""training/build.py: a network with its starting weights, and its losses, or words why not."""

from __future__ import annotations

import hashlib
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from kolorit.errors import CheckpointRefused, ConfigInvalid, ModelUnavailable
from kolorit.evaluate.deep.backbones import squeezenet
from kolorit.training.adversary import build_critic
from kolorit.training.build import (
    _FROM_0,
    CONFIGS,
    build_net,
    check_config,
    check_names,
    find_weights,
    make_losses,
)
from kolorit.training.checkpoint import Checkpoint, save_checkpoint
from kolorit.training.data import Batch
from kolorit.training.losses.rebalanced import rebalanced
from kolorit.training.nets import CRITICS, NETS, seed_a, unet
from kolorit.training.onnx_file import to_onnx
from kolorit.training.prior import colour_prior
from kolorit.training.recipe import Adversary, Recipe
from kolorit.training.recipe_file import load_recipe
from kolorit.training.store import Store
from kolorit.training.toml_file import toml

TINY: dict[str, Any] = {"base": 2, "depth": 1, "norm": "none"}
HINTED = {"deep": 16, "s16": 16, "s8": 16, "s4": 16, "s2": 8, "deep_blocks": 1}


def recipe(**changes: Any) -> Recipe:
    """A tiny U-Net, all else as told."""
    given = {"net": "unet", "net_config": TINY, "losses": {"l2": 1.0}, "sources": {"photos": 1.0}}
    return Recipe(name="r", **{**given, **changes})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty KOLORIT_WEIGHTS, and random numbers that are always the same."""
    torch.manual_seed(0)
    path = tmp_path / "weights"
    path.mkdir()
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(path))
    return path


def tensors(number: float) -> dict[str, Tensor]:
    """Weights of the tiny U-Net, all one number."""
    state = unet.build(**TINY).state_dict()
    return {name: torch.full_like(tensor, number) for name, tensor in state.items()}


def holds(net: nn.Module, number: float) -> bool:
    return all(bool((p == number).all()) for p in net.state_dict().values())


def save_run(path: Path, averaged: dict[str, Tensor]) -> None:
    path.parent.mkdir(exist_ok=True)
    last = {name: tensor + 100 for name, tensor in averaged.items()}
    save_checkpoint(path, Checkpoint(7, "{}", averaged, last))


def save_model(path: Path, network: bytes) -> str:
    """An .onnx with the least of a card."""
    path.write_bytes(network)
    card = {"name": path.stem, "version": "0", "sha256": hashlib.sha256(network).hexdigest()}
    look = {"prior_exponent": 0.0, "temperature": 1.0, "regression": 1.0}
    card |= {"size": 64, "multiple": 32, "looks": {"faithful": look}}
    path.with_suffix(".toml").write_text(toml(card))
    return str(path)


# Networks


def test_a_new_network_is_random_and_as_large_as_asked() -> None:
    net = build_net(recipe())
    assert net.state_dict().keys() == tensors(0).keys()
    assert {k: v.shape for k, v in net.state_dict().items()} == {
        k: v.shape for k, v in tensors(0).items()
    }
    assert not holds(net, next(iter(net.parameters())).flatten()[0].item())


def test_an_unknown_network_gets_the_known_ones() -> None:
    with pytest.raises(ConfigInvalid, match="'vgg'") as caught:
        build_net(recipe(net="vgg"))
    assert all(name in caught.value.remedy for name in NETS)


@pytest.mark.parametrize(
    ("net", "config", "word"),
    [
        ("unet", {"bases": 2}, "bases"),
        ("unet", {"base": "x"}, "base"),
        ("unet", {"base": -2}, "base"),
        ("unet", {"depth": 9}, "depth"),
        ("hinted_unet", {"deep": 256.7}, "256.7"),
        ("hinted_unet", {"deep": -4}, "-4"),
        ("hinted_unet", {"frozen": -1}, "-1"),
        ("unet", {"norm": "group"}, "group"),
        ("autoencoder", {"groups": 0}, "groups"),
        ("split_brain", {"widths": 3}, "widths"),
        ("seed_a", {"encoder": 3}, "encoder"),
        ("seed_a", {"encoder": "resnet10t", "widths": [8, 8]}, "widths"),
    ],
)
def test_wrong_options_are_refused_in_words(net: str, config: dict[str, Any], word: str) -> None:
    if net == "seed_a":
        pytest.importorskip("timm", reason="timm is not installed")
    with pytest.raises(ConfigInvalid, match=word):
        build_net(recipe(net=net, net_config=config))


GOOD: dict[str, dict[str, Any]] = {  # a value of each key, and there is a config of each net
    "unet": {"base": 2, "depth": 1, "norm": "none"},
    "hinted_unet": {**HINTED, "frozen": 0},
    "eccv16": {"base": 1, "temperature": 1},
    "autoencoder": {"widths": [4, 4], "layers": 1, "groups": 4, "latent": 2, "channels": 3},
    "split_brain": {"widths": [2, 2, 2, 2, 2], "deep": 2, "temperature": 0.5, "both": True},
    "seed_a": {
        **{"encoder": "resnet10t", "widths": [4, 4, 4, 4], "reach": 110, "aligned": False},
        **{"skips": True, "attention": False, "frozen_norms": True},
    },
    "patchgan": {"channels": 6, "base": 2, "norm": "none", "spectral": True},
}
BAD: dict[Any, tuple[tuple[Any, ...], str]] = {  # by a key's kind: what is refused, what is asked
    bool: (("no", 0, 1, 1.0, [True]), "true or false"),
    str: ((3, True, ["none"]), "text"),
    int: ((-1, 2.0, True, "2", [2], float("nan")), "a whole number"),
    float: ((0, -1.0, True, "1", [1.0], float("nan"), float("inf")), "a number above 0"),
    tuple[int, ...]: ((4, "4", [4.0], [True], [-4], [0], {"4": 4}), "a list of whole numbers"),
}


def test_every_config_is_known() -> None:
    assert set(CONFIGS) == {*NETS, *CRITICS} == set(GOOD)
    for name, kind in CONFIGS.items():
        assert set(GOOD[name]) == {field.name for field in fields(kind)}
        assert set(get_type_hints(kind).values()) <= set(BAD)


@pytest.mark.parametrize("name", GOOD)
def test_a_value_of_another_kind_is_refused(name: str) -> None:
    check_config(GOOD[name], name, "net_config")
    for key, kind in get_type_hints(CONFIGS[name]).items():
        values, wanted = BAD[kind]
        for value in (*values, *((0,) if kind is int and key not in _FROM_0 else ())):
            with pytest.raises(
                ConfigInvalid, match=re.escape(f"net_config.{key} = {value!r}")
            ) as no:
                check_config({**GOOD[name], key: value}, name, "net_config")
            assert wanted in no.value.remedy
    with pytest.raises(ConfigInvalid, match=r"unknown key 'net_config\.more'") as caught:
        check_config({"more": 1}, name, "net_config")
    assert all(key in caught.value.remedy for key in GOOD[name])


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"autoencoder"}))  # diffusers asks for sockets
def test_what_passes_builds(name: str) -> None:
    if name == "seed_a":
        pytest.importorskip("timm", reason="timm is not installed")
    for key in _FROM_0:
        if key in GOOD[name]:
            build_net(recipe(net=name, net_config={**GOOD[name], key: 0}))
    if name in NETS:
        build_net(recipe(net=name, net_config=GOOD[name]))
    else:
        critic = Adversary("hinge", 1.0, critic=name, critic_config=GOOD[name])
        build_net(recipe(adversary=critic))
        build_critic(critic)


def test_a_critic_s_config_is_checked_with_the_network_s() -> None:
    wrong = Adversary("hinge", 1.0, critic_config={"spectral": "no"})
    with pytest.raises(ConfigInvalid, match=r"adversary\.critic_config\.spectral = 'no'"):
        build_net(recipe(adversary=wrong), weights=False)


# Weights of the encoder


def test_weights_from_a_file_here_or_in_their_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(tensors(1), folder / "w.safetensors")
    one = recipe(weights="w.safetensors")
    assert find_weights(one) == folder / "w.safetensors"
    assert holds(build_net(one), 1)
    save_file(tensors(2), tmp_path / "w.safetensors")
    assert holds(build_net(recipe(weights=str(tmp_path / "w.safetensors"))), 2)
    monkeypatch.chdir(tmp_path)  # what is here comes first
    assert holds(build_net(one), 2)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert holds(build_net(recipe(weights="~/w.safetensors")), 2)


def test_only_the_shape_needs_no_weights() -> None:
    one = recipe(weights="gone.safetensors", start="gone")
    assert build_net(one, weights=False).state_dict().keys() == tensors(0).keys()


def test_missing_weights_are_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where, name in (
        (folder / "gone.safetensors", "gone.safetensors"),
        (tmp_path / "gone.safetensors", str(tmp_path / "gone.safetensors")),
        (folder, str(folder)),
    ):
        with pytest.raises(ConfigInvalid, match="weights are missing") as caught:
            build_net(recipe(weights=name))
        assert caught.value.file == str(where)
        assert '"none"' in caught.value.remedy
    monkeypatch.delenv("KOLORIT_WEIGHTS")
    with pytest.raises(ConfigInvalid, match="KOLORIT_WEIGHTS is not set"):
        build_net(recipe(weights="gone.safetensors"))
    with pytest.raises(ConfigInvalid, match="weights are missing"):  # its place is known
        build_net(recipe(weights=str(tmp_path / "gone.safetensors")))


@pytest.mark.parametrize("content", [b"", b"not weights", (2**60).to_bytes(8, "little")])
def test_unreadable_weights_are_named(folder: Path, content: bytes) -> None:
    (folder / "w.safetensors").write_bytes(content)
    with pytest.raises(ConfigInvalid, match="cannot be read") as caught:
        build_net(recipe(weights="w.safetensors"))
    assert caught.value.file == str(folder / "w.safetensors")


@pytest.mark.parametrize("net", ["unet", "hinted_unet", "eccv16"])
def test_weights_of_another_network_are_named(folder: Path, net: str) -> None:
    """The file is to blame, whatever the network makes of it."""
    small = {"unet": TINY, "hinted_unet": HINTED, "eccv16": {"base": 2}}[net]
    names = [f"features.{k}.0.weight" for k in range(60)]
    for path, content in (
        ("few", {"other.weight": torch.ones(3)}),
        ("many", {name: torch.ones(1, 1, 1, 1) for name in names[:52]}),  # no norms beside them
    ):
        save_file(content, folder / path)
        with pytest.raises(ConfigInvalid, match=f"weights = '{path}'"):
            build_net(recipe(net=net, net_config=small, weights=path))


def test_imagenet_is_for_the_first_study_s_network(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigInvalid, match="imagenet"):
        build_net(recipe(weights="imagenet"))
    asked: list[str] = []

    def found(encoder: str) -> str:
        asked.append(encoder)
        return str(folder / encoder)

    monkeypatch.setattr(seed_a, "imagenet", found)
    for config in ({}, {"encoder": "resnet10t"}):
        path = find_weights(recipe(net="seed_a", net_config=config, weights="imagenet"))
        assert path == folder / asked[-1]
    assert asked == ["inception_resnet_v2", "resnet10t"]


# Start


def test_it_starts_from_the_best_of_a_run(tmp_path: Path) -> None:
    """And there from the averaged weights."""
    run = tmp_path / "run"
    save_run(run / "last.safetensors", tensors(1))
    assert holds(build_net(recipe(start=str(run))), 1)
    save_run(run / "best.safetensors", tensors(2))
    assert holds(build_net(recipe(start=str(run))), 2)
    assert holds(build_net(recipe(start=str(run / "last.safetensors"))), 1)


def test_a_start_brings_the_encoder_s_weights(tmp_path: Path) -> None:
    save_run(tmp_path / "run" / "best.safetensors", tensors(2))
    assert holds(build_net(recipe(start=str(tmp_path / "run"), weights="gone.safetensors")), 2)


def test_some_parts_may_be_anew(tmp_path: Path) -> None:
    """Those named stay as they were built, all else comes from the start."""
    save_run(tmp_path / "run" / "best.safetensors", tensors(2))
    part = next(iter(build_net(recipe()).state_dict())).split(".")[0]
    new = build_net(recipe(start=str(tmp_path / "run"), anew=(part,))).state_dict()
    fresh = [name for name in new if name.startswith(f"{part}.")]
    assert fresh and not any((new[n] == 2).all() for n in fresh if n.endswith("weight"))
    assert all((p == 2).all() for name, p in new.items() if name not in fresh)


def test_with_parts_anew_the_encoder_s_weights_are_asked_for(tmp_path: Path) -> None:
    """A start alone brings them; parts anew may be the encoder's."""
    save_run(tmp_path / "run" / "best.safetensors", tensors(2))
    given: dict[str, Any] = {"start": str(tmp_path / "run"), "weights": "gone.safetensors"}
    part = next(iter(build_net(recipe()).state_dict())).split(".")[0]
    with pytest.raises(ConfigInvalid, match="weights are missing"):
        build_net(recipe(**given, anew=(part,)))


def test_parts_anew_that_cannot_be_meant(tmp_path: Path) -> None:
    save_run(tmp_path / "run" / "best.safetensors", tensors(2))
    with pytest.raises(ConfigInvalid, match="without a start"):
        build_net(recipe(anew=("up",)))
    with pytest.raises(ConfigInvalid, match="'nowhere'") as caught:
        build_net(recipe(start=str(tmp_path / "run"), anew=("nowhere",)))
    assert next(iter(dict(build_net(recipe()).named_children()))) in caught.value.remedy


def test_a_start_that_cannot_be_read_or_does_not_fit(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(CheckpointRefused, match=r"last\.safetensors"):
        build_net(recipe(start=str(run)))
    save_file(tensors(1), run / "best.safetensors")  # tensors, but no checkpoint
    with pytest.raises(CheckpointRefused, match=r"best\.safetensors"):
        build_net(recipe(start=str(run)))
    save_run(run / "best.safetensors", tensors(1))
    for other in ({**TINY, "base": 3}, {**TINY, "depth": 2}, {**TINY, "norm": "batch"}):
        with pytest.raises(ConfigInvalid, match="do not fit"):
            build_net(recipe(start=str(run), net_config=other))
    for gone in ("no-such-model", str(tmp_path / "gone.onnx")):
        with pytest.raises(ModelUnavailable):
            build_net(recipe(start=gone))


def test_a_start_that_is_none_gets_a_remedy_of_its_own(tmp_path: Path, folder: Path) -> None:
    """Not that of a run which goes on, nor that of a picture which is coloured."""
    save_file({"features.0.0.weight": torch.ones(2)}, folder / "imagenet.safetensors")
    (tmp_path / "notes.txt").write_text("a text")
    (tmp_path / "notes.safetensors").write_text("a text")
    (tmp_path / "notes.onnx").write_text("a text")
    for start in (folder / "imagenet.safetensors", *sorted(tmp_path.glob("notes.*")), folder, "no"):
        with pytest.raises((CheckpointRefused, ModelUnavailable)) as caught:
            build_net(recipe(start=str(start)))
        assert Path(start).stem in str(caught.value), start
        for word in ("start", "run's folder", ".onnx", "encoder"):
            assert word in caught.value.remedy, start


def test_training_goes_on_from_a_model(tmp_path: Path) -> None:
    """Also where a bias is all zeros, which the .onnx leaves out."""
    net = unet.build(**TINY).eval()
    nn.init.normal_(net.ab.weight, std=0.5)
    assert not net.ab.bias.any()  # type: ignore[union-attr]
    start = save_model(tmp_path / "small.onnx", to_onnx(net))
    again = build_net(recipe(start=start)).eval()
    L, hints = 100 * torch.rand(1, 1, 64, 96), torch.zeros(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(again(L, hints), net(L, hints), atol=0.1, rtol=0.01)
        assert net(L, hints)["ab"].std() > 1
    for other in (
        {"net_config": {**TINY, "base": 3}},
        {"net": "hinted_unet", "net_config": HINTED},
    ):
        with pytest.raises(ConfigInvalid, match="do not fit"):
            build_net(recipe(start=start, **other))
    path = Path(start)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelUnavailable, match="sha256"):
        build_net(recipe(start=start))


def test_a_network_with_norms_goes_on_from_its_run(
    tmp_path: Path, exported_unet: tuple[nn.Module, bytes]
) -> None:
    """The exporter folds norms away, so its .onnx is refused, and the folder is what helps."""
    (net, network), config = exported_unet, {"base": 4}
    save_model(tmp_path / "model.onnx", network)
    with pytest.raises(ConfigInvalid, match="do not fit") as caught:
        build_net(recipe(net_config=config, start=str(tmp_path / "model.onnx")))
    assert "run's folder" in caught.value.remedy
    save_run(tmp_path / "best.safetensors", net.state_dict())
    again = build_net(recipe(net_config=config, start=str(tmp_path))).state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in net.state_dict().items())


def test_the_shipped_model_can_be_gone_on_from() -> None:
    net = build_net(load_recipe("finetune-my-folder"))
    assert any(not p.requires_grad for p in net.parameters())  # what its recipe freezes
    with torch.no_grad():
        ab = net.eval()(torch.full((1, 1, 32, 32), 50.0), torch.zeros(1, 3, 32, 32))["ab"]
    assert ab.isfinite().all()


# Losses


@pytest.fixture
def store() -> Store:
    """Ten squares, the last two of them red and held out."""
    squares = np.random.default_rng(0).integers(90, 140, (10, 64, 64, 3), dtype=np.uint8)
    squares[8:] = (250, 20, 20)
    hashes = tuple(f"{(2 * k + 1) * 2**63 // 10:016x}" for k in range(10))
    return Store(squares, np.zeros(10, np.int32), ("photos",), hashes, (1.0,))


def answer(px: int = 32) -> tuple[dict[str, Tensor], Batch]:
    ab = 40 * torch.rand(2, 2, px, px)
    out = {"ab": 40 * torch.rand(2, 2, px, px), "logits": torch.randn(2, 313, px // 4, px // 4)}
    return out, Batch(100 * torch.rand(2, 1, px, px), torch.zeros(2, 3, px, px), ab)


def test_losses_come_with_their_options(store: Store) -> None:
    options = {"l2": {"scale": 110.0}, "smooth_l1": {"beta": 0.0}}
    losses = {"l1": 1.0, "l2": 0.5, "smooth_l1": 0.1}
    made = make_losses(recipe(losses=losses, loss_options=options), store)
    assert list(made) == list(losses)
    out, batch = answer()
    difference = out["ab"] - batch.ab
    assert made["l2"](out, batch).item() == pytest.approx(
        difference.square().mean().item() / 110**2, rel=1e-5
    )
    assert made["smooth_l1"](out, batch) == made["l1"](out, batch) == difference.abs().mean()


def test_the_prior_is_that_of_the_training_split(store: Store) -> None:
    one = recipe(
        losses={"rebalanced": 1.0}, validation=0.2, loss_options={"rebalanced": {"mix": 0}}
    )
    out, batch = answer()
    value = make_losses(one, store)["rebalanced"](out, batch)
    prior = torch.from_numpy(colour_prior(store, one))
    torch.testing.assert_close(value, rebalanced(out, batch, prior=prior, mix=0.0))
    half = recipe(losses={"rebalanced": 1.0}, validation=0.01)  # one of the red ones is in
    whole = torch.from_numpy(colour_prior(store, half))
    assert not torch.isclose(value, rebalanced(out, batch, prior=whole, mix=0.0))


def test_what_has_no_weight_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No prior is counted, no file is looked for: there is none."""
    nothing: Any = None
    monkeypatch.delenv("KOLORIT_WEIGHTS")
    losses = {"l2": 1.0, "rebalanced": 0.0, "perceptual": 0.0}
    assert set(make_losses(recipe(losses=losses), nothing)) == set(losses)


@pytest.mark.parametrize("lab", ["true", "as-run"])
def test_trying_them_leaves_the_random_numbers_alone(lab: str, store: Store) -> None:
    torch.manual_seed(5)
    want = torch.rand(3)
    torch.manual_seed(5)
    make_losses(recipe(losses={"l1": 1.0, "l2": 1.0, "total_variation": 1.0}, lab=lab), store)
    assert torch.equal(torch.rand(3), want)


def test_a_loss_that_needs_true_lab_is_refused_without_it(store: Store) -> None:
    with pytest.raises(ConfigInvalid, match="not true Lab"):
        make_losses(recipe(losses={"ssim": 1.0}, lab="as-run"), store)


@pytest.mark.parametrize(
    ("changes", "words", "remedy"),
    [
        ({"losses": {"l7": 1.0}}, "no loss 'l7'", "smooth_l1"),
        ({"losses": {"l7": 0.0}}, "no loss 'l7'", "smooth_l1"),
        ({"penalties": {"nuclear": 1.0}}, "no penalty 'nuclear'", "nuclear_norm"),
        ({"loss_options": {"l2": {"beta": 1.0}}}, "no option 'beta'", "It has: scale."),
        ({"loss_options": {"l2": {"out": 1.0}}}, "no option 'out'", "It has: scale."),
        ({"loss_options": {"l1": {"x": 1.0}}, "losses": {"l1": 1.0}}, "no option 'x'", "none"),
        (
            {"loss_options": {"rebalanced": {"prior": [1]}}, "losses": {"rebalanced": 1.0}},
            "no option 'prior'",
            "It has: mix.",
        ),
        ({"loss_options": {"l2": {"scale": "x"}}}, "loss_options.l2", ""),
        ({"loss_options": {"l2": {"scale": [1, 2]}}}, "loss_options.l2", ""),
        ({"loss_options": {"l2": {"scale": -1.0}}}, "scale of l2", "above 0"),
        ({"loss_options": {"rebalanced": {"mix": 2}}, "losses": {"rebalanced": 1.0}}, "mix", "0"),
    ],
)
def test_wrong_losses_and_options_are_refused(
    store: Store, changes: dict[str, Any], words: str, remedy: str
) -> None:
    with pytest.raises(ConfigInvalid, match=words) as caught:
        make_losses(recipe(**changes), store)
    assert remedy in caught.value.remedy


def perceptual(**options: Any) -> Recipe:
    return recipe(losses={"perceptual": 1.0}, loss_options={"perceptual": options})


def test_deep_features_without_their_files_are_refused_before_training(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options, words in (
        ({}, "missing"),
        ({"weights": "gone.safetensors"}, "missing"),
        ({"backbone": "vgg16"}, "no weights for the backbone vgg16"),
        ({"backbone": "resnet", "weights": "w"}, "no backbone 'resnet'"),
    ):
        with pytest.raises(ConfigInvalid, match=words):
            make_losses(perceptual(**options), store)
    save_file({"features.0.weight": torch.ones(1)}, folder / "w.safetensors")
    with pytest.raises(ConfigInvalid, match="not the weights of squeezenet"):
        make_losses(perceptual(weights="w.safetensors"), store)
    monkeypatch.delenv("KOLORIT_WEIGHTS")
    with pytest.raises(ConfigInvalid, match="KOLORIT_WEIGHTS is not set"):
        make_losses(perceptual(), store)


def test_deep_features_with_their_files(store: Store, folder: Path) -> None:
    save_file(squeezenet().state_dict(), folder / "w.safetensors")
    made = make_losses(perceptual(weights="w.safetensors"), store)
    assert made["perceptual"](*answer()) > 0
    with pytest.raises(ConfigInvalid, match="missing"):
        make_losses(perceptual(weights="w.safetensors", linear="gone.safetensors"), store)
    small = recipe(
        losses={"perceptual": 1.0},
        loss_options={"perceptual": {"weights": "w.safetensors"}},
        final_crops=(16,),
    )
    with pytest.raises(ConfigInvalid, match="too small"):
        make_losses(small, store)


def test_names_are_checked_without_data(tiny_recipe: Path) -> None:
    for change, word in (
        ("losses.foo=1", "no loss 'foo'"),
        ("penalties.foo=1", "no penalty 'foo'"),
    ):
        with pytest.raises(ConfigInvalid, match=word):
            check_names(load_recipe(str(tiny_recipe), (change,)))
