"""Hints: colours that the user knows, as points on the picture; read, written, painted."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kolorit.colour.lab import rgb_to_lab
from kolorit.errors import HintsInvalid

_COLOUR = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")
_MOST = 10_000  # hints in one file
_BYTES = 4 << 20  # and its size


@dataclass(frozen=True)
class Hint:
    """A disc of known colour.

    x, y: its centre, 0..1 of the width and height. colour: "#rrggbb" or "#rgb"; its lightness does
    not matter, the photograph has its own. radius: 0..0.5 of the long side; one pixel of the
    network's at least. Raises HintsInvalid for anything else.
    """

    x: float
    y: float
    colour: str
    radius: float = 0.01

    def __post_init__(self) -> None:
        for name, top in (("x", 1.0), ("y", 1.0), ("radius", 0.5)):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float, np.number))
                or not 0 <= value <= top
            ):
                raise HintsInvalid(f"{name} = {value!r} is not a number from 0 to {top:g}")
        if not isinstance(self.colour, str) or not _COLOUR.fullmatch(self.colour):
            raise HintsInvalid(f"colour = {self.colour!r} is not of the form #8a3324")

    @property
    def ab(self) -> np.ndarray:
        """a and b (2,) of the colour, in Lab units."""
        digits = self.colour[1:]
        if len(digits) == 3:
            digits = "".join(2 * d for d in digits)
        rgb = np.array([int(digits[k : k + 2], 16) for k in (0, 2, 4)]) / 255
        return np.asarray(rgb_to_lab(rgb)[1:])


def paint(hints: Iterable[Hint], height: int, width: int) -> np.ndarray:
    """Hints as the network sees them: (3,h,w) float32 with a, b in ab units and the mask.

    Zeros without hints; where discs overlap the later hint stands.
    """
    planes = np.zeros((3, height, width), np.float32)
    rows, cols = np.arange(height)[:, None] + 0.5, np.arange(width) + 0.5
    for hint in hints:
        y, x = hint.y * height, hint.x * width
        radius = hint.radius * max(height, width)
        disc = (rows - y) ** 2 + (cols - x) ** 2 <= radius**2
        disc[min(int(y), height - 1), min(int(x), width - 1)] = True
        planes[:2, disc] = hint.ab[:, None]
        planes[2, disc] = 1
    return planes


def read_hints(source: str | os.PathLike[str]) -> tuple[Hint, ...]:
    """Hints from a JSON file; HintsInvalid names the file and the hint that is wrong."""
    try:
        if os.path.exists(source) and not os.path.isfile(source):  # a pipe may never end
            raise HintsInvalid("this is no file", file=source, remedy="Check the path.")
        with open(source, "rb") as file:
            content = file.read(_BYTES + 1)
        if len(content) > _BYTES:
            raise HintsInvalid(f"more than {_BYTES} bytes of hints", file=source)
        table = json.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise HintsInvalid(
            f"the hints cannot be read: {error.strerror}", file=source, remedy="Check the path."
        ) from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise HintsInvalid(f"this is no JSON: {error}", file=source) from error
    try:
        return parse_hints(table)
    except HintsInvalid as error:
        raise HintsInvalid(error.cause, file=source) from error


def parse_hints(table: Any) -> tuple[Hint, ...]:
    """Hints from the parsed JSON: {"version": 1, "hints": [{"x", "y", "colour", "radius"}]}."""
    if (
        not isinstance(table, dict)
        or table.get("version") != 1
        or isinstance(table["version"], bool)
        or not isinstance(table.get("hints"), list)
    ):
        raise HintsInvalid('it needs "version": 1 and a list "hints"')
    if len(table["hints"]) > _MOST:
        raise HintsInvalid(f"{len(table['hints'])} hints are more than {_MOST}")
    hints = []
    for number, item in enumerate(table["hints"], 1):
        try:
            hints.append(Hint(**item))
        except HintsInvalid as error:
            raise HintsInvalid(f"hint {number}: {error.cause}") from error
        except TypeError as error:
            raise HintsInvalid(
                f"hint {number} needs x, y, colour and at most radius besides"
            ) from error
    return tuple(hints)


def write_hints(hints: Iterable[Hint]) -> str:
    """The JSON text of hints, as ``read_hints`` takes it."""
    return json.dumps({"version": 1, "hints": [asdict(h) for h in hints]}, indent=1) + "\n"
