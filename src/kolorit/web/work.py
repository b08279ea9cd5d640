"""What a worker does for each kind of task. All of it happens in the worker's process."""

from __future__ import annotations

import errno
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kolorit.colorizer import Colorizer, put_on, shrink
from kolorit.errors import Busy, ConfigInvalid, KoloritError, LimitExceeded, NotThere
from kolorit.hints import Hint, paint
from kolorit.looks import adjust, alternatives, look, suggest
from kolorit.naming import known_format, name_output
from kolorit.picture.compare import grey_map, shrink_picture
from kolorit.picture.decode import decode
from kolorit.picture.encode import encode, left_out
from kolorit.picture.picture import Picture, Source, from_luma
from kolorit.picture.strip import strip_personal
from kolorit.runtime.model import Prediction
from kolorit.web import tasks
from kolorit.web.figures import Figures
from kolorit.web.tasks import GREY, LIGHTNESS, VIEW, Coloured, Opened, Wanted

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}
_QUALITY = 90  # of what the page shows
_OTHERS = 3  # alternatives there are; they lie evenly around the hue circle


@dataclass(frozen=True)
class Bench:
    """What all tasks need, made once."""

    colorizer: Colorizer
    figures: Figures


def colour(bench: Bench, task: tasks.Colour) -> Coloured:
    """The same file as ``kolorit`` writes for the same options."""
    began = time.perf_counter()
    wanted = _checked(task.wanted)
    picture = decode(_there(task.original), bench.figures.limits)
    decoded = time.perf_counter()
    result = bench.colorizer.run(
        picture,
        look=wanted.look,
        strength=wanted.strength,
        saturation=wanted.saturation,
        warmth=wanted.warmth,
        hints=wanted.hints,
        merge=wanted.merge,
        size=wanted.size,
    )
    coloured = result.picture
    if wanted.alternative:
        coloured = _put(picture, result.prediction, wanted)
    if wanted.metadata == "safe":
        coloured = replace(coloured, metadata=strip_personal(coloured.metadata))
    target = name_output(Path("picture"), picture.source.format, format=wanted.format)
    merged = time.perf_counter()
    mark = bench.colorizer.mark if wanted.mark else None
    content = encode(coloured, target.format, wanted.quality, mark)
    _write(task.out, content)
    notes = (*result.notes, *left_out(coloured, target.format))
    seconds = {"decode": decoded - began, **result.seconds}
    return Coloured(
        media_type=MEDIA_TYPES[target.format],
        suffix=target.path.suffix,
        bytes=len(content),
        width=picture.width,
        height=picture.height,
        confidence=result.confidence,
        notes=(*notes, target.note) if target.note else notes,
        seconds={**seconds, "encode": time.perf_counter() - merged},
    )


def open_view(bench: Bench, task: tasks.Open) -> Opened:
    """The view in grey, and L as the network sees the whole photograph."""
    picture = decode(_there(task.original), bench.figures.limits)
    L = shrink(picture, bench.colorizer.model.card)
    scale = math.sqrt(task.view_pixels / (picture.width * picture.height))
    view = shrink_picture(picture, max(1, int(max(picture.luma.shape) * scale)))
    view = from_luma(view.luma, source=_VIEW)
    _save(task.folder / VIEW, view.luma)
    _save(task.folder / LIGHTNESS, L)
    _write(task.folder / GREY, encode(view, "JPEG", _QUALITY))
    return Opened(
        width=picture.width,
        height=picture.height,
        view_width=view.width,
        view_height=view.height,
        format=picture.source.format,
        notes=picture.notes,
        confidence=float(_predict(bench, L, ()).confidence.mean()),
        already_coloured=picture.source.coloured,
    )


def show(bench: Bench, task: tasks.Show) -> Coloured:
    """The view in colour; the network sees what it will see of the whole photograph."""
    began = time.perf_counter()
    wanted = _checked(task.wanted)
    view, L = _view(task.folder), _load(task.folder / LIGHTNESS)
    prediction = _predict(bench, L, wanted.hints)
    content = encode(_put(view, prediction, wanted), "JPEG", _QUALITY)
    _write(task.out, content)
    return Coloured(
        media_type=MEDIA_TYPES["JPEG"],
        suffix=".jpg",
        bytes=len(content),
        width=view.width,
        height=view.height,
        confidence=float(prediction.confidence.mean()),
        notes=(),
        seconds={"show": time.perf_counter() - began},
    )


def sure(bench: Bench, task: tasks.Sure) -> float:
    """The confidence as a picture, and its mean."""
    view, L = _view(task.folder), _load(task.folder / LIGHTNESS)
    confidence = _predict(bench, L, task.hints).confidence
    _write(task.out, encode(grey_map(confidence, view), "PNG"))
    return float(confidence.mean())


def suggest_colours(bench: Bench, task: tasks.Suggest) -> list[tuple[str, float]]:
    """(colour, share) of the likeliest colours of a place, given the hints."""
    prediction = _predict(bench, _load(task.folder / LIGHTNESS), task.hints)
    found = suggest(prediction, task.x, task.y, task.count)
    return [(suggestion.colour, suggestion.share) for suggestion in found]


WORK: Mapping[type, Callable[[Bench, Any], Any]] = {
    tasks.Colour: colour,
    tasks.Open: open_view,
    tasks.Show: show,
    tasks.Sure: sure,
    tasks.Suggest: suggest_colours,
}

_VIEW = Source("JPEG")  # so that its colours are merged the quick way


def _checked(wanted: Wanted) -> Wanted:
    """What no one else refuses before the work is done."""
    if wanted.alternative not in range(_OTHERS + 1):
        raise ConfigInvalid(f"alternative = {wanted.alternative!r}", remedy=f"Use 0 to {_OTHERS}.")
    if wanted.metadata not in ("safe", "all"):
        raise ConfigInvalid(f"metadata = '{wanted.metadata}'", remedy="Use safe or all.")
    if wanted.quality is not None and wanted.quality not in range(1, 101):
        raise ConfigInvalid(f"quality = {wanted.quality!r}", remedy="Use 1 to 100, or none.")
    if wanted.format is not None:
        known_format(wanted.format)
    return wanted


def _predict(bench: Bench, L: np.ndarray, hints: tuple[Hint, ...]) -> Prediction:
    return bench.colorizer.model.predict(L, paint(hints, *L.shape))


def _put(picture: Picture, prediction: Prediction, wanted: Wanted) -> Picture:
    """A picture in the colours of a prediction, or in those of one of its alternatives."""
    wish = {name: getattr(wanted, name) for name in ("strength", "saturation", "warmth")}
    if wanted.alternative:
        others = alternatives(prediction, wanted.look, _OTHERS)
        ab = adjust(others[wanted.alternative - 1], **wish)
    else:
        ab = look(prediction, wanted.look, **wish)
    return put_on(picture, ab, wanted.merge)


def _view(folder: Path) -> Picture:
    return from_luma(_load(folder / VIEW), source=_VIEW)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise NotThere("the photograph is no longer there")
    return path


def _load(path: Path) -> np.ndarray:
    array: np.ndarray = np.load(_there(path), allow_pickle=False)
    return array


def _save(path: Path, array: np.ndarray) -> None:
    """An array in a file, whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part.npy")
    try:
        np.save(part, array, allow_pickle=False)
        os.replace(part, path)
    except OSError as error:
        raise _unwritten(error) from error


def _write(path: Path, content: bytes) -> None:
    """A file, whole or not at all. Not flushed: it need not outlive the server."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # a task may be done again elsewhere
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _unwritten(error) from error


def _unwritten(error: OSError) -> KoloritError:
    """What it means for a client that a file of the store was not written."""
    if error.errno == errno.EFBIG:
        return LimitExceeded("the coloured file would be larger than the server keeps")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotThere("the photograph is no longer there")
    return Busy(f"the server cannot keep the picture: {error.strerror}")
