"""One job: read, colour, write all its results, and tell what happened."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from kolorit.cli import report, words
from kolorit.cli.plan import Job
from kolorit.errors import InputUnreadable, KoloritError, LimitExceeded, OutputUnwritable

if TYPE_CHECKING:
    from kolorit.colorizer import Colorizer, Result
    from kolorit.picture.limits import Limits
    from kolorit.picture.picture import Picture


@dataclass(frozen=True)
class Order:
    """How every picture of a run is coloured and kept.

    options: keywords of ``Colorizer.run``. strip: metadata that tell of place and people stay out.
    existing: see ``plan.Wishes``. hashed: whether records
    say what a later --resume needs. finished: what need not be done again.
    """

    options: dict[str, Any]
    limits: Limits
    quality: int | None = None
    mark: bool = True
    strip: bool = False
    existing: str = "refuse"
    hashed: bool = False
    finished: frozenset[report.Done] = frozenset()

    def fingerprint(self, job: Job) -> str:
        """sha256 of all that decides what a job's results look like, less the photograph."""
        kept = {name: getattr(self, name) for name in ("quality", "mark", "strip")}
        kept["format"] = job.format
        return report.hash_options({**self.options, **kept, "more": sorted(job.more)})


@dataclass(frozen=True)
class Outcome:
    """What became of a job. content: the picture's bytes for standard output."""

    job: Job
    record: dict[str, Any]
    error: KoloritError | None = None
    skipped: bool = False
    content: bytes | None = None
    notes: tuple[str, ...] = ()


class Dropped(BaseException):
    """The run was interrupted and this job is not begun or not finished."""


@dataclass
class _Clock:
    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def __call__(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self.last
        self.last = now


def failed(job: Job, error: KoloritError, **more: Any) -> Outcome:
    """The outcome of a job that came to nothing."""
    output = str(job.target.path) if job.target else None
    said = report.describe_error(error)
    return Outcome(job, report.record(job.input.shown, output, error=said, **more), error)


def skipped(job: Job, why: str) -> Outcome:
    """The outcome of a job that needs no work."""
    output = str(job.target.path) if job.target else None
    return Outcome(job, report.record(job.input.shown, output, skipped=why), skipped=True)


def planned(job: Job) -> Outcome:
    """What a job would give, for --dry-run."""
    output = str(job.target.path) if job.target else "-"
    line = report.record(job.input.shown, output, format=job.format, planned=True)
    if job.more:
        line["more"] = {kind: str(path) for kind, path in job.more.items()}
    return Outcome(job, line)


def do_job(job: Job, colorizer: Colorizer, order: Order, stop: Event) -> Outcome:
    """Do a job; whatever goes wrong with it is in its outcome, and nothing is left half done.

    Raises Dropped when ``stop`` is set before the results are written.
    """
    keys: dict[str, Any] = {}
    try:
        if order.hashed:
            keys = _keys(job, colorizer, order)
            if report.done_key(keys) in order.finished and _all_there(job):
                return skipped(job, "finished")
        return _colour(job, colorizer, order, stop, keys)
    except KoloritError as error:
        return failed(job, error, **_hashes(keys))
    except MemoryError:
        full = LimitExceeded("there is not enough memory", file=job.input.shown)
        return failed(job, full, **_hashes(keys))
    except Exception as error:
        return failed(job, words.bug(error), **_hashes(keys))


def _colour(
    job: Job, colorizer: Colorizer, order: Order, stop: Event, keys: dict[str, Any]
) -> Outcome:
    from kolorit.picture.decode import decode
    from kolorit.picture.encode import left_out
    from kolorit.picture.strip import strip_personal

    clock = _Clock()
    picture = decode(job.input.content or job.input.shown, order.limits)
    if order.strip:
        picture = replace(picture, metadata=strip_personal(picture.metadata))
    clock("decode")
    _go_on(stop)
    result = colorizer.run(picture, **order.options)
    clock("colour")
    _go_on(stop)
    contents = _encode(job, picture, result, colorizer, order)
    clock("encode")
    _go_on(stop)
    if job.target is not None:
        _save(job, contents, order)
    clock("save")
    stages = ("decode", *result.seconds, "encode", "save")  # for "colour" stand its own stages
    seconds = {**clock.seconds, **result.seconds}
    notes = (*result.notes, *left_out(result.picture, job.format or ""))
    notes = (*notes, job.note) if job.note else notes
    line = report.record(
        job.input.shown,
        str(job.target.path) if job.target else "-",
        width=picture.width,
        height=picture.height,
        format=job.format,
        model=colorizer.model.card.name,
        model_sha256=colorizer.model.card.sha256,
        seconds={stage: round(seconds[stage], 4) for stage in stages},
        confidence=round(result.confidence, 4),
        warnings=list(notes),
    )
    if job.more:
        line["more"] = {kind: str(path) for kind, path in job.more.items()}
    content = contents["picture"] if job.target is None else None
    return Outcome(job, {**line, **_hashes(keys)}, content=content, notes=notes)


def _encode(
    job: Job, picture: Picture, result: Result, colorizer: Colorizer, order: Order
) -> dict[str, bytes]:
    """Bytes of every result by kind; "picture" is the last one."""
    from kolorit.picture.encode import encode

    mark = colorizer.mark if order.mark else None
    contents: dict[str, bytes] = {}
    for number, other in enumerate(result.alternatives, 1):
        contents[str(number)] = encode(other, job.format, order.quality, mark)
    if "side" in job.more:
        from kolorit.picture.compare import side_by_side

        contents["side"] = encode(side_by_side(picture, result.picture), "JPEG", mark=mark)
    if "compare" in job.more:
        from kolorit.cli.compare import slider_page

        contents["compare"] = slider_page(job.input.shown, picture, result.picture)
    if "confidence" in job.more:
        from kolorit.picture.compare import grey_map

        contents["confidence"] = encode(grey_map(result.prediction.confidence, picture), "PNG")
    contents["picture"] = encode(result.picture, job.format, order.quality, mark)
    return contents


def _save(job: Job, contents: dict[str, bytes], order: Order) -> None:
    """Write every result, the picture itself last; if one fails, new ones are taken away again."""
    from kolorit.picture.save import save

    assert job.target is not None
    places = {**job.more, "picture": job.target.path}
    if order.existing == "compare":
        places = {kind: path for kind, path in places.items() if not _same(path, contents[kind])}
    elif order.existing == "skip":
        places = {kind: path for kind, path in places.items() if not os.path.lexists(path)}
    new: list[Path] = []
    try:
        for kind, path in places.items():
            if job.new_folder:
                make_folder(path.parent)
            fresh = not os.path.lexists(path)
            save(contents[kind], path, order.existing == "overwrite", job.input.path)
            if fresh:
                new.append(path)
    except OutputUnwritable:
        for path in new:
            path.unlink(missing_ok=True)
        raise


def make_folder(folder: Path) -> None:
    """The folder and those above it, where they are missing; OutputUnwritable where they cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        cause = f"the folder cannot be made: {error.strerror}"
        raise OutputUnwritable(cause, file=folder) from error


def _same(path: Path, content: bytes) -> bool:
    """Whether a result is there already, as a run that was killed before its report line leaves."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _keys(job: Job, colorizer: Colorizer, order: Order) -> dict[str, Any]:
    """The fields by which a later run knows that this job is finished."""
    try:
        digest = report.hash_file(job.input.content or job.input.path or Path())
    except OSError as error:
        cause = f"the file cannot be read: {error.strerror}"
        raise InputUnreadable(cause, file=job.input.shown) from error
    return {
        "input_sha256": digest,
        "options_sha256": order.fingerprint(job),
        "model_sha256": colorizer.model.card.sha256,
        "output": str(job.target.path) if job.target else "-",
    }


def _hashes(keys: dict[str, Any]) -> dict[str, Any]:
    return {name: keys[name] for name in ("input_sha256", "options_sha256") if name in keys}


def _all_there(job: Job) -> bool:
    return job.target is not None and all(path.exists() for path in job.outputs)


def _go_on(stop: Event) -> None:
    if stop.is_set():
        raise Dropped
