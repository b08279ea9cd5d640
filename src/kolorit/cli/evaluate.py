"""``kolorit evaluate SET...``: joins the command line, the models and the judge."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from kolorit.cli import words
from kolorit.cli.command import Command
from kolorit.cli.cores import allowed_cores
from kolorit.cli.judging import (
    FILES,
    find_sets,
    judge_sets,
    tell_left_out,
    without_truth,
    write_reports,
)
from kolorit.errors import (
    ConfigInvalid,
    InputUnreadable,
    InternalError,
    OutputUnwritable,
    SomeInputsFailed,
)

_EXAMPLES = (
    ("kolorit evaluate holidays/", "the shipped model on your own colour photographs"),
    ("kolorit evaluate kodak24 -m default -m runs/mine", "two models, compared picture by picture"),
    ("kolorit evaluate kodak24 -m folder:other/", "pictures that another program coloured"),
    ("kolorit evaluate --self-test", "does the judge fall for known mistakes?"),
)


@click.command(cls=Command, examples=_EXAMPLES)
@click.argument("sets", metavar="SET...", nargs=-1, type=click.Path(readable=False))
@click.option(
    "-m",
    "--model",
    "models",
    metavar="M",
    multiple=True,
    help="A shipped name, an .onnx with its card, a training run's folder, or folder:PATH of "
    "coloured pictures; again for more (default: default).",
)
@click.option("--look", "looks", metavar="LOOK", multiple=True, help="Only this look; again.")
@click.option(
    "-o",
    "--out",
    metavar="DIR",
    default="evaluation",
    show_default=True,
    type=click.Path(readable=False),
    help="Folder of the report.",
)
@click.option("--first", metavar="N", type=click.IntRange(1), help="Only N pictures of each set.")
@click.option(
    "--short-side",
    metavar="PX",
    default=256,
    show_default=True,
    type=click.IntRange(32, 2048),
    help="Size at which pictures are judged.",
)
@click.option(
    "--hints",
    metavar="N,N",
    default="1,10,100,500",
    show_default=True,
    help="Numbers of true hints to try; 0 for none.",
)
@click.option("--deep", is_flag=True, help="Also metrics from deep features (extra: evaluate).")
@click.option(
    "-j", "--jobs", metavar="N", type=click.IntRange(1), help="Processes (default: the cores)."
)
@click.option("--overwrite", is_flag=True, help="Replace a report that is there.")
@click.option("--self-test", is_flag=True, help="Plant known mistakes; do the numbers show them?")
@click.option("-q", "--quiet", is_flag=True, help="Say errors only.")
@click.option("--debug", is_flag=True, help="Print the trace of an error.")
def evaluate(
    sets: tuple[str, ...],
    models: tuple[str, ...],
    looks: tuple[str, ...],
    out: str,
    first: int | None,
    short_side: int,
    hints: str,
    deep: bool,
    jobs: int | None,
    overwrite: bool,
    self_test: bool,
    quiet: bool,
    debug: bool,
) -> int:
    """Judge colorizers on sets of colour photographs.

    SET is a folder of colour photographs, or a name under KOLORIT_DATA/eval. The report stands in
    DIR: report.html, report.md, scores.json, scores.csv, and pictures.csv with every number of
    every picture. docs/evaluation.md says how to read it.
    """
    if self_test:
        return _self_test(sets, first, short_side)
    if not sets:
        raise click.UsageError("Name a set: a folder of colour photographs.")
    from kolorit.cli.contestants import Order, find_contestants

    folder = Path(out)
    _check_free(folder, overwrite)
    contestants = find_contestants(models or ("default",), looks)
    order = Order(tuple(contestants), short_side, _counts(hints), deep)
    photo_sets = find_sets(sets, first)
    bench = order()  # a wrong model or folder shows here, and not in a worker process
    with _ready(folder):
        judgements = judge_sets(photo_sets, order, bench, jobs or allowed_cores(), quiet)
        strangers = without_truth(photo_sets, order)
        written = write_reports(judgements, strangers, order, bench, folder)
    if not quiet:
        tell_left_out(judgements, strangers)
    for path in written:
        words.print_line(str(path))
    failed = sum(len(v.failures) for j in judgements for v in j.verdicts)
    if failed:
        raise SomeInputsFailed(
            f"{failed} picture{'s' * (failed > 1)} failed, scored as grey",
            remedy="The report names each of them, and why.",
        )
    return 0


def _check_free(folder: Path, overwrite: bool) -> None:
    """No file of the report is there, or all may be replaced."""
    for path in (folder / name for name in FILES):
        if path.is_dir():
            raise OutputUnwritable("this is a folder, and the report needs its name", file=path)
        if path.exists() and not overwrite:
            raise OutputUnwritable(
                "there is a report already",
                file=path,
                remedy="Choose another folder with -o, or --overwrite.",
            )


@contextmanager
def _ready(folder: Path) -> Iterator[None]:
    """The folder is there and can be written to, before the work, so that none is lost.

    What stops the work leaves no empty folder behind.
    """
    from kolorit.cli.work import make_folder

    fresh = not folder.exists()
    make_folder(folder)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        cause = f"this folder cannot be written to: {error.strerror}"
        raise OutputUnwritable(cause, file=folder) from error
    try:
        yield
    except BaseException:
        if fresh:
            with suppress(OSError):
                folder.rmdir()
        raise


def _self_test(sets: tuple[str, ...], first: int | None, short_side: int) -> int:
    """Print a line for each planted mistake; raises InternalError where one is not seen."""
    from kolorit.evaluate.self_test import run
    from kolorit.evaluate.sets import find_set, read_truth
    from kolorit.merge import merge

    pictures = []
    for photograph in (p for name in sets for p in find_set(name, first).photographs):
        try:
            pictures.append(read_truth(photograph.path, short_side))
        except InputUnreadable as error:
            words.say(words.plain(f"left out: {error}"))
    findings = run(pictures if sets else None, put=merge)
    for finding in findings:
        words.print_line(words.plain(str(finding)))
    if broken := [finding.trap for finding in findings if finding.held is False]:
        raise InternalError(f"the judge falls for {', '.join(broken)}")
    return 0


def _counts(text: str) -> tuple[int, ...]:
    """Numbers of hints: "1,10,100"; 0 is the automatic result, which is there anyhow."""
    try:
        counts = sorted({int(part) for part in text.split(",")})
    except ValueError:
        counts = [-1]
    if counts[0] < 0 or counts[-1] > 10_000:
        raise ConfigInvalid(f"hints = {text}", remedy="Use numbers with commas, such as 1,10,100.")
    return tuple(count for count in counts if count)
