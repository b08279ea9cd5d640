"""The README's commands and its Python run as they stand there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

import kolorit
from kolorit.cli.main import main


def blocks(repository: Path, language: str) -> list[str]:
    text = (repository / "README.md").read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


@pytest.fixture
def farm(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the README assumes it: farm.jpg, scan.tif, album/, barn.json and so on."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    shutil.copy(repository / "examples" / "rocket.jpg", "farm.jpg")
    Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16).save("scan.tif")
    Path("album/1912").mkdir(parents=True)
    shutil.copy("farm.jpg", "album/1912/barn.jpg")
    (hints,) = blocks(repository, "json")
    json.loads(hints)
    Path("barn.json").write_text(hints)
    for folder in ("holidays", "other"):
        Path(folder).mkdir()
        shutil.copy(repository / "examples" / "coloured" / "rocket.color.jpg", folder)
    return tmp_path


def test_every_command_runs(repository: Path, farm: Path) -> None:
    lines = [line for block in blocks(repository, "sh") for line in block.splitlines()]
    commands = [line.split("#")[0] for line in lines if line.startswith("kolorit ")]
    ran = 0
    for command in commands:
        words = shlex.split(command)[1:]
        if words[0] == "train" or "--model" in words:
            continue  # needs the extra and data; tests/training has them
        if words[0] == "serve":
            continue  # stays until it is stopped; tests/web/browser starts it
        alone = ["-j", "1"] if words[0] == "evaluate" else ["--threads", "1"]
        assert _run([*words, *alone]) == 0, command
        ran += 1
    assert ran >= 9
    for made in (
        "farm.color.jpg", "coloured/farm.color.jpg", "coloured/1912/barn.color.jpg",
        "paler.jpg", "show/farm.color.compare.html", "others/farm.color.3.jpg",
        "sure/farm.color.confidence.png", "scan.color.tif", "barn.jpg", "evaluation/report.html",
        "compared/report.md",
    ):  # fmt: skip
        assert (farm / made).stat().st_size > 0, made


def test_the_python_runs(repository: Path, farm: Path) -> None:
    (code,) = blocks(repository, "python")
    names = {"array": np.zeros((30, 40), np.uint8)}
    exec(compile(code, "README.md", "exec"), names)
    assert names["picture"].shape == (30, 40, 3)
    assert names["prediction"].ab.shape[0] == 2
    assert (farm / "farm.color.jpg").exists()


def test_names_and_files_in_it_exist(repository: Path) -> None:
    text = (repository / "README.md").read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (repository / target).exists(), target
    assert kolorit.__version__


def _run(words: list[str]) -> int:
    try:
        return int(main(words) or 0)
    except SystemExit as stop:
        return int(stop.code or 0)
