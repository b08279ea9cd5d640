"""The house stands: imports only point down, each library has one owner. Read from the source.

Every import counts, wherever it stands: inside a function, under TYPE_CHECKING, by import_module
with a literal name. The tables below are the rules; the planted houses at the end show each rule
failing once.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "kolorit"

GROUND = {"colour", "picture", "errors"}
PRODUCT = {"product", "runtime"} | GROUND

# room -> rooms it may import besides itself
FLOORS = {
    "errors": set(),
    "colour": {"errors"},
    "picture": {"errors"},
    "runtime": GROUND,
    "product": {"runtime"} | GROUND,  # every module beside __init__.py that is not errors.py
    "web": PRODUCT,
    "video": PRODUCT,
    "evaluate": {"runtime"} | GROUND,
    "training": {"evaluate", "runtime"} | GROUND,
    "front": PRODUCT,  # kolorit/__init__.py: the public names
    "cli": {"training", "evaluate", "web", "video", "front"} | PRODUCT,
    "door": {"cli"},  # kolorit/__main__.py
}

# library -> modules or packages of ours that may import it
OWNERS = {
    "PIL": ("kolorit.picture",),
    "click": ("kolorit.cli",),
    "lightning_fabric": ("kolorit.training.loop",),
    "matplotlib": (
        "kolorit.training.plot",
        "kolorit.training.representation.figures",
        "kolorit.evaluate.plots",
    ),
    "onnx": ("kolorit.training.onnx_file",),
    "onnxruntime": ("kolorit.runtime.onnx",),
    "onnxscript": ("kolorit.training.onnx_file",),
    "safetensors": ("kolorit.training", "kolorit.evaluate.deep"),
    "tifffile": ("kolorit.picture",),  # and there in one module: ONE_MODULE
    "fastapi": ("kolorit.web",),
    "h11": ("kolorit.web.server",),
    "pydantic": ("kolorit.web",),
    "starlette": ("kolorit.web",),
    "uvicorn": ("kolorit.web.server",),
    "diffusers": ("kolorit.training.nets.autoencoder",),
    "huggingface_hub": ("kolorit.training.nets.seed_a",),
    "timm": ("kolorit.training.nets.seed_a", "kolorit.training.representation.classifiers"),
    "torch": ("kolorit.training", "kolorit.evaluate.deep"),
    "torch.onnx": ("kolorit.training.onnx_file",),
    "torch_fidelity": ("kolorit.evaluate.deep.inception",),
}
ONE_MODULE = ("tifffile",)
EVERYWHERE = ("numpy",)
BARE = ("kolorit", "kolorit.errors", "kolorit.__main__")  # import nothing of others, not even numpy

# An import by computed name hides from this test; only lazy public names and commands need one.
COMPUTED = ("kolorit", "kolorit.cli.main")


def broken_rules(source: Path) -> list[str]:
    """Everything wrong in a package tree, as "module: what", sorted. source: the kolorit folder."""
    modules = dict(sorted((_name(path, source), path) for path in source.rglob("*.py")))
    broken = []
    users: dict[str, set[str]] = {library: set() for library in ONE_MODULE}
    for module, path in modules.items():
        for target in _imports(module, path, set(modules)):
            if target == "?":
                if module not in COMPUTED:
                    broken.append(f"{module}: imports by a computed name")
            elif target.split(".")[0] == "kolorit":
                broken += _upward(module, target)
            else:
                broken += _unowned(module, target)
                if target.split(".")[0] in users:
                    users[target.split(".")[0]].add(module)
    for library, by in users.items():
        if len(by) > 1:
            broken.append(f"{library}: imported by {' and '.join(sorted(by))}")
    return sorted(set(broken))


def _name(path: Path, source: Path) -> str:
    parts = ["kolorit", *path.relative_to(source).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(module: str) -> str:
    parts = module.split(".")
    if len(parts) == 1:
        return "front"
    if parts[1] == "__main__":
        return "door"
    if parts[1] in FLOORS:
        return parts[1]
    return "product" if len(parts) == 2 else f"{parts[1]}/"  # an unknown package has no floor


def _upward(module: str, target: str) -> list[str]:
    if target == "kolorit.__version__":
        return []
    here, there = _room(module), _room(target)
    if here not in FLOORS:
        return [f"{module}: its package has no floor in FLOORS"]
    if here == there or there in FLOORS[here]:
        return []
    return [f"{module}: {here} imports {target}"]


def _unowned(module: str, target: str) -> list[str]:
    library = target.split(".")[0]
    if library in sys.stdlib_module_names:
        return []
    if module in BARE:
        return [f"{module}: imports {library}, but must run without any library"]
    if library in EVERYWHERE:
        return []
    if library not in OWNERS:
        return [f"{module}: {library} has no owner in OWNERS"]
    rules = [key for key in OWNERS if target == key or target.startswith(key + ".")]
    owners = OWNERS[max(rules, key=len)]  # torch.onnx is stricter than torch
    if any(module == owner or module.startswith(owner + ".") for owner in owners):
        return []
    return [f"{module}: {target} belongs to {' and '.join(owners)}"]


def _imports(module: str, path: Path, modules: set[str]) -> Iterator[str]:
    """Full names of what a file imports; "?" for one that cannot be read off the source."""
    tree = ast.parse(path.read_text("utf-8"), str(path))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*up, base] if base else up)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                ours = base.split(".")[0] == "kolorit"
                # `from kolorit import colour` names a room, `from kolorit import Picture` the front
                known = full in modules or full in ("kolorit.__version__", "torch.onnx")
                yield full if known or (not ours and full in OWNERS) else base
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            name = node.args[0] if node.args else None
            literal = isinstance(name, ast.Constant) and isinstance(name.value, str)
            yield name.value if literal and not name.value.startswith(".") else "?"
        elif isinstance(node, ast.Attribute) and node.attr == "onnx":
            if isinstance(node.value, ast.Name) and node.value.id == "torch":
                yield "torch.onnx"


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def test_house_stands() -> None:
    assert broken_rules(SOURCE) == []


def test_every_package_has_a_floor() -> None:
    """One that imports nothing would slip through the rules above."""
    packages = {path.parent.name for path in SOURCE.glob("*/*.py")}
    assert packages >= {"colour", "picture"}
    assert packages <= set(FLOORS)


@pytest.mark.parametrize(
    ("file", "text", "caught"),
    [
        # floors
        ("colour/lab.py", "from kolorit.picture import resize", "colour imports kolorit.picture"),
        ("picture/decode.py", "import kolorit.colour.lab", "picture imports kolorit.colour.lab"),
        ("colour/lab.py", "from ..runtime.model import Model", "colour imports kolorit.runtime"),
        ("errors.py", "from kolorit.colour.lab import WHITE", "errors imports kolorit.colour.lab"),
        ("runtime/model.py", "from kolorit.colorizer import Result", "runtime imports"),
        ("runtime/model.py", "from kolorit import Picture", "runtime imports kolorit"),
        ("runtime/model.py", "import kolorit", "runtime imports kolorit"),
        ("merge.py", "from kolorit.evaluate.fidelity import psnr", "product imports kolorit.eval"),
        ("merge.py", "from kolorit import training", "product imports kolorit.training"),
        ("merge.py", "import kolorit.web.app", "product imports kolorit.web.app"),
        ("training/loop.py", "from kolorit import colorizer", "training imports kolorit.colorizer"),
        ("training/loop.py", "from kolorit.hints import Hint", "training imports kolorit.hints"),
        ("training/loop.py", "import kolorit.web.app", "training imports kolorit.web.app"),
        ("evaluate/judge.py", "from kolorit.colorizer import colorize", "evaluate imports"),
        ("evaluate/judge.py", "from kolorit.training import nets", "evaluate imports"),
        ("merge.py", "from kolorit.cli.main import main", "product imports kolorit.cli.main"),
        ("web/app.py", "from kolorit.cli.main import main", "web imports kolorit.cli.main"),
        ("__init__.py", "from kolorit.training.loop import fit", "front imports"),
        ("attic/box.py", "from kolorit.colour import lab", "no floor"),
        # where an import may hide
        ("merge.py", "def f():\n    from kolorit.training import loop", "product imports"),
        ("merge.py", "from importlib import import_module\nimport_module('torch')", "torch b"),
        ("merge.py", "__import__('kolorit.evaluate.judge')", "product imports"),
        ("merge.py", "import importlib\nimportlib.import_module('tor' + 'ch')", "computed name"),
        (
            "colour/lab.py",
            "import typing as t\nif t.TYPE_CHECKING:\n import torch",
            "torch belongs",
        ),
        # one library, one owner
        ("runtime/model.py", "import onnxruntime as ort", "onnxruntime belongs"),
        ("training/data.py", "from PIL import Image", "PIL belongs to kolorit.picture"),
        ("colour/lab.py", "from PIL.Image import open", "PIL.Image belongs to kolorit.picture"),
        ("merge.py", "import click", "click belongs to kolorit.cli"),
        ("evaluate/judge.py", "import torch.nn.functional as F", "torch.nn.functional belongs"),
        ("training/data.py", "from lightning_fabric import Fabric", "lightning_fabric belongs"),
        ("training/loop.py", "import onnx", "onnx belongs to kolorit.training.onnx_file"),
        ("training/loop.py", "from torch import onnx", "torch.onnx belongs"),
        ("training/loop.py", "import torch.onnx", "torch.onnx belongs"),
        ("training/loop.py", "import torch\ntorch.onnx.export(1)", "torch.onnx belongs"),
        ("runtime/card.py", "import tifffile", "tifffile belongs to kolorit.picture"),
        ("evaluate/report.py", "import matplotlib.pyplot as plt", "matplotlib.pyplot belongs"),
        ("cli/serve.py", "import uvicorn", "uvicorn belongs to kolorit.web.server"),
        ("web/app.py", "from h11 import Request", "h11 belongs to kolorit.web.server"),
        ("merge.py", "from fastapi import FastAPI", "fastapi belongs to kolorit.web"),
        ("merge.py", "import requests", "requests has no owner"),
        ("errors.py", "import numpy", "must run without any library"),
        ("__init__.py", "def f():\n    import numpy", "must run without any library"),
    ],
)
def test_a_planted_fault_is_caught(tmp_path: Path, file: str, text: str, caught: str) -> None:
    _build(tmp_path, {file: text})
    broken = broken_rules(tmp_path)
    assert len(broken) == 1, broken
    assert caught in broken[0]


def test_a_second_module_with_tifffile_is_caught(tmp_path: Path) -> None:
    _build(tmp_path, {"picture/a.py": "import tifffile", "picture/b.py": "import tifffile"})
    assert broken_rules(tmp_path) == [
        "tifffile: imported by kolorit.picture.a and kolorit.picture.b"
    ]


def test_what_is_allowed_passes(tmp_path: Path) -> None:
    _build(
        tmp_path,
        {
            "colour/lab.py": "import numpy as np\nfrom .srgb import encode\nfrom ..errors import A",
            "runtime/onnx.py": "import onnxruntime\nfrom kolorit.colour import lab",
            "merge.py": "from kolorit import __version__\nfrom kolorit.runtime.model import Model",
            "training/loop.py": "import torch\nfrom lightning_fabric import Fabric",
            "training/onnx_file.py": "import onnx\nimport torch\ntorch.onnx.export(1)",
            "training/probe.py": "from kolorit.evaluate.fidelity import psnr",
            "cli/train.py": "import click\ndef f():\n    from kolorit.training import loop",
            "cli/main.py": "from importlib import import_module\nimport_module('a' + 'b')",
            "__init__.py": "from importlib import import_module\nimport_module(NAMES['a'])",
            "__main__.py": "from kolorit.cli.main import main",
        },
    )
    assert broken_rules(tmp_path) == []


def _build(folder: Path, files: dict[str, str]) -> None:
    """A little house: the usual rooms, empty, and these files in it."""
    rooms = ("cli", "colour", "evaluate", "picture", "runtime", "training", "web")
    empty = ["__init__.py", "errors.py", "colorizer.py", *(f"{room}/__init__.py" for room in rooms)]
    for file, text in {**dict.fromkeys(empty, ""), **files}.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, "utf-8")
