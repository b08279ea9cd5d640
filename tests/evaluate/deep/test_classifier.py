"""deep/classifier.py: timm's MobileNetV2 with TensorFlow's padding, and pictures with labels."""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.classifier import (
    MobileNetV2,
    cut_middle,
    load_classifier,
    load_mobilenet1280,
    read_classes,
)
from kolorit.picture.rgb import decode_rgb, resize_rgb

WEIGHTS, CLASSES = "mobilenet_v2_imagenet_fp16.safetensors", "imagenet_classes.txt"
RGB = np.random.default_rng(0).integers(0, 256, (256, 300, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """Random weights that keep the size of what passes, so that no layer goes unseen."""
    torch.manual_seed(0)
    state = {}
    for name, tensor in MobileNetV2().state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        if tensor.ndim > 1:
            state[name] = torch.randn(tensor.shape) * (2 / tensor[0].numel()) ** 0.5
        elif name.endswith(("bias", "running_mean")):
            state[name] = 0.3 * torch.randn(tensor.shape)
        else:
            state[name] = 0.5 + torch.rand(tensor.shape)
    return state


@pytest.fixture(scope="module")
def files(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Weights in float16, and names."""
    folder = tmp_path_factory.mktemp("weights")
    save_file({k: v.half() for k, v in state.items()}, folder / "net.safetensors")
    (folder / "classes.txt").write_text("\n".join(f"n{k:08d} thing {k}" for k in range(1000)))
    return folder / "net.safetensors", folder / "classes.txt"


def test_parameters() -> None:
    assert sum(p.numel() for p in MobileNetV2().parameters()) == 3_504_872  # as published


def test_it_is_timms_with_tensorflows_padding(state: dict[str, Tensor]) -> None:
    timm = pytest.importorskip("timm")
    ours = MobileNetV2()
    ours.load_state_dict(state, strict=False)
    theirs = timm.create_model("mobilenetv2_100", pretrained=False, pad_type="same")
    for one, other in ((ours.parameters(), theirs.parameters()), (_norms(ours), _norms(theirs))):
        for mine, its in zip(one, other, strict=True):
            assert mine.shape == its.shape
            its.data.copy_(mine)
    rgb = torch.rand(2, 3, 224, 224)
    with torch.no_grad():
        expected = theirs.eval()(2 * rgb - 1)
        found = ours.eval()(rgb)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_names_are_torchvisions(state: dict[str, Tensor]) -> None:
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        theirs = models.mobilenet_v2(weights=None)
    shapes = {k: v.shape for k, v in theirs.state_dict().items() if "tracked" not in k}
    assert {k: v.shape for k, v in state.items()} == shapes


def test_what_is_seen_of_a_picture() -> None:
    """The central 224 of short side 256."""
    assert np.array_equal(cut_middle(RGB), RGB[16:240, 38:262])
    assert np.array_equal(cut_middle(RGB.swapaxes(0, 1)), RGB[16:240, 38:262].swapaxes(0, 1))
    large = resize_rgb(RGB, (512, 600))
    expected = resize_rgb(large, (256, 300))[16:240, 38:262]
    assert np.array_equal(cut_middle(large), expected)
    assert cut_middle(RGB[:64, :90]).shape == (224, 224, 3)
    assert cut_middle(RGB[:256, :256]).shape == (224, 224, 3)


def test_class_and_pooled_features(files: tuple[Path, Path]) -> None:
    weights, classes = files
    classifier, embedding = load_classifier(weights, classes), load_mobilenet1280(weights)
    net = MobileNetV2().eval()
    for rgb in (RGB, 255 - RGB, RGB):  # the same again, after another
        pooled = embedding.embed(rgb)
        assert pooled.shape == (1280,) and pooled.dtype == np.float32
        with torch.no_grad():
            tensors = {k: v.float() for k, v in _half(weights).items()}
            net.load_state_dict(tensors, strict=False)
            x = torch.from_numpy(rgb[16:240, 38:262].copy()).permute(2, 0, 1)[None] / 127.5 - 1
            maps = net.features(x)
            assert maps.shape == (1, 1280, 7, 7)
            expected = maps.mean((2, 3))
            logits = expected @ tensors["classifier.1.weight"].T + tensors["classifier.1.bias"]
        np.testing.assert_allclose(pooled, expected[0], rtol=1e-3, atol=1e-4)
        assert classifier.classify(rgb) == int(logits.argmax())
    assert classifier.classes[7] == "n00000007 thing 7" and len(classifier.classes) == 1000


def test_files_that_do_not_serve_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    weights, classes = files
    with pytest.raises(ConfigInvalid, match="weights are missing"):
        load_mobilenet1280(tmp_path / "nothing.safetensors")
    other = tmp_path / "other.safetensors"
    save_file({"features.0.0.weight": torch.zeros(32, 3, 3, 3)}, other)
    with pytest.raises(ConfigInvalid, match="not the weights of MobileNetV2") as refusal:
        load_classifier(other, classes)
    assert refusal.value.file == str(other) and "torchvision" in refusal.value.remedy
    with pytest.raises(ConfigInvalid, match="names of the classes are missing"):
        load_classifier(weights, tmp_path / "nothing.txt")
    short = tmp_path / "short.txt"
    short.write_text("n00000000 thing\n")
    with pytest.raises(ConfigInvalid, match="names 1 classes, not 1000") as refusal:
        read_classes(short)
    assert "a line for each class" in refusal.value.remedy
    for blank in ("", "  "):
        lines = [f"n{k:08} thing" for k in range(1000)]
        lines[6] = blank
        short.write_text("\n".join(lines) + "\n")
        with pytest.raises(ConfigInvalid, match="line 7 names no class"):
            read_classes(short)


def test_pictures_with_labels(weights_folder: Path, data_folder: Path) -> None:
    """Some of one chosen picture a class, made small: 84 % of all 160 of them, grey 67 %.

    The originals of 500 others have 89 % with this padding and 81 % with torchvision's.
    """
    classifier = load_classifier(weights_folder / WEIGHTS, weights_folder / CLASSES)
    numbers = {line.split()[0]: k for k, line in enumerate(classifier.classes)}
    right, grey = [], []
    for wnid, rgb in labelled(data_folder / "photos-256", 40):
        right.append(classifier.classify(rgb) == numbers[wnid])
        plane = np.rint(rgb @ [0.299, 0.587, 0.114]).astype(np.uint8)
        grey.append(classifier.classify(np.stack([plane] * 3, -1)) == numbers[wnid])
    assert np.mean(right) > 0.75
    assert np.mean(grey) < np.mean(right) - 0.05


def labelled(folder: Path, count: int) -> Iterator[tuple[str, np.ndarray]]:
    """(wnid, rgb) of the first pictures whose file was named by its class."""
    with (folder / "manifest.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["source"] == "imagenet-s"][:count]
    with tarfile.open(folder / "photos256-0000.tar") as tar:
        for row in rows:
            member = tar.extractfile(f"{row['key']}.jpg")
            assert member is not None
            yield row["path"].split("_")[0], decode_rgb(member.read())


def _norms(net: torch.nn.Module) -> list[Tensor]:
    return [b for name, b in net.named_buffers() if "running" in name]


def _half(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)
