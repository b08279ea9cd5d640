"""What the server asks of a worker, and what it is told: plain values, pictures by path only.

A folder made by ``Open`` holds a photograph opened for the page: ``view.npy``, its luma at the
size of the view; ``L.npy``, what the network sees of the whole photograph; ``grey.jpg``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kolorit.hints import Hint

VIEW, LIGHTNESS, GREY = "view.npy", "L.npy", "grey.jpg"


@dataclass(frozen=True)
class Wanted:
    """How a photograph is coloured and written.

    The first fields are those of ``colorizer.Options``. alternative: 0 is the colouring itself, 1
    to 3 another one. format: jpeg, png, tiff, webp or avif; None is the photograph's own. quality:
    1 to 100. metadata: "safe" leaves out where it was taken and by whom, "all" keeps everything.
    mark: whether the file says that its colours are a model's.
    """

    look: str = "vivid"
    strength: float = 1.0
    saturation: float = 1.0
    warmth: float = 0.0
    hints: tuple[Hint, ...] = ()
    alternative: int = 0
    merge: str = "luma"
    size: int | None = None
    format: str | None = None
    quality: int | None = None
    metadata: str = "safe"
    mark: bool = True


@dataclass(frozen=True)
class Colour:
    """Colour a photograph in its full size and write the file to ``out``. Gives Coloured."""

    original: Path
    out: Path
    wanted: Wanted


@dataclass(frozen=True)
class Open:
    """Make what the page needs of a photograph, in ``folder``, which exists. Gives Opened."""

    original: Path
    folder: Path
    view_pixels: int


@dataclass(frozen=True)
class Show:
    """Colour the view in ``folder`` and write a JPEG to ``out``. Gives Coloured.

    Of ``wanted`` look, strength, saturation, warmth, hints, alternative and merge count.
    """

    folder: Path
    out: Path
    wanted: Wanted


@dataclass(frozen=True)
class Sure:
    """Write how sure the colours of the view are: a grey PNG of its size, white where it is sure.

    Gives the mean, 0..1.
    """

    folder: Path
    out: Path
    hints: tuple[Hint, ...] = ()


@dataclass(frozen=True)
class Suggest:
    """Likely colours for a place of the view; x, y 0..1. Gives (colour, share) pairs, best first:
    ("#8a3324", 0.31).
    """

    folder: Path
    x: float
    y: float
    hints: tuple[Hint, ...] = ()
    count: int = 6


@dataclass(frozen=True)
class Coloured:
    """A file that was written. confidence 0..1; notes for people; seconds by stage."""

    media_type: str
    suffix: str  # with its dot
    bytes: int
    width: int
    height: int
    confidence: float
    notes: tuple[str, ...]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Opened:
    """A photograph that the page can show. format: Pillow's name of the file's own."""

    width: int
    height: int
    view_width: int
    view_height: int
    format: str
    notes: tuple[str, ...]
    confidence: float
    already_coloured: bool


Task = Colour | Open | Show | Sure | Suggest


def read_answer(task: Task, value: Any) -> Any:
    """What a task gives, from the plain values that JSON holds. Raises TypeError and the like for
    values that are none.
    """
    if isinstance(task, Colour | Show):
        return Coloured(**{**value, "notes": tuple(value["notes"])})
    if isinstance(task, Open):
        return Opened(**{**value, "notes": tuple(value["notes"])})
    if isinstance(task, Suggest):
        return [(str(colour), float(share)) for colour, share in value]
    return float(value)
