"""runtime/store.py: models are found by name or path and opened only unaltered."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from kolorit.errors import ModelUnavailable
from kolorit.runtime.store import find_model, read_model, shipped_models

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for suffix in ("onnx", "toml"):
        shutil.copy(DATA / f"constant.{suffix}", tmp_path / f"m.{suffix}")
    return tmp_path / "m.onnx"


def test_names_and_paths(model: Path) -> None:
    assert find_model("default") == shipped_models()["default"]
    assert find_model(model) == find_model(str(model)) == model
    with pytest.raises(ModelUnavailable) as caught:
        find_model("defualt")
    assert "default" in caught.value.remedy


def test_an_unaltered_model_opens(model: Path) -> None:
    card, network = read_model(model)
    assert network == model.read_bytes()
    assert card.name == "constant"


def test_two_hundred_flipped_bits_are_all_seen(model: Path) -> None:
    whole, rng = model.read_bytes(), random.Random(0)
    for _ in range(200):
        altered = bytearray(whole)
        altered[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        model.write_bytes(altered)
        with pytest.raises(ModelUnavailable, match="sha256"):
            read_model(model)


def test_other_damage(model: Path) -> None:
    whole = model.read_bytes()
    for content in (b"", whole[:-1], whole + b"\0"):
        model.write_bytes(content)
        with pytest.raises(ModelUnavailable, match=r"m\.onnx"):
            read_model(model)
    model.unlink()
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        read_model(model)


def test_the_shipped_model_is_whole_and_small() -> None:
    path = shipped_models()["default"]
    card, network = read_model(path)
    assert card.name == "default"
    assert len(network) <= 15_000_000
