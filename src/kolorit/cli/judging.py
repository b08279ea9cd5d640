"""What ``kolorit evaluate`` does with its sets: find them, judge them, write and tell of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kolorit.cli import words
from kolorit.errors import ConfigInvalid

if TYPE_CHECKING:
    from kolorit.cli.contestants import Order
    from kolorit.evaluate.judge import Bench, Judgement
    from kolorit.evaluate.sets import PhotoSet

FILES = ("report.html", "report.md", "scores.json", "scores.csv", "pictures.csv")


def find_sets(sets: tuple[str, ...], first: int | None) -> list[PhotoSet]:
    """All sets, before the first is judged."""
    from kolorit.evaluate.sets import find_set

    found = [find_set(name, first) for name in sets]
    names = [photo_set.name for photo_set in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigInvalid(
            f"two sets are called '{twice}'", remedy="Name each set once, or rename a folder."
        )
    return found


def judge_sets(
    sets: list[PhotoSet], order: Order, bench: Bench, jobs: int, quiet: bool
) -> list[Judgement]:
    from kolorit.evaluate.judge import judge

    progress = words.Progress(sum(len(s.photographs) for s in sets), shown=not quiet)

    def tell() -> None:
        progress.step()
        progress.draw()

    try:
        found = []
        for photo_set in sets:
            processes = min(jobs, len(photo_set.photographs))
            make = order if processes > 1 else lambda: bench
            found.append(judge(photo_set, make, processes, tell))
        return found
    finally:
        progress.clear()


def write_reports(
    judgements: list[Judgement],
    strangers: dict[str, list[str]],
    order: Order,
    bench: Bench,
    out: Path,
) -> list[Path]:
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
        without_truth=strangers,
    )
    shots = {
        judgement.photo_set.name: take_shots(judgement, to_show(of_set), bench)
        for judgement, of_set in zip(judgements, record["sets"], strict=True)
    }
    write_scores(record, out)
    write_pictures(judgements, out / "pictures.csv")
    save(markdown(record).encode(), out / "report.md", overwrite=True)
    save(page(record, shots).encode(), out / "report.html", overwrite=True)
    return [out / name for name in FILES]


def without_truth(sets: list[PhotoSet], order: Order) -> dict[str, list[str]]:
    """Pictures of folder:PATH that no set has, by row; they are told and not judged."""
    from kolorit.evaluate.systems import strangers

    stems = {stem for photo_set in sets for stem in photo_set.stems}
    folders = {c.row: Path(c.folder) for c in order.contestants if c.folder}
    found = {row: strangers(folder, stems) for row, folder in folders.items()}
    return {row: names for row, names in found.items() if names}


def tell_left_out(judgements: list[Judgement], strangers: dict[str, list[str]]) -> None:
    """A line for what was not judged."""
    for judgement in judgements:
        if names := [f"{stem} ({why})" for stem, why in judgement.left_out]:
            words.say(_few(f"{judgement.photo_set.name}: {len(names)} left out", names))
    for row, names in strangers.items():
        words.say(_few(f"{row}: {len(names)} without a truth, not judged", names))


def _few(title: str, names: list[str]) -> str:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return words.plain(f"{title}: {shown}")
