"""What a new Python process loads, and what it must not: start-up stays quick, torch stays out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
WORKSHOP = {"torch", "lightning_fabric", "onnx", "onnxscript", "safetensors"}
WEB = {"fastapi", "starlette", "pydantic", "python_multipart", "uvicorn", "h11"}
LAB = {"matplotlib", "scipy", "skimage", "tifffile", "hypothesis", "pytest"}
NOT_IN_BASE = WORKSHOP | WEB | LAB

_AROUND = """
import json, sys
before = set(sys.modules)
try:
{code}
finally:
    loaded = {{name.split(".")[0] for name in set(sys.modules) - before}}
    print(json.dumps(sorted(loaded - set(sys.stdlib_module_names))), file=sys.stderr)
"""


def loaded_by(code: str, folder: Path) -> tuple[set[str], subprocess.CompletedProcess[str]]:
    """Run code in a new interpreter; return the top-level packages it loaded, less Python's own."""
    indented = "".join(f"    {line}\n" for line in code.splitlines())
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    result = subprocess.run(
        [sys.executable, "-c", _AROUND.format(code=indented)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,  # no checkout here that could be imported by chance
        timeout=120,
    )
    lines = result.stderr.splitlines()
    names = [line for line in lines if line.startswith("[")]
    assert names, result.stderr
    return set(json.loads(names[-1])), result


def run_command(*arguments: str) -> str:
    """Code that calls the entry point of the `kolorit` script with these arguments."""
    call = "from kolorit.cli.main import main\nsys.exit(main())"
    return f"sys.argv = {['kolorit', *arguments]!r}\n{call}"


def test_import_brings_no_third_party(tmp_path: Path) -> None:
    loaded, result = loaded_by(
        "import kolorit\nkolorit.__version__, kolorit.KoloritError", tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert loaded == {"kolorit"}


def test_a_planted_import_is_caught(tmp_path: Path) -> None:
    loaded, _ = loaded_by("import kolorit\nimport numpy", tmp_path)
    assert loaded == {"kolorit", "numpy"}


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_words_alone_need_no_numbers(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    loaded, result = loaded_by(run_command(*arguments), tmp_path)
    assert result.returncode == 0, result.stderr
    assert "kolorit" in result.stdout.lower()
    assert loaded == {"click", "kolorit"}


def test_python_m_is_the_command(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    result = subprocess.run(
        [sys.executable, "-m", "kolorit", "--help"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert "usage" in result.stdout.lower()


COLOUR = """
import numpy as np
import kolorit
grey = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
coloured = kolorit.colorize(grey)
assert coloured.shape == (48, 64, 3), coloured.shape
"""


def test_colouring_loads_the_base_only(tmp_path: Path) -> None:
    loaded, result = loaded_by(COLOUR, tmp_path)
    assert result.returncode == 0, result.stderr
    assert loaded >= {"kolorit", "numpy", "onnxruntime"}
    assert loaded & NOT_IN_BASE == set()


def test_colouring_runs_where_the_workshop_is_missing(tmp_path: Path) -> None:
    """As on a bare install: importing torch and its like raises."""
    blocked = f"sys.modules.update(dict.fromkeys({sorted(NOT_IN_BASE)!r}))\n"
    _, result = loaded_by(blocked + COLOUR, tmp_path)
    assert result.returncode == 0, result.stderr


def test_blocking_blocks(tmp_path: Path) -> None:
    blocked = f"sys.modules.update(dict.fromkeys({sorted(NOT_IN_BASE)!r}))\nimport torch"
    _, result = loaded_by(blocked, tmp_path)
    assert result.returncode == 1
    assert "ModuleNotFoundError" in result.stderr
