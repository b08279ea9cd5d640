"""``kolorit train RECIPE``: joins the command line to the workshop."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kolorit.cli import words
from kolorit.cli.command import Command
from kolorit.cli.extras import need
from kolorit.errors import KoloritError

if TYPE_CHECKING:
    from kolorit.training.recipe import Recipe

_EXAMPLES = (
    ("kolorit train finetune-my-folder --photos holidays/", "the shipped model, taught your own"),
    ("kolorit train seed-a-mended --describe", "what it would do, without doing it"),
    ("kolorit train seed-a-mended -o runs/a --resume", "go on with a run that was stopped"),
    ("kolorit train mine.toml --set steps=100", "another recipe, with a change"),
)


@click.command(cls=Command, examples=_EXAMPLES)
@click.argument("recipe", metavar="RECIPE", type=click.Path(readable=False))
@click.option(
    "-o",
    "--out",
    metavar="DIR",
    type=click.Path(readable=False),
    help="Folder of the run (default: runs/RECIPE).",
)
@click.option(
    "--photos",
    metavar="DIR",
    multiple=True,
    type=click.Path(readable=False),
    help="Train on the photographs, or tar shards, in this folder; again for more folders.",
)
@click.option("--resume", is_flag=True, help="Go on from the folder's checkpoint.")
@click.option(
    "--set", "changes", metavar="KEY=VALUE", multiple=True, help="Change a key of the recipe."
)
@click.option("--smoke", is_flag=True, help="The recipe's own small size, to try it out.")
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
    photos: tuple[str, ...],
    resume: bool,
    changes: tuple[str, ...],
    smoke: bool,
    describe: bool,
    devices: int | None,
    quiet: bool,
    debug: bool,
) -> int:
    """Train a model by a recipe: one that is shipped, or a TOML file.

    The folder of the run gets the model (model.onnx, for --model), a report to look at
    (report.html), pictures of how it came along (grids/), its log, and what --resume needs.
    """
    from kolorit.training.recipe_file import load_recipe

    folders = json.dumps([_place(name) for name in photos], ensure_ascii=False)  # this is TOML too
    asked = (f"sources={folders}", *changes) if photos else changes
    wanted = load_recipe(recipe, asked, smoke=smoke)
    need("train")
    if describe:
        words.print_line(json.dumps(_description(wanted), indent=1))
        return 0
    from kolorit.training.loop import train as run

    if quiet:
        logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    folder = Path(out) if out else Path("runs") / wanted.name
    try:
        run(
            wanted,
            folder,
            resume=resume,
            devices=devices or "auto",
            say=_silent if quiet else words.say,
        )
    except KoloritError as error:
        if _is_first_process():
            raise
        return error.exit_code  # the first one says what is wrong
    if _is_first_process():  # one of several processes writes the model and speaks
        from kolorit.training.export import export_run
        from kolorit.training.report import write_report

        export_run(folder, wanted, folder / "model.onnx")
        write_report(folder)
        for name in ("model.onnx", "report.html"):
            words.print_line(str(folder / name))
    return 0


def _place(name: str) -> str:
    """A folder's whole path, so that the run goes on from anywhere; another name as it is."""
    path = Path(name).expanduser()
    return str(path.absolute()) if path.is_dir() else name


def _is_first_process() -> bool:
    """By the variables that torchrun (RANK) and Fabric's own launcher (the others) set."""
    ranks = [os.environ.get(name, "0") for name in ("NODE_RANK", "LOCAL_RANK")]
    return os.environ.get("RANK", "0" if ranks == ["0", "0"] else "1") == "0"


def _description(recipe: Recipe) -> dict[str, Any]:
    """The recipe with its defaults, the network by parts, ranges of values, and the data found."""
    from kolorit.training.adversary import build_critic
    from kolorit.training.build import build_net, check_names
    from kolorit.training.run import ranges_of

    check_names(recipe)
    net = build_net(recipe, weights=False)
    parts = {
        name: {
            "parameters": sum(p.numel() for p in part.parameters()),
            "trained": sum(p.numel() for p in part.parameters() if p.requires_grad),
        }
        for name, part in net.named_children()
    }
    critic = build_critic(recipe.adversary) if recipe.adversary else None
    return {
        "recipe": asdict(recipe),
        "network": {"parts": parts, "parameters": sum(p.numel() for p in net.parameters())},
        "critic": sum(p.numel() for p in critic.parameters()) if critic else None,
        "ranges": ranges_of(recipe),
        "data": [_source(name) for name in recipe.sources],
        "weights": _weights(recipe),
    }


def _source(name: str) -> dict[str, Any]:
    """What there is of one source of photographs."""
    from kolorit.training.sources import find_sources

    try:
        (source,) = find_sources({name: 1.0})
    except KoloritError as error:
        return {"name": name, "folder": None, "problem": str(error)}
    return {
        "name": name,
        "folder": str(source.folder),
        "kind": "shards" if source.sharded else "photographs",
        "files": len(source.files),
        "bytes": sum(file.size for file in source.files),
    }


def _weights(recipe: Recipe) -> dict[str, Any] | None:
    """Whether the weights are there with which the encoder begins; None if it begins without."""
    from kolorit.errors import ConfigInvalid
    from kolorit.training.build import find_weights

    if recipe.weights == "none":
        return None
    try:
        return {"file": recipe.weights, "found": find_weights(recipe).is_file()}
    except ConfigInvalid as error:
        return {"file": recipe.weights, "found": False, "why": str(error)}


def _silent(_: str) -> None:
    """Says nothing."""
