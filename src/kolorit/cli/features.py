"""``kolorit features FOLDER...``: joins the command line and the network's inside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import click

from kolorit.cli import words
from kolorit.cli.command import Command
from kolorit.cli.cores import allowed_cores
from kolorit.cli.inputs import Input, find_inputs
from kolorit.cli.settings import resolve
from kolorit.errors import (
    ConfigInvalid,
    InputUnreadable,
    KoloritError,
    LimitExceeded,
    OutputUnwritable,
    SomeInputsFailed,
)

if TYPE_CHECKING:
    import numpy as np

    from kolorit.features import Encoder

_EXAMPLES = (
    ("kolorit features album/", "writes features.npz: names, and 96 numbers each"),
    ("kolorit features album/ -o album.npz --stage s8", "of an earlier stage"),
    ("kolorit features --list-stages", "what stages there are"),
)
_PATH = click.Path(readable=False)
_ALIKE = 0.01  # spread below which features are hardly of use


@click.command(cls=Command, examples=_EXAMPLES)
@click.argument("folders", metavar="FOLDER...", nargs=-1, type=_PATH)
@click.option(
    "-o", "--out", metavar="F.npz", default="features.npz", show_default=True, type=_PATH,
    help="The file to write.",
)  # fmt: skip
@click.option("--stage", metavar="NAME", help="Stage of the network (default: s16).")
@click.option("--list-stages", is_flag=True, help="Print the stages of the model, and do no more.")
@click.option("--model", metavar="M", help="A name of `kolorit models`, or an .onnx file.")
@click.option("--size", metavar="PIXELS", help="Side at which the model looks.")
@click.option("--device", metavar="D", help="auto (default), cpu, cuda, ...")
@click.option("--threads", metavar="N", help="Threads of the model, for each picture.")
@click.option("-j", "--jobs", metavar="N", help="Pictures at a time (default: one a core).")
@click.option("--max-pixels", metavar="N", help="Refuse larger pictures (default 100000000).")
@click.option("--json", is_flag=True, help="One JSON object on standard output.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.option("-q", "--quiet", is_flag=True, help="Say errors only.")
@click.option("--debug", is_flag=True, help="Print the trace of an error.")
def features(folders: tuple[str, ...], **flags: Any) -> int:
    """Describe photographs by what the colorizer sees in them.

    All photographs in the folders, and in those inside, are looked at. The file holds names and
    features, for search, sorting or a classifier of your own; docs/features.md says how to read it.
    """
    settings = {name: chosen.value for name, chosen in resolve(flags).items()}
    if flags["list_stages"]:
        return _list_stages(settings["model"], flags["json"])
    if not folders:
        raise click.UsageError("Name a folder of photographs, as in: kolorit features album/")
    out = _checked_out(flags["out"], flags["overwrite"])
    found = _find(folders)
    workers = min(settings["jobs"] or allowed_cores(), len(found))
    encoder = _load(flags["stage"], settings, workers)
    began = time.monotonic()
    rows, failures = _look_at_all(found, _looker(encoder, settings), workers, flags)
    summary = {
        "schema": 1,
        "output": str(out) if rows else None,
        "pictures": len(rows),
        **_write(rows, encoder, out, flags["overwrite"]),
        "model": encoder.card.name,
        "model_sha256": encoder.card.sha256,
        "stage": encoder.stage,
        "size": encoder.size,
        "seconds": round(time.monotonic() - began, 3),
        "failures": failures,
    }
    return _finish(summary, flags)


def _checked_out(name: str, overwrite: bool) -> Path:
    """The file to write. What would fail in the end fails now, before the work."""
    out = Path(name)
    if out.suffix.lower() != ".npz":
        raise click.UsageError("-o needs the name of a file that ends in .npz.")
    if os.path.lexists(out) and not overwrite:
        raise OutputUnwritable(
            "a file of this name exists",
            file=out,
            remedy="Give another name with -o, or allow --overwrite.",
        )
    if out.is_dir():
        raise OutputUnwritable("this is a folder", file=out)
    if not out.parent.is_dir():
        raise OutputUnwritable("its folder does not exist", file=out)
    if not os.access(out.parent, os.W_OK):
        raise OutputUnwritable("permission to write here is missing", file=out)
    return out


def _find(folders: tuple[str, ...]) -> dict[str, Input]:
    """Pictures by name: their path from the folder on, with the folder's own name if there are
    several. Raises InputUnreadable for one that is missing, no folder, or without pictures.
    """
    heads = [os.path.basename(os.path.abspath(folder)) for folder in folders]
    if twice := next((head for head in heads if heads.count(head) > 1), None):
        raise ConfigInvalid(f"two folders are called '{twice}'", remedy="Name each folder once.")
    for folder in folders:
        if not os.path.isdir(folder):
            there = os.path.lexists(folder)
            raise InputUnreadable(
                "this is no folder" if there else "there is no such folder",
                file=folder,
                remedy="Give a folder of photographs.",
            )
    named = {}
    for folder, head in zip(folders, heads, strict=True):
        for found in find_inputs([os.path.join(folder, "")], recursive=True):  # "-" is a name too
            inside = os.path.relpath(found.shown, folder)
            named[PurePath(head if len(folders) > 1 else "", inside).as_posix()] = found
    return named


def _load(stage: str | None, settings: dict[str, Any], workers: int) -> Encoder:
    from kolorit.features import DEFAULT, Encoder

    # Several pictures at a time keep the cores busy; threads within each would only get in the way.
    threads = settings["threads"] or (1 if workers > 1 else None)
    return Encoder(
        settings["model"],
        stage=stage or DEFAULT,
        size=settings["size"],
        device=settings["device"],
        threads=threads,
    )


def _looker(
    encoder: Encoder, settings: dict[str, Any]
) -> Callable[[Input], np.ndarray | KoloritError]:
    """A function from an input to its features (C,), or to the error that stands for them."""
    from kolorit.picture.decode import decode
    from kolorit.picture.limits import DEFAULT

    limits = DEFAULT
    if pixels := settings["max_pixels"]:  # whoever allows the pixels allows their memory
        limits = replace(limits, pixels=pixels, memory=max(limits.memory, 12 * pixels))

    def look(found: Input) -> np.ndarray | KoloritError:
        if found.error is not None:
            return found.error
        try:
            return encoder.features(decode(found.shown, limits))
        except KoloritError as error:
            return error
        except MemoryError:
            return LimitExceeded("there is not enough memory", file=found.shown)
        except Exception as error:
            return words.bug(error)

    return look


def _look_at_all(
    named: dict[str, Input],
    look: Callable[[Input], np.ndarray | KoloritError],
    workers: int,
    flags: dict[str, Any],
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """(features by name, failures as they stand in the summary), both in the inputs' order."""
    from kolorit.cli.report import describe_error

    rows, failures = {}, []
    progress = words.Progress(len(named), shown=not flags["quiet"])
    pool = ThreadPoolExecutor(workers, thread_name_prefix="kolorit")
    try:
        for name, answer in zip(named, pool.map(look, named.values()), strict=True):
            if isinstance(answer, KoloritError):
                progress.clear()
                words.say_error(answer, debug=flags["debug"])
                failures.append({"input": named[name].shown, "error": describe_error(answer)})
            else:
                rows[name] = answer
            progress.step()
            progress.draw()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        progress.clear()
    return rows, failures


def _write(
    rows: dict[str, np.ndarray], encoder: Encoder, out: Path, overwrite: bool
) -> dict[str, Any]:
    """The file, if there is anything to write; gives what the summary says of it."""
    if not rows:
        return {"dimensions": None, "spread": None}
    import numpy as np

    from kolorit.features import pack, spread
    from kolorit.picture.save import save

    features = np.stack(list(rows.values()))  # (N,C)
    save(pack(list(rows), features, encoder), out, overwrite)
    return {"dimensions": features.shape[1], "spread": round(spread(features), 6)}


def _finish(summary: dict[str, Any], flags: dict[str, Any]) -> int:
    """Say how it went; the exit code."""
    pictures, failed = summary["pictures"], len(summary["failures"])
    if flags["json"]:
        words.print_json(summary)
    elif pictures:
        words.print_line(words.plain(summary["output"]))
    if flags["quiet"]:
        return SomeInputsFailed.exit_code if failed else 0
    if pictures:
        took = words.duration(summary["seconds"])
        numbers = f"{summary['dimensions']} numbers each"
        words.say(f"{pictures} of {pictures + failed} pictures, {numbers}, in {took}")
    if pictures > 1 and summary["spread"] < _ALIKE:
        words.say(f"note: stage {summary['stage']} says nearly the same of all these pictures")
    if failed:
        nothing = "" if pictures else ": nothing was written"
        words.say_error(SomeInputsFailed(f"{failed} of {pictures + failed} failed{nothing}"))
    return SomeInputsFailed.exit_code if failed else 0


def _list_stages(model: str, as_json: bool) -> int:
    from kolorit.features import DEFAULT, list_stages

    stages = list_stages(model)
    if as_json:
        rows = [{"name": n, "channels": c, "stride": s} for n, (c, s) in stages.items()]
        words.print_json({"schema": 1, "model": model, "default": DEFAULT, "stages": rows})
        return 0
    for name, (channels, stride) in stages.items():
        mark = " (default)" if name == DEFAULT else ""
        words.print_line(f"{name:<5} {channels:>5} numbers, stride {stride}{mark}")
    return 0
