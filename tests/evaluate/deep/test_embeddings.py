"""deep/embeddings.py: the mean over places of SqueezeNet's last stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.backbones import normalise, squeezenet
from kolorit.evaluate.deep.embeddings import load_squeezenet512
from kolorit.evaluate.deep.statistics import frechet, kid

RGB = np.random.default_rng(0).integers(0, 256, (40, 66, 3), dtype=np.uint8)


def test_the_last_stage_of_torchvisions_layers(tmp_path: Path) -> None:
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    theirs = models.squeezenet1_1(weights=None).features.eval()
    path = tmp_path / "net.safetensors"
    save_file({f"features.{k}": v for k, v in theirs.state_dict().items()}, path)
    embedding = load_squeezenet512(path)
    found = embedding.embed(RGB)
    assert found.shape == (512,) and found.dtype == np.float32
    assert (embedding.name, embedding.size) == ("squeezenet512", 512)
    with torch.no_grad():
        x = normalise(torch.from_numpy(RGB).permute(2, 0, 1)[None] / 255)
        expected = theirs(x)[0].mean((1, 2)).numpy()
    assert expected.std() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_small_pictures_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file(squeezenet().state_dict(), path)
    with pytest.raises(ConfigInvalid, match="too small"):
        load_squeezenet512(path).embed(RGB[:31])
    with pytest.raises(ConfigInvalid, match="missing"):
        load_squeezenet512(tmp_path / "nothing.safetensors")


def test_with_the_squeezenet_at_hand_grey_is_away_and_the_truth_is_not(
    weights_folder: Path,
) -> None:
    embedding = load_squeezenet512(weights_folder / "squeezenet1_1_caffe_fp16.safetensors")
    rng = np.random.default_rng(0)
    truths = [np.kron(rng.integers(0, 256, (6, 6, 3)), np.ones((16, 16, 1))) for _ in range(8)]
    truths = [t.astype(np.uint8) for t in truths]
    greys = [np.repeat(t.mean(-1, keepdims=True), 3, -1).astype(np.uint8) for t in truths]
    truth, grey = (np.stack([embedding.embed(p) for p in ps]) for ps in (truths, greys))
    assert frechet(truth, truth) < 1e-6 and abs(kid(truth, truth)) < 1e-6
    assert frechet(grey, truth) > 1 and kid(grey, truth) > 1e-3
