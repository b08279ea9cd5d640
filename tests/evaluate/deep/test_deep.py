"""deep/__init__.py: what can be had is loaded, what cannot says what it needs."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kolorit.errors import ConfigInvalid
from kolorit.evaluate import deep
from kolorit.evaluate.columns import Words
from kolorit.evaluate.deep import METRICS, describe_deep, load_deep
from kolorit.evaluate.deep.kinds import Classifier, Distance, Embedding, set_columns

WITH_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
AT_HAND = ["squeezenet_distance", "squeezenet512", "mobilenet1280", "mobilenet_v2"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights, and all packages."""
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(deep, "find_spec", lambda name: name)
    return tmp_path


def test_nothing_heavy_is_imported_by_asking() -> None:
    """A base install has no torch, and its judge imports the kinds and the statistics."""
    code = (
        "import sys\n"
        "from kolorit.evaluate.deep import describe_deep, kinds, semantics, statistics\n"
        "describe_deep()\n"
        "print(sorted({'torch', 'safetensors', 'torch_fidelity', 'timm'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_without_weights_everything_is_missing_and_says_what_it_needs(folder: Path) -> None:
    found, missing = load_deep()
    assert found == [] and list(missing) == list(METRICS)
    assert missing["squeezenet512"] == (
        "needs weights: squeezenet1_1_caffe_fp16.safetensors under KOLORIT_WEIGHTS"
    )
    assert missing["lpips_vgg"] == (
        "needs weights: vgg16-397923af.pth (as torchvision publishes it), "
        "lpips_v0.1_lin.safetensors under KOLORIT_WEIGHTS"
    )
    (folder / "lpips_v0.1_lin.safetensors").touch()  # only what is not there is named
    assert "lin" not in load_deep(["lpips_vgg"])[1]["lpips_vgg"]
    assert describe_deep()[0] == {}


def test_without_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KOLORIT_WEIGHTS")
    assert load_deep(["mobilenet_v2"])[1]["mobilenet_v2"] == (
        "needs weights: mobilenet_v2_imagenet_fp16.safetensors, imagenet_classes.txt; "
        "KOLORIT_WEIGHTS is not set"
    )


def test_without_packages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep, "find_spec", lambda name: None if name == "torch" else name)
    remedy = "pip install 'kolorit[evaluate]'"
    assert set(load_deep()[1].values()) == {f"needs torch: {remedy}"}
    monkeypatch.setattr(deep, "find_spec", lambda name: None if "fidel" in name else name)
    (folder / deep.INCEPTION).touch()
    assert load_deep(["inception2048"])[1]["inception2048"] == f"needs torch-fidelity: {remedy}"


def test_an_unknown_name_is_refused(folder: Path) -> None:
    for ask in (load_deep, describe_deep):
        with pytest.raises(ConfigInvalid, match="no metric 'fid'") as refusal:
            ask(["squeezenet512", "fid"])
        assert "inception2048" in refusal.value.remedy
    assert load_deep([]) == ([], {})


@WITH_TORCH
def test_another_file_under_the_name_is_refused(folder: Path) -> None:
    """Missing is said; wrong is an error, since its number would bear a known name."""
    for name in METRICS:
        if "fidel" in " ".join(METRICS[name].packages) and find_spec("torch_fidelity") is None:
            continue
        for file in METRICS[name].files:
            (folder / file).write_bytes(b"something else")
        with pytest.raises(ConfigInvalid) as refusal:
            load_deep([name])
        assert refusal.value.file and Path(refusal.value.file).parent == folder
        assert refusal.value.remedy


@WITH_TORCH
@pytest.mark.parametrize("name", ["squeezenet512", "mobilenet_v2"])
def test_other_weights_of_the_same_network_are_refused(
    name: str, folder: Path, weights_folder: Path
) -> None:
    """All fits, and the number would be another one under a known name."""
    right = {file: (weights_folder / file).read_bytes() for file in METRICS[name].files}
    for file, content in right.items():
        (folder / file).write_bytes(content)
    assert len(load_deep([name])[0]) == 1
    for file, content in right.items():
        (folder / file).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        what = "names of classes" if file.endswith(".txt") else "weights"
        with pytest.raises(ConfigInvalid, match=f"not the published {what}:") as refusal:
            load_deep([name])
        assert refusal.value.file == str(folder / file)
        (folder / file).write_bytes(content)


def test_every_file_is_known_by_its_bytes() -> None:
    files = {file for offer in METRICS.values() for file in offer.files}
    assert {file for file in files if not file.endswith(".pth")} == set(deep.SHA256)
    assert all(len(digest) == 64 for digest in deep.SHA256.values())


def test_every_column_is_described() -> None:
    columns = [c for offer in METRICS.values() for c in offer.columns]
    assert len(columns) == len(set(columns)) == 10
    for name, offer in METRICS.items():
        wanted = (name,) if name[-1].isalpha() else set_columns(name)
        wanted = ("regained_mobilenet_v2",) if name == "mobilenet_v2" else wanted
        assert tuple(offer.columns) == wanted
        for words in offer.columns.values():
            assert words.head and words.best in ("high", "low") and words.meaning.endswith(".")
    heads = {c: words.head for c, words in _words().items()}
    named = [c for c, head in heads.items() if head.startswith(("FID", "KID", "LPIPS"))]
    assert named == ["lpips_alex", "lpips_vgg", "fid", "kid"]
    sets = [c for c, words in _words().items() if words.counted]
    assert len(sets) == 6 and all(c.startswith(("frechet_", "mmd_", "fid", "kid")) for c in sets)


@WITH_TORCH
def test_what_is_at_hand(weights_folder: Path) -> None:
    import torch

    torch.set_num_threads(2)
    found, missing = load_deep(AT_HAND)
    assert torch.get_num_threads() == 1
    assert [metric.name for metric in found] == AT_HAND and missing == {}
    assert [type(metric) for metric in found] == [Distance, Embedding, Embedding, Classifier]
    rgb = np.random.default_rng(0).integers(0, 256, (256, 260, 3), dtype=np.uint8)
    for metric in found:
        if isinstance(metric, Distance):
            assert metric.terms(shown=rgb, truth=rgb) == (0, 1)
        elif isinstance(metric, Embedding):
            assert metric.embed(rgb).shape == (metric.size,)
        else:
            assert metric.classes[metric.classify(rgb)].startswith("n")
    torch.set_num_threads(2)
    load_deep(["squeezenet512"], threads=None)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


@WITH_TORCH
def test_a_fixed_picture(weights_folder: Path) -> None:
    """A change of weights, padding, range or resizing would show here."""
    found: dict[str, Any] = {metric.name: metric for metric in load_deep(AT_HAND)[0]}
    row, column = np.mgrid[0:96, 0:120]
    rgb = np.stack([2 * row, 2 * column, (row * column) % 256], -1).astype(np.uint8)
    grey = np.repeat(rgb[..., 1:2], 3, -1)
    distance, _ = found["squeezenet_distance"].terms(shown=grey, truth=rgb)
    sums = [float(found[name].embed(rgb).sum()) for name in ("squeezenet512", "mobilenet1280")]
    assert [distance, *sums] == pytest.approx([8.79724, 798.296, 496.687], rel=1e-4)
    classifier = found["mobilenet_v2"]
    assert classifier.classes[classifier.classify(rgb)] == "n04332243 strainer"


def _words() -> dict[str, Words]:
    return {c: words for offer in METRICS.values() for c, words in offer.columns.items()}
