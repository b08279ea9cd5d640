"""training/checkpoint.py: what is saved comes back; other files are refused and not run."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from kolorit.errors import CheckpointRefused
from kolorit.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    save_checkpoint,
)


def test_round_trip(tmp_path: Path) -> None:
    weights = {"a.w": torch.randn(3, 4), "a.count": torch.tensor(7)}
    saved = Checkpoint(
        12, weights, {"a.w": torch.ones(1)}, {"0.step": torch.tensor(3.0)}, '{"x": 1}'
    )
    save_checkpoint(tmp_path / "c.safetensors", saved)
    back = load_checkpoint(tmp_path / "c.safetensors")
    assert (back.step, back.recipe) == (12, '{"x": 1}')
    assert torch.equal(back.net["a.w"], weights["a.w"])
    assert back.net["a.count"].item() == 7
    assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]


class _Canary:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("open('canary', 'w').close()",))


@pytest.mark.parametrize("kind", ["pickle", "empty", "cut", "header", "missing", "folder"])
def test_other_files_are_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, Checkpoint(1, {"w": torch.ones(100)}, {}, {}, "{}"))
    whole = path.read_bytes()
    if kind == "folder":
        path.unlink()
        path.mkdir()
    elif kind == "missing":
        path.unlink()
    else:
        header = (2**60).to_bytes(8, "little") + whole[8:]
        made = {
            "pickle": pickle.dumps(_Canary()),
            "empty": b"",
            "cut": whole[:-9],
            "header": header,
        }
        path.write_bytes(made[kind])
    with pytest.raises(CheckpointRefused, match=r"c\.safetensors"):
        load_checkpoint(path)
    assert not (tmp_path / "canary").exists()


def test_optimiser_state_goes_on_exactly() -> None:
    def steps(parameter: torch.Tensor, optimiser: torch.optim.Optimizer, count: int) -> None:
        for _ in range(count):
            optimiser.zero_grad()
            parameter.pow(4).sum().backward()
            optimiser.step()

    straight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    first = torch.optim.AdamW([straight], lr=0.1)
    steps(straight, first, 3)
    state = {k: v.clone() for k, v in optimiser_tensors(first).items()}
    resumed = torch.nn.Parameter(straight.detach().clone())
    second = torch.optim.AdamW([resumed], lr=0.1)
    restore_optimiser(second, state)
    steps(straight, first, 3)
    steps(resumed, second, 3)
    assert torch.equal(straight, resumed)
