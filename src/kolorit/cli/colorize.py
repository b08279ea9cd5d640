"""``kolorit photo.jpg``: the command that needs no verb."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kolorit.cli import words
from kolorit.cli.command import Command
from kolorit.cli.cores import allowed_cores
from kolorit.cli.plan import STDOUT, Job, Wishes, folders_of, make_plan
from kolorit.cli.settings import Chosen, resolve
from kolorit.errors import ConfigInvalid

if TYPE_CHECKING:
    from kolorit.cli.report import Report
    from kolorit.cli.work import Order
    from kolorit.colorizer import Colorizer

_EXAMPLES = (
    ("kolorit farm.jpg", "writes farm.color.jpg beside it"),
    ("kolorit *.jpg -o coloured/", "many pictures into a folder"),
    ("kolorit -r album -o coloured/", "a whole tree of folders"),
    ("kolorit farm.jpg --compare slider", "also a page of before and after"),
)
_COMMANDS = (
    ("kolorit serve", "a page in the browser, and an interface over HTTP"),
    ("kolorit models", "list the models that are installed"),
    ("kolorit doctor", "check the installation, show the settings"),
    ("kolorit evaluate SET", "judge models, or what other programs coloured"),
    ("kolorit features FOLDER", "describe photographs by numbers"),
    ("kolorit train RECIPE", "train a model"),
    ("kolorit study NAME", "what colouring teaches"),
    ("kolorit completion SHELL", "print completion for bash, zsh or fish"),
)
_SPARED = {"--report": "report", "--hints": "hints"}  # files that no result may replace
_PATH = click.Path(readable=False, allow_dash=True)  # existence is checked with better words


@click.command(cls=Command, examples=_EXAMPLES, about=(("Commands", _COMMANDS),))
@click.argument("inputs", nargs=-1, metavar="INPUT...", type=_PATH)
@click.option("-o", "--out", metavar="OUT", type=_PATH, help="File, folder/ or - for stdout.")
@click.option("-r", "--recursive", is_flag=True, help="Colour all that is in folders.")
@click.option("--look", metavar="NAME", help="vivid (default) or faithful.")
@click.option("--strength", metavar="F", help="0 is grey, 1 (default) the look's own colours.")
@click.option("--saturation", metavar="F", help="Factor on the colours, 0 to 4 (default 1).")
@click.option("--warmth", metavar="F", help="-1 is cooler, 1 warmer (default 0).")
@click.option("--hints", metavar="F.json", type=_PATH, help="Colours that you know, by place.")
@click.option(
    "--alternatives",
    metavar="N",
    default=0,
    type=click.IntRange(0, 12),
    help="Also write N other colourings.",
)
@click.option(
    "--compare",
    type=click.Choice(["side", "slider"]),
    help="Also show before and after together.",
)
@click.option("--confidence", is_flag=True, help="Also write a map of how sure the model is.")
@click.option("--merge", metavar="luma|lab", help="What stays: grey values (luma) or L*.")
@click.option("--model", metavar="M", help="A name of `kolorit models`, or an .onnx file.")
@click.option("--size", metavar="PIXELS", help="Side at which the model looks.")
@click.option(
    "--mirror/--no-mirror",
    default=None,
    help="Let the model look at the mirror image too (default).",
)
@click.option("--device", metavar="D", help="auto (default), cpu, cuda, ...")
@click.option("--threads", metavar="N", help="Threads of the model, for each picture.")
@click.option("-j", "--jobs", metavar="N", help="Pictures at a time (default: one a core).")
@click.option("-f", "--format", metavar="F", help="jpeg, png, tiff, webp or avif.")
@click.option("--quality", metavar="Q", help="1 to 100, for jpeg, webp and avif.")
@click.option("--mark/--no-mark", default=None, help="Say in the file that a model coloured it.")
@click.option("--strip/--no-strip", default=None, help="Leave out metadata about place and people.")
@click.option("--max-pixels", metavar="N", help="Refuse larger pictures (default 100000000).")
@click.option("--json", is_flag=True, help="One JSON object a picture on standard output.")
@click.option("--report", metavar="F.jsonl", type=_PATH, help="Append these objects to a file.")
@click.option("--resume", is_flag=True, help="Leave out what the report says is finished.")
@click.option("--overwrite", is_flag=True, help="Replace results that are there.")
@click.option("--skip-existing", is_flag=True, help="Leave results that are there.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("-q", "--quiet", is_flag=True, help="Say errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Say what happens to every picture.")
@click.option("--debug", is_flag=True, help="Print the trace of an error.")
@click.option("--version", is_flag=True, help="Print versions; with --json as an object.")
def colorize(inputs: tuple[str, ...], **flags: Any) -> int:
    """Kolorit colours black-and-white photographs and keeps their grey values."""
    if flags["version"]:
        from kolorit.cli.version import print_version

        return print_version(flags["json"])
    if not inputs:
        raise click.UsageError("Name a photograph, as in: kolorit farm.jpg")
    wishes = _wishes(inputs, flags)
    settings = resolve(flags)
    if settings["format"].value:
        wishes = replace(wishes, format=settings["format"].value)
    jobs = make_plan(inputs, flags["recursive"], wishes)
    if flags["json"] and any(job.format and job.target is None for job in jobs):
        raise click.UsageError("--json and the picture both want standard output: use -o FILE.")
    if flags["dry_run"]:
        _order(wishes, settings, flags, None)  # wrong hints, look, model or device: say so now
        _load(settings, workers=1)
        return _show_plan(jobs, flags["json"])
    return _run(jobs, wishes, settings, flags)


def _wishes(inputs: tuple[str, ...], flags: dict[str, Any]) -> Wishes:
    if flags["overwrite"] and flags["skip_existing"]:
        raise click.UsageError("--overwrite and --skip-existing exclude each other.")
    if flags["resume"] and not flags["report"]:
        raise click.UsageError("--resume needs the report of the run before: --report F.jsonl")
    existing = "refuse"
    for wish, flag in (
        ("compare", "resume"),
        ("skip", "skip_existing"),
        ("overwrite", "overwrite"),
    ):
        existing = wish if flags[flag] else existing
    return Wishes(
        out=flags["out"],
        existing=existing,
        alternatives=flags["alternatives"],
        compare=flags["compare"],
        confidence=flags["confidence"],
        spared={flag: flags[name] for flag, name in _SPARED.items() if flags[name]},
    )


def _show_plan(jobs: list[Job], as_json: bool) -> int:
    """--dry-run: what would be written, one line a picture on standard output."""
    from kolorit.cli.tell import Teller
    from kolorit.cli.work import failed, planned, skipped

    teller = Teller(len(jobs), words.Progress(0, False), json=as_json, loud=-1)
    for job in jobs:
        if job.error is not None:
            teller(failed(job, job.error))
        elif as_json:
            words.print_json((skipped(job, job.skip) if job.skip else planned(job)).record)
        else:
            places = ", ".join(str(path) for path in reversed(job.outputs)) or STDOUT
            what = f"(left as it is, {job.skip})" if job.skip else places
            words.print_line(words.plain(f"{job.input.shown} -> {what}"))
    return teller.finish(full=False)


def _run(
    jobs: list[Job], wishes: Wishes, settings: dict[str, Chosen], flags: dict[str, Any]
) -> int:
    from kolorit.cli.batch import run_jobs
    from kolorit.cli.report import Report
    from kolorit.cli.tell import Teller
    from kolorit.cli.work import do_job, failed, skipped

    report = Report(Path(flags["report"])) if flags["report"] else None
    order = _order(wishes, settings, flags, report)
    todo = [job for job in jobs if job.error is None and job.skip is None]
    workers = max(1, min(settings["jobs"].value or allowed_cores(), len(todo)))
    colorizer = _load(settings, workers) if todo else None
    progress = words.Progress(len(todo), shown=not flags["quiet"])
    loud = -1 if flags["quiet"] else int(flags["verbose"])
    teller = Teller(len(jobs), progress, flags["json"], report, loud, flags["debug"])
    _tidy(todo)

    def do(job: Job, stop: Any) -> Any:
        if job.error is not None:
            return failed(job, job.error)
        if job.skip is not None:
            return skipped(job, job.skip)
        assert colorizer is not None
        return do_job(job, colorizer, order, stop)

    try:
        went_through = run_jobs(jobs, do, teller, workers, progress)
    finally:
        progress.clear()
        if report is not None:
            report.close()
    return teller.finish(full=not went_through)


def _order(
    wishes: Wishes, settings: dict[str, Chosen], flags: dict[str, Any], report: Report | None
) -> Order:
    from kolorit.cli.work import Order
    from kolorit.hints import read_hints
    from kolorit.picture.limits import DEFAULT

    limits = DEFAULT
    if pixels := settings["max_pixels"].value:  # whoever allows the pixels allows their memory
        limits = replace(limits, pixels=pixels, memory=max(limits.memory, 12 * pixels))
    options = {
        name: settings[name].value
        for name in ("look", "strength", "saturation", "warmth", "merge", "size", "mirror")
    }
    options["alternatives"] = wishes.alternatives
    options["hints"] = read_hints(flags["hints"]) if flags["hints"] else ()
    return Order(
        options,
        limits,
        quality=settings["quality"].value,
        mark=settings["mark"].value,
        strip=settings["strip"].value,
        existing=wishes.existing,
        hashed=report is not None,
        finished=frozenset(report.finished if report and flags["resume"] else ()),
    )


def _load(settings: dict[str, Chosen], workers: int) -> Colorizer:
    """The one Colorizer of a run. Raises before any picture is touched if it cannot work."""
    from kolorit.colorizer import Colorizer

    # Several pictures at a time keep the cores busy; threads within each would only get in the way.
    threads = settings["threads"].value or (1 if workers > 1 else None)
    device = settings["device"].value
    colorizer = Colorizer(settings["model"].value, device=device, threads=threads)
    looks, look = colorizer.model.card.looks, settings["look"]
    if look.value not in looks:
        message = f"{look.value!r} is not one of {', '.join(looks)}"
        if look.origin == "--look":
            raise click.BadParameter(f"{message}.", param_hint="--look")
        raise ConfigInvalid(f"look = {message}", file=look.origin)
    return colorizer


def _tidy(jobs: list[Job]) -> None:
    """Remove what killed runs left in the folders that are about to be written."""
    from kolorit.picture.save import remove_leftovers

    for folder in folders_of(jobs):
        remove_leftovers(folder)
