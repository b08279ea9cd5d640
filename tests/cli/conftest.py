"""For tests of the command line: the constant model, small photographs, and a way to call it."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kolorit.cli.main import main

DATA = Path(__file__).resolve().parents[1] / "data"
SOURCE = Path(__file__).resolve().parents[2] / "src"


@dataclass(frozen=True)
class Ran:
    """What one call of the command line left."""

    code: int
    stdout: bytes
    err: str

    @property
    def out(self) -> str:
        return self.stdout.decode()

    @property
    def records(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines; fails if anything else is there."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def record(self) -> dict[str, Any]:
        (only,) = self.records
        return only


Kolorit = Callable[..., Ran]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, the constant model, and no settings of the user's own."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("KOLORIT_MODEL", str(DATA / "constant.onnx"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # traces of planted bugs
    return work


@pytest.fixture
def kolorit(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Kolorit:
    """Calls ``main`` with arguments; stdin: bytes for standard input."""

    def run(*arguments: object, stdin: bytes | None = None) -> Ran:
        capfdbinary.readouterr()
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Ran(code, out, err.decode())

    return run


def grey(height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    """A photograph of sorts (H,W) uint8: a ramp with some texture."""
    noise = np.random.default_rng(seed).integers(-20, 20, (height, width))
    ramp = np.linspace(40, 210, width)[None] + noise
    return ramp.astype(np.uint8)


def photo(path: Path | str, seed: int = 0, **options: Any) -> Path:
    """A grey photograph at path, in the format of its suffix."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grey(seed=seed)).save(path, **options)
    return path


def environment(**more: str) -> dict[str, str]:
    """For processes of their own."""
    return {**os.environ, "PYTHONPATH": str(SOURCE), **more}
