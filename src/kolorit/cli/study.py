"""``kolorit study NAME``: joins the command line to the studies of what colouring teaches."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kolorit.cli import words
from kolorit.cli.command import Command
from kolorit.cli.extras import need

_EXAMPLES = (
    ("kolorit study food101-fair -o runs/fair", "what colouring teaches; again, to go on"),
    ("kolorit study food101-fair --describe", "what it would do, without doing it"),
    ("kolorit study food101-fair --smoke", "the same, tiny, in a minute"),
    ("kolorit study seed-b-faithful --set data=food-101/", "another folder of classes"),
)
_PATH = click.Path(readable=False)


@click.command(cls=Command, examples=_EXAMPLES)
@click.argument("name", metavar="NAME", type=_PATH)
@click.option(
    "-o", "--out", metavar="DIR", type=_PATH, help="Folder of the study (default: runs/NAME)."
)
@click.option(
    "--set", "changes", metavar="KEY=VALUE", multiple=True, help="Change a key of the study."
)
@click.option("--smoke", is_flag=True, help="The study's own small size, to try it out.")
@click.option(
    "--describe", is_flag=True, help="Print arms, networks, splits and data as JSON; run nothing."
)
@click.option("--device", metavar="D", default="auto", help="auto (default), cpu, cuda.")
@click.option("-q", "--quiet", is_flag=True, help="Say errors only.")
@click.option("--debug", is_flag=True, help="Print the trace of an error.")
def study(
    name: str,
    out: str | None,
    changes: tuple[str, ...],
    smoke: bool,
    describe: bool,
    device: str,
    quiet: bool,
    debug: bool,
) -> int:
    """Compare what encoders have learnt by their pretexts: a shipped study, or a TOML file.

    Each stage goes on from where it stands: the same command again does what is left. The folder
    gets the table (results.json), a report with figures (report.md), encoders and probes' answers.
    """
    need("train")
    from kolorit.training.representation.study_file import load_study

    wanted = load_study(name, changes, smoke=smoke)
    if describe:
        from kolorit.training.representation.describe import describe as description

        words.print_line(json.dumps(description(wanted), indent=1))
        return 0
    from kolorit.training.representation.run import run_study

    folder = Path(out) if out else Path("runs") / (f"{wanted.name}-smoke" if smoke else wanted.name)
    report = run_study(wanted, folder, device=device, say=_silent if quiet else words.say)
    for path in (folder / "results.json", report):
        words.print_line(str(path))
    return 0


def _silent(_: str) -> None:
    """Says nothing."""
