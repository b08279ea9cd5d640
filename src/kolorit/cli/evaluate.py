"""``kolorit evaluate SET...``: joins the command line, the models and the judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kolorit.cli import words
from kolorit.cli.command import Command
from kolorit.cli.cores import allowed_cores
from kolorit.errors import ConfigInvalid, InternalError, OutputUnwritable, SomeInputsFailed

if TYPE_CHECKING:
    from kolorit.cli.contestants import Order
    from kolorit.evaluate.judge import Bench, Judgement
    from kolorit.evaluate.sets import PhotoSet

_EXAMPLES = (
    ("kolorit evaluate holidays/", "the shipped model on your own colour photographs"),
    ("kolorit evaluate kodak24 -m default -m runs/mine", "two models, compared picture by picture"),
    ("kolorit evaluate kodak24 -m folder:other/", "pictures that another program coloured"),
    ("kolorit evaluate --self-test", "does the judge fall for known mistakes?"),
)
_FILES = ("report.html", "report.md", "scores.json", "scores.csv", "pictures.csv")


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
    from kolorit.cli.work import make_folder

    folder = Path(out)
    if not overwrite and (taken := [name for name in _FILES if (folder / name).exists()]):
        raise OutputUnwritable(
            "there is a report already",
            file=folder / taken[0],
            remedy="Choose another folder with -o, or --overwrite.",
        )
    contestants = find_contestants(models or ("default",), looks)
    order = Order(tuple(contestants), short_side, _counts(hints), deep)
    photo_sets = _find(sets, first)
    bench = order()  # a wrong model or folder shows here, and not in a worker process
    make_folder(folder)  # before the work, so that none is lost
    judgements = _judge(photo_sets, order, jobs or allowed_cores(), quiet)
    failed = sum(len(v.failures) for j in judgements for v in j.verdicts)
    for path in _write(judgements, order, bench, folder):
        words.print_line(str(path))
    if failed:
        raise SomeInputsFailed(
            f"{failed} pictures failed and were scored as grey",
            remedy="The report names each of them, and why.",
        )
    return 0


def _find(sets: tuple[str, ...], first: int | None) -> list[PhotoSet]:
    """All sets, before the first is judged."""
    from kolorit.evaluate.sets import find_set

    found = [find_set(name, first) for name in sets]
    names = [photo_set.name for photo_set in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigInvalid(f"two sets are called '{twice}'", remedy="Name each set once.")
    return found


def _judge(sets: list[PhotoSet], order: Order, jobs: int, quiet: bool) -> list[Judgement]:
    from kolorit.evaluate.judge import judge

    progress = words.Progress(sum(len(s.photographs) for s in sets), shown=not quiet)

    def tell() -> None:
        progress.step()
        progress.draw()

    try:
        return [judge(s, order, min(jobs, len(s.photographs)), tell) for s in sets]
    finally:
        progress.clear()


def _write(judgements: list[Judgement], order: Order, bench: Bench, out: Path) -> list[Path]:
    """The record and the reports; gives the files, the one to open first at the head."""
    from kolorit.cli.contestants import describe, rebalancing_card
    from kolorit.evaluate.record import make_record, write_pictures
    from kolorit.evaluate.report_page import page
    from kolorit.evaluate.report_text import markdown, write_scores
    from kolorit.evaluate.shots import take_shots, to_show
    from kolorit.picture.save import save

    card = rebalancing_card()
    record = make_record(
        judgements,
        systems={c.row: describe(c) for c in order.contestants},
        short_side=order.short_side,
        prior=f"the card of {card.name} {card.version}",
        deep=order.deep,
        without_truth=_without_truth(judgements, order),
    )
    shots = {
        judgement.photo_set.name: take_shots(judgement, to_show(of_set), bench)
        for judgement, of_set in zip(judgements, record["sets"], strict=True)
    }
    write_scores(record, out)
    write_pictures(judgements, out / "pictures.csv")
    save(markdown(record).encode(), out / "report.md", overwrite=True)
    save(page(record, shots).encode(), out / "report.html", overwrite=True)
    return [out / name for name in _FILES]


def _without_truth(judgements: list[Judgement], order: Order) -> dict[str, list[str]]:
    """Pictures of folder:PATH that no set has, by row; they are told and not judged."""
    from kolorit.evaluate.systems import strangers

    stems = {p.stem for j in judgements for p in j.photo_set.photographs}
    folders = {c.row: Path(c.folder) for c in order.contestants if c.folder}
    found = {row: strangers(folder, stems) for row, folder in folders.items()}
    for row, names in found.items():
        if names:
            words.say(words.plain(f"{row}: {len(names)} without a truth: {', '.join(names[:5])}"))
    return {row: names for row, names in found.items() if names}


def _self_test(sets: tuple[str, ...], first: int | None, short_side: int) -> int:
    """Print a line for each planted mistake; raises InternalError where one is not seen."""
    from kolorit.evaluate.self_test import run
    from kolorit.evaluate.sets import find_set, read_truth
    from kolorit.merge import merge

    chosen = [p for name in sets for p in find_set(name, first).photographs]
    findings = run([read_truth(p.path, short_side) for p in chosen] or None, put=merge)
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
