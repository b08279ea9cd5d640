"""``kolorit models``: what is installed, and whether it is intact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kolorit.cli import words
from kolorit.cli.command import Command
from kolorit.errors import ModelUnavailable

_EXAMPLES = (
    ("kolorit models", "name, version, size and looks of each"),
    ("kolorit farm.jpg --model NAME", "use one of them"),
)


@click.command(cls=Command, examples=_EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--debug", is_flag=True, help="Print the trace of an error.")
def models(as_json: bool, debug: bool) -> int:
    """List the models that are installed."""
    from kolorit.runtime.store import shipped_models

    found = [describe_model(name, path) for name, path in shipped_models().items()]
    if as_json:
        words.print_json({"schema": 1, "models": found})
        return 0
    for model in found:
        if "error" in model:
            words.print_line(words.plain(f"{model['name']}  broken: {model['error']}"))
            continue
        facts = (
            f"{model['name']} {model['version']}",
            f"sha256 {model['sha256'][:12]}",
            f"{model['bytes'] / 1e6:.1f} MB",
            f"looks {', '.join(model['looks'])}",
        )
        words.print_line(words.plain("  ".join(facts)))
    if not found:
        raise ModelUnavailable("no model is installed")
    return 0


def describe_model(name: str, path: Path) -> dict[str, Any]:
    """A model's card in short; with "error" instead where card or sha256 are wrong."""
    from kolorit.runtime.store import read_model

    try:
        card, network = read_model(path)
    except ModelUnavailable as error:
        return {"name": name, "path": str(path), "error": error.cause}
    return {
        "name": name,
        "version": card.version,
        "sha256": card.sha256,
        "path": str(path),
        "bytes": len(network),
        "size": card.size,
        "looks": list(card.looks),
        "about": card.about,
    }
