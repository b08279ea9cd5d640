"""What a request may ask for, field by field; the same fields in a query, in a form and in JSON.

Text is read generously in a query or a form ("0.5", "true") and strictly in JSON. An unknown field
is refused everywhere.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kolorit.errors import ConfigInvalid, HintsInvalid
from kolorit.hints import Hint, parse_hints
from kolorit.runtime.card import Card
from kolorit.web.tasks import Wanted

_MOST_HINTS = 10_000
_HINT_BYTES = 262_144  # of hints as text
_JSON = ConfigDict(extra="forbid", strict=True)

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="As it was given.")]


class Point(BaseModel):
    """A disc of known colour on the picture."""

    model_config = _JSON

    x: Share = Field(description="Centre, as a share of the width.")
    y: Share = Field(description="Centre, as a share of the height.")
    colour: str = Field(
        pattern="^#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})$", examples=["#8a3324"],
        description="Its lightness does not matter, the photograph has its own.",
    )  # fmt: skip
    radius: float = Field(
        0.01, ge=0, le=0.5, allow_inf_nan=False, description="As a share of the long side."
    )


Points = Annotated[list[Point], Field(max_length=_MOST_HINTS)]


class Colours(BaseModel):
    """How a photograph is coloured."""

    model_config = ConfigDict(extra="forbid")

    look: str = Field("vivid", max_length=40, description="A look of the model.")
    strength: Share = Field(1.0, description="0 is grey, 1 the look's own colours.")
    saturation: float = Field(
        1.0, ge=0, le=4, allow_inf_nan=False, description="Factor on the chroma."
    )
    warmth: float = Field(
        0.0, ge=-1, le=1, allow_inf_nan=False, description="Below 0 cooler, above 0 warmer."
    )
    alternative: int = Field(0, ge=0, le=3, description="1 to 3 is another possible colouring.")
    merge: Literal["luma", "lab"] = Field(
        "luma", description="luma keeps the file's grey values, lab its L*."
    )


class FileOptions(Colours):
    """How a photograph is coloured and written to a file."""

    size: int | None = Field(
        None, ge=32, le=1024, description="The network sees about so many pixels a side."
    )
    format: Literal["jpeg", "png", "tiff", "webp", "avif"] | None = Field(
        None, description="Of the result; by itself that of the photograph, or PNG."
    )
    quality: int | None = Field(
        None, ge=1, le=100, description="Of JPEG, WebP, AVIF; by itself that of the photograph."
    )
    metadata: Literal["safe", "all"] = Field(
        "safe", description="safe leaves out where it was taken, by whom and with which camera."
    )
    mark: bool = Field(True, description="Whether the file says that its colours are a model's.")


class TextOptions(FileOptions):
    """The fields of a query or a form."""

    hints: str | None = Field(
        None, max_length=_HINT_BYTES, json_schema_extra={"contentMediaType": "application/json"},
        description='JSON as in a hint file: {"version": 1, "hints": [{"x": 0.3, "y": 0.6, '
        '"colour": "#8a3324"}]}, or the list alone.',
    )  # fmt: skip


class PictureBody(Colours):
    """How a view is coloured."""

    model_config = _JSON

    hints: Points = []


class ResultBody(FileOptions):
    """How the photograph of a view is coloured and written."""

    model_config = _JSON

    hints: Points = []
    name: str = Field(
        "", max_length=4096, description="The photograph's own; the result is called after it."
    )


class ZipEntry(ResultBody):
    """One picture of an archive."""

    view: Id


class ZipBody(BaseModel):
    """The pictures of an archive."""

    model_config = _JSON

    pictures: list[ZipEntry] = Field(min_length=1, max_length=50)


class ConfidenceBody(BaseModel):
    """What the colours of a view are judged by."""

    model_config = _JSON

    hints: Points = []


class SuggestionsBody(BaseModel):
    """A place of a view."""

    model_config = _JSON

    x: Share = Field(description="As a share of the width.")
    y: Share = Field(description="As a share of the height.")
    hints: Points = []
    count: int = Field(6, ge=1, le=12)


def wanted_of(asked: Colours, card: Card) -> Wanted:
    """What a worker is to do. Raises ConfigInvalid, HintsInvalid."""
    fields = asked.model_dump(exclude={"hints", "name", "view"})
    if asked.look not in card.looks:
        raise ConfigInvalid(
            "this model has no such look", remedy=f"Use one of: {', '.join(card.looks)}."
        )
    if asked.alternative and not card.stride:
        raise ConfigInvalid("this model gives no alternatives", remedy="Leave the option out.")
    given = getattr(asked, "hints", None) or []
    return Wanted(**fields, hints=read_text(given) if isinstance(given, str) else as_hints(given))


def as_hints(points: list[Point]) -> tuple[Hint, ...]:
    """Hints of a JSON body."""
    return tuple(Hint(point.x, point.y, point.colour, point.radius) for point in points)


def read_text(text: str) -> tuple[Hint, ...]:
    """Hints as JSON text: a hint file's whole, or its list alone. Raises HintsInvalid."""
    try:
        table: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HintsInvalid("the hints are no JSON") from error
    return parse_hints({"version": 1, "hints": table} if isinstance(table, list) else table)
