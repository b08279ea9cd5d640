"""deep/inception.py: the network of FID gets the file's weights, and bytes as they are."""

from __future__ import annotations

import io
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import BasicConv2d, FeatureExtractorInceptionV3

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.inception import load_inception2048
from kolorit.evaluate.deep.kinds import Embedding

RGB = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


class Bare(FeatureExtractorInceptionV3):  # type: ignore[misc]
    """Their network with random weights that keep the size of what passes."""

    def __init__(self) -> None:
        nothing = io.BytesIO()
        torch.save({}, nothing)
        nothing.seek(0)
        super().__init__("bare", ["2048"], feature_extractor_weights_path=nothing)

    def load_state_dict(self, *_: Any, **__: Any) -> None:
        torch.manual_seed(0)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            elif isinstance(part, nn.BatchNorm2d):
                nn.init.normal_(part.bias, 0, 0.1)
                nn.init.normal_(part.running_mean, 0, 0.1)


def publish(state: dict[str, Tensor], folder: Path) -> Path:
    file = io.BytesIO()
    torch.save(state, file)
    path = folder / f"inception-{sha256(file.getvalue()).hexdigest()[:8]}.pth"
    path.write_bytes(file.getvalue())
    return path


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Embedding]:
    """A network with random weights, and the embedding made from a file with them."""
    bare = Bare()
    path = publish(bare.state_dict(), tmp_path_factory.mktemp("weights"))
    return bare, load_inception2048(path)


def test_it_is_torch_fidelitys(both: tuple[nn.Module, Embedding]) -> None:
    bare, embedding = both
    found = embedding.embed(RGB)
    assert found.shape == (2048,) and found.dtype == np.float32
    assert (embedding.name, embedding.size) == ("inception2048", 2048)
    with torch.no_grad():
        expected = bare(torch.from_numpy(RGB.transpose(2, 0, 1).copy())[None])[0][0].numpy()
    assert expected.std() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_the_network_sees_minus_1_to_1(
    both: tuple[nn.Module, Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The known mistake scales twice, and shows it a tenth or a quarter of that."""
    _, embedding = both
    seen: list[Tensor] = []
    forward: Callable[[nn.Module, Tensor], Tensor] = BasicConv2d.forward

    def watched(self: nn.Module, x: Tensor) -> Tensor:
        seen.append(x)
        return forward(self, x)

    monkeypatch.setattr(BasicConv2d, "forward", watched)
    rgb = np.zeros((50, 64, 3), np.uint8)
    rgb[:, 32:] = 255, 255, 0
    embedding.embed(rgb)
    first = seen[0]
    assert first.shape == (1, 3, 299, 299)
    assert first.amin((2, 3)).tolist() == [[-1, -1, -1]]
    assert first.amax((2, 3)).tolist() == [[127 / 128, 127 / 128, -1]]


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="not the weights of the Inception of FID") as refusal:
        load_inception2048(publish({"fc.weight": torch.zeros(1000, 2048)}, tmp_path))
    assert "6726825d" in refusal.value.remedy
    with pytest.raises(ConfigInvalid, match="missing"):
        load_inception2048(tmp_path / "pt_inception-2015-12-05-6726825d.pth")
