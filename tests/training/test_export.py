"""training/export.py: a run's best network becomes a model that the product opens."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

import kolorit
from kolorit.colorizer import Colorizer
from kolorit.errors import CheckpointRefused, ConfigInvalid, OutputUnwritable
from kolorit.training import loop
from kolorit.training.export import export_run, load_trained
from kolorit.training.prior import colour_prior
from kolorit.training.store import open_recipe_store

from .conftest import Make, run_quietly

GREY = np.random.default_rng(0).integers(0, 256, (48, 70), dtype=np.uint8)


def card_of(model: Path) -> dict[str, object]:
    return tomllib.loads(model.with_suffix(".toml").read_text())


def test_a_network_without_bins(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From training to a coloured picture. Of three validations the second is the best."""
    values = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(loop, "validate", lambda *_: {"val_loss": next(values)})
    out = tmp_path / "run"
    run_quietly(small("validate_every=2", "lr=0.05", "encoder_lr=0.05"), out)
    about = 'about={licence="CC0"}'
    changed = small("validate_every=2", "size=64", "name=mine", about, "seed=7")
    digest = export_run(out, changed, out / "model.onnx")
    assert digest == hashlib.sha256((out / "model.onnx").read_bytes()).hexdigest()

    card = card_of(out / "model.onnx")
    commit = card.pop("commit")
    assert isinstance(commit, str) and commit
    parameters = sum(p.numel() for p in load_trained(out / "best.safetensors")[0].parameters())
    assert card == {
        "licence": "CC0",
        "name": "model",
        "version": kolorit.__version__,
        "sha256": digest,
        "size": 64,  # size, looks, name and what it is about may be chosen after the training
        "multiple": 32,
        "recipe": "mine",
        "steps": 4,  # of the best
        "seed": 0,
        "pictures": 20,
        "parameters": parameters,
        "ranges": {"L": [0, 100], "ab": [-110, 110], "mask": [0, 1]},
        "hints": False,
        "looks": card["looks"],
    }
    assert set(card["looks"]) == {"vivid", "faithful"}

    colorizer = Colorizer(out / "model.onnx")
    assert colorizer.colorize(GREY).shape == (48, 70, 3)
    seen = colorizer.predict(GREY, mirror=False)
    assert (seen.confidence == 1).all()
    best = load_trained(out / "best.safetensors")[0]
    last = load_trained(out / "last.safetensors")[0]
    L = torch.from_numpy(seen.L)[None, None]
    with torch.no_grad():
        want, other = (net(L, torch.zeros(1, 3, *L.shape[2:]))["ab"][0] for net in (best, last))
    np.testing.assert_allclose(seen.ab, want, atol=0.1)
    assert (want - other).abs().max() > 1
    with pytest.raises(ConfigInvalid, match="no alternatives"):
        colorizer.run(GREY, alternatives=2)


def test_a_network_with_bins(small: Make, tmp_path: Path) -> None:
    recipe = small(
        "steps=1", "size=64", "grid_every=9", "net=eccv16", "losses={classification=1.0}"
    )  # fmt: skip
    out = tmp_path / "run"
    run_quietly(recipe, out)
    export_run(out, recipe, out / "model.onnx")
    bins = card_of(out / "model.onnx")["bins"]
    assert isinstance(bins, dict)
    assert bins["stride"] == 4
    prior = colour_prior(open_recipe_store(recipe, out), recipe)
    np.testing.assert_allclose(bins["prior"], prior, rtol=1e-4)
    result = Colorizer(out / "model.onnx").run(GREY, alternatives=2)
    assert len(result.alternatives) == 2
    assert 0 < result.prediction.confidence.mean() < 1


def test_a_network_that_learned_as_the_first_study(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file gets the front of test_onnx_file.py."""
    asked: list[tuple[bool, str]] = []

    def to_onnx(net: torch.nn.Module, lab: str) -> bytes:
        asked.append((net.training, lab))
        return b"a network"

    monkeypatch.setattr("kolorit.training.export.to_onnx", to_onnx)
    recipe, out = small("steps=1", "lab=as-run", "grid_every=9"), tmp_path / "run"
    run_quietly(recipe, out)
    export_run(out, recipe, out / "model.onnx")
    assert asked == [(False, "as-run")]


def test_what_cannot_be_exported(
    again: tuple[Path, Make], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kolorit.training.export.to_onnx", lambda *_: b"a network")
    out, recipe = again
    with pytest.raises(CheckpointRefused, match="another shape"):
        export_run(out, recipe("net_config={base=3}"), tmp_path / "other.onnx")
    with pytest.raises(CheckpointRefused, match="another shape"):
        export_run(out, recipe("net=eccv16", "net_config={}"), tmp_path / "other.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(OutputUnwritable):
        export_run(out, recipe(), tmp_path / "folder.onnx")
    (out / "best.safetensors").unlink()
    with pytest.raises(CheckpointRefused, match=r"best\.safetensors"):
        export_run(out, recipe(), tmp_path / "other.onnx")
    assert not (tmp_path / "other.onnx").exists()
