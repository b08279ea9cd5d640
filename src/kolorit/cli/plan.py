"""The plan: every input and where its results go, checked as a whole before any work starts."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from kolorit.cli.inputs import Input, find_inputs
from kolorit.errors import KoloritError, OutputUnwritable
from kolorit.naming import Target, beside, is_folder, is_own_output, name_output, original_of

STDOUT = "-"


@dataclass(frozen=True)
class Wishes:
    """What of the command line decides names.

    existing: what to do with results that are there: "refuse", "overwrite", "skip" or "compare".
    alternatives, compare, confidence: further results. spared: option -> file that no result may
    replace.
    """

    out: str | None = None
    format: str | None = None
    existing: str = "refuse"
    alternatives: int = 0
    compare: str | None = None
    confidence: bool = False
    spared: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One input and the places of its results.

    target: None when the result goes to standard output, or with ``error``. more: further results
    by kind ("1", "2", "side", "compare", "confidence"). error: why nothing will come of it.
    skip: why nothing needs to be done. note: what to say of the format. new_folder: whether the
    folder may be made, since -o names it.
    """

    input: Input
    target: Target | None = None
    format: str | None = None
    note: str | None = None
    more: dict[str, Path] = field(default_factory=dict)
    error: KoloritError | None = None
    skip: str | None = None
    new_folder: bool = False

    @property
    def outputs(self) -> list[Path]:
        """All places, the picture itself last: where that one is, the others are."""
        return [*self.more.values(), *([self.target.path] if self.target else [])]


def make_plan(names: Iterable[str], recursive: bool, wishes: Wishes) -> list[Job]:
    """Jobs in a stable order. Raises click.UsageError for what cannot be meant, as two inputs that
    would write one file. What is wrong with one input alone stands in its job.
    """
    inputs = find_inputs(names, recursive)
    many = len(inputs) > 1 or any(found.folder is not None for found in inputs)
    out = _checked_out(wishes, inputs, many)
    sources = {identity for found in inputs if (identity := _identity(found.path))}
    jobs = _without_twins([_job(found, out, wishes) for found in _without_results(inputs)])
    _refuse_collisions(jobs, wishes.spared)
    return [_settle(job, wishes.existing, sources) for job in jobs]


def _checked_out(wishes: Wishes, inputs: list[Input], many: bool) -> str | None:
    """-o as it is meant: a folder gets its slash."""
    out = wishes.out
    if out is None and any(found.path is None for found in inputs):
        out = STDOUT
    if out == "":  # as an unset variable of a shell gives
        raise click.UsageError("-o needs the name of a file or folder.")
    if out == STDOUT:
        if many:
            why = "-o -" if wishes.out == STDOUT else "Standard output, where - goes without -o,"
            raise click.UsageError(f"{why} takes one picture only.")
        if wishes.alternatives or wishes.compare or wishes.confidence:
            raise click.UsageError("Further results need files: use -o FILE instead of -o -.")
        if sys.stdout is not None and sys.stdout.isatty():
            raise click.UsageError("A picture will not be written to a terminal: use -o FILE.")
        return out
    if out is None or not many or is_folder(out):
        return out
    if os.path.lexists(out) or Path(out).suffix:
        raise click.UsageError(f"Several pictures need a folder: use -o {out}/ with a slash.")
    return f"{out}/"


def _without_results(inputs: list[Input]) -> list[Input]:
    """``*.jpg`` also names the results of before: farm.color.jpg beside farm.jpg is left out.

    Named without its photograph it is coloured: somebody means it.
    """
    photographs = {original_of(found.path) for found in inputs if found.path is not None}
    return [
        found
        for found in inputs
        if found.path is None
        or not is_own_output(found.path.name)
        or original_of(found.path, result=True) not in photographs
    ]


def _job(found: Input, out: str | None, wishes: Wishes) -> Job:
    if found.error is not None:
        return Job(found, error=found.error)
    if out == STDOUT:
        nowhere = name_output(Path("picture"), found.format, None, wishes.format)
        return Job(found, format=nowhere.format, note=nowhere.note)
    if out is not None and found.folder is not None:
        out = os.path.join(out, found.folder, "")  # the tree is mirrored
    target = name_output(found.path or Path("stdin"), found.format, out, wishes.format)
    more = {str(k): beside(target.path, str(k)) for k in range(1, wishes.alternatives + 1)}
    if wishes.compare == "side":
        more["side"] = beside(target.path, "side", ".jpg")
    if wishes.compare == "slider":
        more["compare"] = beside(target.path, "compare", ".html")
    if wishes.confidence:
        more["confidence"] = beside(target.path, "confidence", ".png")
    new_folder = out is not None and is_folder(out)
    return Job(found, target, target.format, target.note, more, new_folder=new_folder)


def _without_twins(jobs: list[Job]) -> list[Job]:
    """One file that was named twice is coloured once."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for job in jobs:
        if job.input.path is not None and job.target is not None:
            key = (os.path.realpath(job.input.path), os.path.realpath(job.target.path))
            if key in seen:
                continue
            seen.add(key)
        kept.append(job)
    return kept


def _refuse_collisions(jobs: list[Job], spared: Mapping[str, str]) -> None:
    """Names that differ only in case or in how accents are stored are one name on some disks."""
    takers: dict[str, list[tuple[Path, str]]] = {}
    folders: dict[Path, str] = {}
    wanted = [(path, job.input.shown) for job in jobs for path in job.outputs]
    for path, who in [*wanted, *((Path(file), option) for option, file in spared.items())]:
        if path.parent not in folders:
            folders[path.parent] = os.path.realpath(path.parent)
        place = os.path.join(folders[path.parent], path.name)
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", place).casefold())
        takers.setdefault(key, []).append((path, who))
    clashes = [
        f"  {found[0][0]}  from  {' and '.join(name for _, name in found)}"
        for found in takers.values()
        if len(found) > 1
    ]
    if clashes:
        shown = clashes[:20] + ([f"  and {len(clashes) - 20} more"] if len(clashes) > 20 else [])
        lines = "\n".join(shown)
        raise click.UsageError(
            f"These results would have one name:\n{lines}\n"
            "Colour them one after the other with -o, or rename an input."
        )


def _settle(job: Job, existing: str, sources: set[tuple[int, int]]) -> Job:
    """What to do about results that are there already."""
    there = [path for path in job.outputs if os.path.lexists(path)]
    if existing == "skip":  # what is missing is made, what is there is left
        whole = job.outputs and len(there) == len(job.outputs)
        return replace(job, skip="exists") if whole else job
    if there and existing == "refuse":
        error = OutputUnwritable(
            "a file of this name exists",
            file=there[-1],
            remedy="Pass --overwrite to replace it, --skip-existing to leave it, or -o.",
        )
        return replace(job, error=error)
    for path in there:
        if _identity(path) in sources:
            error = OutputUnwritable(
                "this is one of the files that were named as photographs, and stays",
                file=path,
                remedy="Name only the photographs, or choose another place with -o.",
            )
            return replace(job, error=error)
    return job


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Device and number of a file, the same under all its names; None if it is not there."""
    if path is None:
        return None
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino)


def folders_of(jobs: list[Job]) -> Iterator[Path]:
    """Every folder that results go to, once."""
    yield from dict.fromkeys(path.parent for job in jobs for path in job.outputs)
