"""The small verbs: models, doctor, completion."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kolorit.cli.extras import EXTRAS

from .conftest import DATA, Kolorit


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models in place of the package's own: the constant one."""
    models = tmp_path / "models"
    models.mkdir()
    for suffix in ("onnx", "toml"):
        shutil.copy(DATA / f"constant.{suffix}", models)
    listed = {"constant": models / "constant.onnx"}
    monkeypatch.setattr("kolorit.runtime.store.shipped_models", lambda: listed)
    return models


def test_models(kolorit: Kolorit, shipped: Path) -> None:
    ran = kolorit("models")
    assert ran.code == 0
    assert ran.out.startswith("constant 1  sha256 ")
    assert "looks vivid, faithful" in ran.out
    (model,) = kolorit("models", "--json").record["models"]
    assert (model["name"], model["size"], model["looks"]) == (
        "constant", 64, ["vivid", "faithful"],
    )  # fmt: skip
    assert model["bytes"] == (DATA / "constant.onnx").stat().st_size
    assert model["about"] == {"licence": "Apache-2.0"}


def test_a_broken_model_is_listed_as_such(kolorit: Kolorit, shipped: Path) -> None:
    (shipped / "constant.onnx").write_bytes(b"x")
    assert "broken: the model is not the one its card describes" in kolorit("models").out
    (model,) = kolorit("models", "--json").record["models"]
    assert "sha256 differs" in model["error"]


def test_no_model(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kolorit.runtime.store.shipped_models", dict)
    assert kolorit("models").code == 5


def test_doctor_is_content(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("kolorit.toml").write_text("strength = 0.5", "utf-8")
    monkeypatch.setenv("KOLORIT_LOK", "vivid")
    ran = kolorit("doctor")
    assert ran.code == 0
    assert "Pictures can be coloured." in ran.out
    found = kolorit("doctor", "--json").record
    assert found["ok"] is True
    assert found["model"]["name"] == "constant"
    assert found["settings"]["strength"] == {"value": 0.5, "from": "kolorit.toml"}
    assert found["settings"]["model"]["from"] == "KOLORIT_MODEL"
    assert found["settings"]["look"] == {"value": "vivid", "from": "default"}
    assert found["devices"][-1] == "cpu"
    assert set(found["versions"]) == {
        "python", "kolorit", "model", "onnxruntime", "pillow", "numpy",
    }  # fmt: skip
    assert set(found["extras"]) == set(found["optional"]) == set(EXTRAS)
    assert all(found["writable"].values())
    assert found["unknown_variables"] == ["KOLORIT_LOK"]


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [("MODEL", "none", 5), ("DEVICE", "abacus", 6), ("STRENGTH", "9", 9), ("LOOK", "wild", 9)],
)
def test_doctor_finds_the_fault(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, code: int
) -> None:
    monkeypatch.setenv(f"KOLORIT_{variable}", value)
    ran = kolorit("doctor", "--json")
    assert ran.code == code
    assert ran.record["ok"] is False
    assert ran.record["error"]["code"] == code
    assert ran.err.startswith("error: ")
    assert "can NOT be coloured" in kolorit("doctor").out


def test_doctor_needs_no_torch(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kolorit.cli.extras.find_spec", lambda name: None)
    ran = kolorit("doctor")
    assert ran.code == 0
    for name, extra in EXTRAS.items():
        lack = f"not there (needs {', '.join(extra.needed)}): pip install 'kolorit[{name}]'"
        assert f"extra {name}: {lack}" in ran.out.splitlines()


def test_doctor_says_what_an_extra_is_without(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = ("timm", "onnx")
    monkeypatch.setattr(
        "kolorit.cli.extras.find_spec", lambda name: None if name in gone else object()
    )
    assert "extra train: not there (needs onnx): pip install 'kolorit[train]'" in (
        kolorit("doctor").out.splitlines()
    )
    found = kolorit("doctor", "--json").record
    assert (found["extras"]["train"], found["optional"]["train"]) == (["onnx"], ["timm"])
    gone = ("timm",)
    rows = kolorit("doctor").out.splitlines()
    assert "extra train: there, without timm: pip install 'kolorit[train]'" in rows
    assert "extra depth: there" in rows


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(kolorit: Kolorit, shell: str) -> None:
    ran = kolorit("completion", shell)
    assert ran.code == 0
    assert f"_KOLORIT_COMPLETE={shell}_complete" in ran.out
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=ran.stdout, check=False)
        assert checked.returncode == 0


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("kolorit --co", {"--compare", "--confidence"}),
        ("kolorit mod", {"models", "mod"}),  # and files that begin so
        ("kolorit a.jpg --compare s", {"side", "slider"}),
        ("kolorit models --js", {"--json"}),
        ("kolorit completion z", {"zsh"}),
    ],
)
def test_completing(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch, line: str, found: set[str]
) -> None:
    monkeypatch.setenv("_KOLORIT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    ran = kolorit()
    assert ran.code == 0
    assert {answer.split(",")[1] for answer in ran.out.splitlines()} == found
