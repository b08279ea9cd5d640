"""deep/weights.py: where files are looked for, and what is not read from them."""

from __future__ import annotations

import pickle
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.deep.weights import read_published, read_tensors, weights_path

STATE = {"features.0.weight": torch.arange(6.0).reshape(2, 3)}


def publish(folder: Path, content: bytes, name: str = "net") -> Path:
    """A file with the start of its sha256 in its name."""
    path = folder / f"{name}-{sha256(content).hexdigest()[:8]}.pth"
    path.write_bytes(content)
    return path


def saved(folder: Path, what: object, **options: bool) -> bytes:
    torch.save(what, folder / "raw", **options)
    return (folder / "raw").read_bytes()


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_where_weights_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(tmp_path))
    assert weights_path("a.safetensors") == tmp_path / "a.safetensors"
    assert weights_path(str(tmp_path / "b")) == tmp_path / "b"
    monkeypatch.delenv("KOLORIT_WEIGHTS")
    with pytest.raises(ConfigInvalid, match="KOLORIT_WEIGHTS"):
        weights_path("a.safetensors")


@pytest.mark.parametrize("read", [read_tensors, read_published])
def test_files_that_are_missing(read: object, tmp_path: Path) -> None:
    assert callable(read)
    with pytest.raises(ConfigInvalid, match="missing") as refusal:
        read(tmp_path / "nothing-12345678.pth")
    assert refusal.value.file == str(tmp_path / "nothing-12345678.pth")
    assert "torchvision" in refusal.value.remedy


def test_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file(STATE, path)
    assert torch.equal(read_tensors(path)["features.0.weight"], STATE["features.0.weight"])
    path.write_bytes(saved(tmp_path, STATE))
    with pytest.raises(ConfigInvalid, match="no safetensors") as refusal:
        read_tensors(path)
    assert "save_file" in refusal.value.remedy


@pytest.mark.parametrize("zipped", [True, False])
def test_a_published_state_dict(zipped: bool, tmp_path: Path) -> None:
    """Of today's kind and of the older one, in which some are published."""
    content = saved(tmp_path, STATE, _use_new_zipfile_serialization=zipped)
    found = read_published(publish(tmp_path, content))
    assert list(found) == list(STATE)
    assert torch.equal(found["features.0.weight"], STATE["features.0.weight"])


def test_other_bytes_under_a_published_name(tmp_path: Path) -> None:
    """Nearly the right weights would give nearly the right number, with its name."""
    path = publish(tmp_path, saved(tmp_path, STATE))
    other = saved(tmp_path, {"features.0.weight": STATE["features.0.weight"] + 1e-3})
    path.write_bytes(other)
    with pytest.raises(ConfigInvalid, match="not the published weights") as refusal:
        read_published(path)
    assert refusal.value.file == str(path) and "Fetch the file again" in refusal.value.remedy
    nameless = tmp_path / "net.pth"
    nameless.write_bytes(other)
    with pytest.raises(ConfigInvalid, match="no sha256 in it"):
        read_published(nameless)


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    pickle.loads(pickle.dumps(Trap(mark)))
    assert mark.exists()  # the trap works
    mark.unlink()
    for content in (
        saved(tmp_path, {"a": Trap(mark)}),
        saved(tmp_path, {"a": Trap(mark)}, _use_new_zipfile_serialization=False),
        pickle.dumps(Trap(mark)),
    ):
        with pytest.raises(ConfigInvalid, match="no state dict") as refusal:
            read_published(publish(tmp_path, content))
        assert "state_dict" in refusal.value.remedy
        assert not mark.exists()


@pytest.mark.parametrize("what", [[1, 2], {"a": 3}, torch.zeros(2)])
def test_what_is_no_state_dict(what: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="no state dict"):
        read_published(publish(tmp_path, saved(tmp_path, what)))


def test_a_broken_file(tmp_path: Path) -> None:
    whole = saved(tmp_path, STATE)
    for content in (b"", b"PK", whole[: len(whole) // 2], b"<html>not found</html>"):
        with pytest.raises(ConfigInvalid, match="no state dict"):
            read_published(publish(tmp_path, content))
