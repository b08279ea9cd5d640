"""The small verbs: models, doctor, completion."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

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
    assert set(found["extras"]) == {"train", "depth"}
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
    monkeypatch.setattr("kolorit.cli.doctor.find_spec", lambda name: None)
    ran = kolorit("doctor")
    assert ran.code == 0
    assert "pip install 'kolorit[train]'" in ran.out


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


def test_train_describes_itself(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("KOLORIT_DATA", str(folder))
    (folder / "photos").mkdir()
    (folder / "photos" / "0.tar").write_bytes(bytes(1024))
    ran = kolorit("train", "hinted-small", "--describe", "--set", "steps=7")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["recipe"]["steps"] == 7
    assert found["recipe"]["seed"] == 0  # a default that the file does not name
    parts = found["network"]["parts"]
    assert found["network"]["parameters"] == sum(p["parameters"] for p in parts.values())
    assert parts["encoder"]["trained"] < parts["encoder"]["parameters"]  # frozen = 4
    assert found["ranges"]["L"] == [0, 100]
    assert found["data"][0] == {
        "name": "photos", "folder": str(folder / "photos"), "shards": 1, "bytes": 1024,
    }  # fmt: skip
    assert {path.name for path in folder.iterdir()} == {"photos"}


def test_train_hands_on_what_was_asked(
    kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    pytest.importorskip("torch")
    asked: dict[str, object] = {}

    def train(recipe: object, out: Path, **options: object) -> Path:
        asked.update(options, out=out)
        options["say"]("step 1")  # type: ignore[operator]
        return out / "checkpoint.safetensors"

    exported: list[object] = []
    monkeypatch.setattr("kolorit.training.loop.train", train)
    monkeypatch.setattr("kolorit.training.export.export_run", lambda *where: exported.append(where))
    ran = kolorit("train", "hinted-small", "-o", "run", "--resume", "--devices", 2)
    assert (ran.code, ran.err) == (0, "step 1\n")
    assert ran.out == "run/checkpoint.safetensors\nrun/model.onnx\n"
    assert len(exported) == 1
    assert (asked["out"], asked["resume"], asked["devices"]) == (Path("run"), True, 2)
    assert kolorit("train", "hinted-small", "-q").err == ""
    assert asked["out"] == Path("runs/hinted-small")
    monkeypatch.setenv("LOCAL_RANK", "1")  # one of Fabric's further processes
    assert kolorit("train", "hinted-small").out == ""
    assert len(exported) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["gone"], 9),
        (["hinted-small", "--set", "lr"], 9),
        (["hinted-small", "--set", "lrr=1"], 9),
        ([], 2),
        (["hinted-small", "--devices", "0"], 2),
    ],
)
def test_train_refuses(kolorit: Kolorit, arguments: list[str], code: int) -> None:
    assert kolorit("train", *arguments).code == code


def test_train_without_its_extra(kolorit: Kolorit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kolorit.cli.train.find_spec", lambda name: None)
    ran = kolorit("train", "hinted-small")
    assert ran.code == 6
    assert "pip install 'kolorit[train]'" in ran.err
