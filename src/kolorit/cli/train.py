"""``kolorit train RECIPE``: joins the command line to the workshop."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kolorit.cli import words
from kolorit.cli.command import Command
from kolorit.errors import DeviceUnavailable

if TYPE_CHECKING:
    from kolorit.training.recipe import Recipe

_EXAMPLES = (
    ("kolorit train hinted-small --describe", "what it would do, without doing it"),
    ("kolorit train hinted-small -o runs/a", "train into a folder"),
    ("kolorit train mine.toml --set steps=100", "another recipe, with a change"),
)
_NEEDED = ("torch", "lightning_fabric", "safetensors", "onnx", "onnxscript")


@click.command(cls=Command, examples=_EXAMPLES)
@click.argument("recipe", metavar="RECIPE", type=click.Path(readable=False))
@click.option(
    "-o",
    "--out",
    metavar="DIR",
    type=click.Path(readable=False),
    help="Folder of the run (default: runs/RECIPE).",
)
@click.option("--resume", is_flag=True, help="Go on from the folder's checkpoint.")
@click.option(
    "--set", "changes", metavar="KEY=VALUE", multiple=True, help="Change a key of the recipe."
)
@click.option(
    "--describe", is_flag=True, help="Print recipe, network and data as JSON; train nothing."
)
@click.option(
    "--devices", metavar="N", type=click.IntRange(1), help="How many devices (default: all)."
)
@click.option("-q", "--quiet", is_flag=True, help="Say errors only.")
@click.option("--debug", is_flag=True, help="Print the trace of an error.")
def train(
    recipe: str,
    out: str | None,
    resume: bool,
    changes: tuple[str, ...],
    describe: bool,
    devices: int | None,
    quiet: bool,
    debug: bool,
) -> int:
    """Train a model by a recipe: one that is shipped, or a TOML file."""
    from kolorit.training.recipe import load_recipe

    wanted = load_recipe(recipe, changes)
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise DeviceUnavailable(
            f"training needs {', '.join(missing)}", remedy="pip install 'kolorit[train]'"
        )
    if describe:
        words.print_line(json.dumps(_description(wanted), indent=1))
        return 0
    from kolorit.training.loop import train as run

    folder = Path(out) if out else Path("runs") / wanted.name
    checkpoint = run(
        wanted,
        folder,
        resume=resume,
        devices=devices or "auto",
        say=_silent if quiet else words.say,
    )
    if not _is_first_process():
        return 0  # one of several processes writes the model and speaks
    words.print_line(str(checkpoint))
    from kolorit.training.export import export_run

    model = folder / "model.onnx"
    export_run(folder, wanted, model)
    words.print_line(str(model))
    return 0


def _is_first_process() -> bool:
    """By the variables that torchrun (RANK) and Fabric's own launcher (the others) set."""
    ranks = [os.environ.get(name, "0") for name in ("NODE_RANK", "LOCAL_RANK")]
    return os.environ.get("RANK", "0" if ranks == ["0", "0"] else "1") == "0"


def _description(recipe: Recipe) -> dict[str, Any]:
    """The recipe with its defaults, the network by parts, ranges of values, and the data found."""
    from kolorit.training.loop import build_net

    net = build_net(
        replace(recipe, encoder="none", start="none")
    )  # its size is known without its weights
    parts = {
        name: {
            "parameters": sum(p.numel() for p in part.parameters()),
            "trained": sum(p.numel() for p in part.parameters() if p.requires_grad),
        }
        for name, part in net.named_children()
    }
    return {
        "recipe": asdict(recipe),
        "network": {"parts": parts, "parameters": sum(p.numel() for p in net.parameters())},
        "ranges": {
            "L": [0, 100],
            "ab": [-110, 110],
            "hints": {"a, b": [-110, 110], "mask": [0, 1]},
        },
        "data": [_shards(name) for name in recipe.shards],
        "encoder": _encoder(recipe),
    }


def _shards(name: str) -> dict[str, Any]:
    """What there is of one folder of shards."""
    root = os.environ.get("KOLORIT_DATA")
    shards = sorted((Path(root) / name).glob("*.tar")) if root else []
    size = sum(path.stat().st_size for path in shards)
    folder = str(Path(root) / name) if root else None
    return {"name": name, "folder": folder, "shards": len(shards), "bytes": size}


def _encoder(recipe: Recipe) -> dict[str, Any] | None:
    """Whether the weights are there with which the encoder begins; None if it begins without."""
    if recipe.encoder == "none":
        return None
    root = os.environ.get("KOLORIT_WEIGHTS")
    found = root is not None and (Path(root) / recipe.encoder).is_file()
    return {"file": recipe.encoder, "found": found}


def _silent(_: str) -> None:
    """Says nothing."""
