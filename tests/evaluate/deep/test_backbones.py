"""deep/backbones.py: torchvision's networks, layer by layer, with the weights of a file."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.backbones import BACKBONES, CPU, load_backbone, normalise, to_tensor

F32 = torch.float32
MODELS = {"squeezenet": "squeezenet1_1", "vgg16": "vgg16", "alexnet": "alexnet"}
WIDTHS = {
    "squeezenet": [64, 128, 256, 384, 384, 512, 512],
    "vgg16": [64, 128, 256, 512, 512],
    "alexnet": [64, 192, 384, 256, 256],
}
# torchvision layers whose output is read: the last of each stage in the public LPIPS
LAST = {
    "squeezenet": (1, 4, 7, 9, 10, 11, 12),
    "vgg16": (3, 8, 15, 22, 29),
    "alexnet": (1, 4, 7, 9, 11),
}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[nn.Module, Path]]:
    """torchvision's layers of a name with random weights, and a file with them."""
    models = pytest.importorskip("torchvision.models")
    folder = tmp_path_factory.mktemp("weights")
    made: dict[str, tuple[nn.Module, Path]] = {}

    def of(name: str) -> tuple[nn.Module, Path]:
        if name not in made:
            with torch.device("meta"):  # the classifiers are large and not wanted
                features = getattr(models, MODELS[name])(weights=None).features
            features = features.to_empty(device="cpu")
            torch.manual_seed(0)
            for p in features.parameters():
                nn.init.normal_(p, 0.01, (2 / max(1, p[0].numel())) ** 0.5 if p.ndim > 1 else 0.1)
            path = folder / f"{name}.safetensors"
            tensors = {f"features.{k}": v for k, v in features.state_dict().items()}
            save_file({**tensors, "classifier.1.bias": torch.zeros(3)}, path)
            made[name] = features, path
        return made[name]

    return of


@pytest.mark.parametrize("name", BACKBONES)
def test_features_equal_torchvisions(
    name: str, theirs: Callable[[str], tuple[nn.Module, Path]]
) -> None:
    layers, path = theirs(name)
    net = load_backbone(name, path, CPU, F32)
    torch.manual_seed(1)
    rgb = torch.rand(2, 3, 66, 80)  # poolings that round up differ from those that do not
    x, expected = normalise(rgb), []
    with torch.no_grad():
        for k, layer in enumerate(layers.children()):
            x = layer(x)
            if k in LAST[name]:
                expected.append(x.clone())  # the next layer may work in place
    found = net(rgb)
    assert [f.shape[1] for f in found] == WIDTHS[name]
    for ours, other in zip(found, expected, strict=True):
        assert (ours >= 0).all() and ours.std() > 1e-3
        torch.testing.assert_close(ours, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("squeezenet", 722_496), ("vgg16", 14_714_688), ("alexnet", 2_469_696)],
)
def test_parameters(name: str, parameters: int) -> None:
    with torch.device("meta"):
        net = BACKBONES[name]()
    assert sum(p.numel() for p in net.parameters()) == parameters


def test_lpips_scaling_is_imagenets() -> None:
    """LPIPS shifts and scales [-1, 1]; that is the mean and the deviation of [0, 1]."""
    rgb = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    shift = torch.tensor([-0.030, -0.088, -0.188], dtype=torch.float64)[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450], dtype=torch.float64)[:, None, None]
    torch.testing.assert_close(normalise(rgb), (2 * rgb - 1 - shift) / scale, rtol=0, atol=1e-12)


def test_a_network_is_loaded_once_for_each_file_device_and_type(
    theirs: Callable[[str], tuple[nn.Module, Path]], tmp_path: Path
) -> None:
    _, path = theirs("squeezenet")
    first = load_backbone("squeezenet", path, CPU, F32)
    assert load_backbone("squeezenet", path, CPU, F32) is first
    assert load_backbone("squeezenet", path, CPU, torch.float64) is not first
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(path.read_bytes())
    assert load_backbone("squeezenet", copy, CPU, F32) is not first


def test_loading_leaves_the_random_numbers_alone_and_freezes(
    theirs: Callable[[str], tuple[nn.Module, Path]], tmp_path: Path
) -> None:
    copy = tmp_path / "other.safetensors"
    copy.write_bytes(theirs("squeezenet")[1].read_bytes())
    state = torch.get_rng_state()
    with torch.inference_mode():  # a validation comes first
        net = load_backbone("squeezenet", copy, CPU, F32)
    assert torch.equal(torch.get_rng_state(), state)
    assert not net.training and not any(p.requires_grad for p in net.parameters())
    rgb = torch.rand(1, 3, 32, 32, requires_grad=True)
    sum(f.sum() for f in net(rgb)).backward()  # and training goes on
    assert rgb.grad is not None and rgb.grad.any()


def test_a_network_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="no backbone 'resnet'") as refusal:
        load_backbone("resnet", tmp_path / "nothing.safetensors", CPU, F32)
    assert "squeezenet, vgg16, alexnet" in refusal.value.remedy


def test_weights_of_another_network_are_refused(
    theirs: Callable[[str], tuple[nn.Module, Path]],
) -> None:
    with pytest.raises(ConfigInvalid, match="not the weights of alexnet"):
        load_backbone("alexnet", theirs("squeezenet")[1], CPU, F32)


def test_a_published_file_serves_as_well(
    theirs: Callable[[str], tuple[nn.Module, Path]], tmp_path: Path
) -> None:
    """torchvision publishes whole networks, of which the first layers are taken."""
    layers, path = theirs("alexnet")
    tensors = {f"features.{k}": v for k, v in layers.state_dict().items()}
    plain = tmp_path / "alexnet.pth"
    torch.save({**tensors, "classifier.6.bias": torch.zeros(1000)}, plain)
    published = tmp_path / f"alexnet-{sha256(plain.read_bytes()).hexdigest()[:8]}.pth"
    plain.rename(published)
    rgb = torch.rand(1, 3, 64, 64)
    one, other = (load_backbone("alexnet", p, CPU, F32)(rgb) for p in (path, published))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_bytes_become_a_picture_in_0_to_1() -> None:
    rgb = np.zeros((2, 5, 3), np.uint8)
    rgb[0, 3], rgb[1, 0] = (255, 0, 51), 102
    tensor = to_tensor(rgb)
    assert tensor.shape == (1, 3, 2, 5) and tensor.dtype == F32
    assert tensor[0, :, 0, 3].tolist() == pytest.approx([1, 0, 0.2])
    assert tensor[0, :, 1, 0].tolist() == pytest.approx([0.4, 0.4, 0.4])
    assert tensor.sum().item() == pytest.approx(1.2 + 1.2)


def test_the_squeezenet_at_hand_fits(weights_folder: Path) -> None:
    path = weights_folder / "squeezenet1_1_caffe_fp16.safetensors"
    net = load_backbone("squeezenet", path, CPU, F32)
    found: list[Tensor] = net(torch.rand(1, 3, 64, 64))
    assert all(f.isfinite().all() and f.any() for f in found)
