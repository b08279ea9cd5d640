"""losses/perceptual.py: the traps of deep losses. The distance itself: evaluate/deep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.backbones import BACKBONES, CPU, load_backbone
from kolorit.evaluate.deep.distance import feature_distance
from kolorit.training.data import Batch
from kolorit.training.losses.perceptual import perceptual

F32 = torch.float32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the backbones, and heads for one of them."""
    folder = tmp_path_factory.mktemp("weights")
    for name in BACKBONES:
        torch.manual_seed(0)
        save_file(BACKBONES[name]().state_dict(), folder / f"{name}.safetensors")
    torch.manual_seed(1)
    heads = {
        f"alex.lin{k}.model.1.weight": torch.rand(1, C, 1, 1)
        for k, C in enumerate((64, 192, 384, 256, 256))
    }
    save_file(heads, folder / "heads.safetensors")
    return folder


@pytest.mark.parametrize("name", BACKBONES)
def test_gradients_reach_ab_and_no_weight(
    name: str, folder: Path, colours: Callable[..., Batch]
) -> None:
    batch = colours(side=32, dtype=F32)
    path = folder / f"{name}.safetensors"
    options = {"backbone": name, "weights": str(path)}
    shown = (2 * batch.ab).requires_grad_()  # many of them out of gamut
    perceptual({"ab": shown}, batch, **options).backward()
    assert shown.grad is not None and shown.grad.isfinite().all()
    assert (shown.grad != 0).float().mean() > 0.9
    net = load_backbone(name, path, CPU, F32)
    assert all(p.grad is None for p in net.parameters())
    assert perceptual({"ab": batch.ab}, batch, **options).item() == 0


def test_flat_black_has_a_finite_gradient(folder: Path, batch_of: Callable[..., Batch]) -> None:
    """Where no feature is above 0, a root of the sum of squares would have none."""
    shown = torch.zeros(1, 2, 32, 32, requires_grad=True)
    batch = batch_of(torch.full((1, 2, 32, 32), 5.0), torch.zeros(1, 1, 32, 32))
    perceptual({"ab": shown}, batch, weights=str(folder / "squeezenet.safetensors")).backward()
    assert shown.grad is not None and shown.grad.isfinite().all()
    nothing = torch.zeros(1, 4, 2, 2, requires_grad=True)
    feature_distance([nothing], [torch.ones(1, 4, 2, 2)]).sum().backward()
    assert nothing.grad is not None and nothing.grad.isfinite().all()


def test_lightness_of_another_scale_is_refused(folder: Path, colours: Callable[..., Batch]) -> None:
    batch = colours(side=32)
    wrong = replace(batch, L=(batch.L - 50) / 50)
    with pytest.raises(ConfigInvalid, match="L must lie in"):
        perceptual({"ab": batch.ab}, wrong, weights=str(folder / "squeezenet.safetensors"))
    with pytest.raises(ConfigInvalid, match="not true Lab"):
        perceptual({"ab": batch.ab}, replace(batch, reach=182.0))


def test_the_loss_takes_heads(
    folder: Path, colours: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(folder))
    batch = colours(side=32, dtype=F32)
    out = {"ab": torch.zeros_like(batch.ab)}
    options = {"backbone": "alexnet", "weights": "alexnet.safetensors"}
    plain = perceptual(out, batch, **options)
    headed = perceptual(out, batch, **options, linear="heads.safetensors")
    assert 0 < headed < plain  # these heads are below 1


def test_files_that_do_not_serve_are_refused(
    folder: Path, colours: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(folder))
    batch = colours(side=32, dtype=F32)
    out = {"ab": batch.ab}
    with pytest.raises(ConfigInvalid, match="missing") as refusal:
        perceptual(out, batch)  # the one at hand is not in this folder
    assert refusal.value.file == str(folder / "squeezenet1_1_caffe_fp16.safetensors")
    with pytest.raises(ConfigInvalid, match="no weights for the backbone vgg16"):
        perceptual(out, batch, backbone="vgg16")
    with pytest.raises(ConfigInvalid, match="no backbone"):
        perceptual(out, batch, backbone="vgg", weights="squeezenet.safetensors")
    own = {"weights": "squeezenet.safetensors"}
    with pytest.raises(ConfigInvalid, match=r"no heads 'squeeze\.lin"):
        perceptual(out, batch, **own, linear="heads.safetensors")
    swapped = folder / "swapped.safetensors"
    save_file({"squeeze.lin0.model.1.weight": torch.ones(1, 64, 1, 1)}, swapped)
    with pytest.raises(ConfigInvalid, match="another backbone"):
        perceptual(out, batch, **own, linear=str(swapped))
    small = colours(side=24, dtype=F32)
    with pytest.raises(ConfigInvalid, match="too small"):
        perceptual({"ab": small.ab}, small, **own)


def test_squeezenet_at_hand_grows_with_the_error(
    weights_folder: Path, colours: Callable[..., Batch]
) -> None:
    batch = colours(side=48, dtype=F32)
    values = [perceptual({"ab": k * batch.ab}, batch).item() for k in (1.0, 0.7, 0.4, 0.0)]
    assert values[0] == 0 and values == sorted(values) and values[-1] > 0.1
