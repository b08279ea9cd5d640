"""What the server says in JSON where all goes well; problems.py has the rest."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from kolorit.web.jobs import State
from kolorit.web.problems import SCHEMA


class Finished(BaseModel):
    """A coloured file."""

    href: str = Field(description="Where it is.")
    media_type: str
    bytes: int
    width: int
    height: int
    confidence: float = Field(description="Mean, 0 to 1.")
    notes: list[str]


class JobState(BaseModel):
    """What has become of a job."""

    id: str
    state: State
    position: int = Field(description="1 is the next to run, 0 does not wait.")
    progress: float = Field(ge=0, le=1, description="A guess by how long others took.")
    seconds: float = Field(description="Since it came, or until it was over.")
    result: Finished | None = Field(description="Of a job that is done.")
    problem: dict[str, Any] | None = Field(
        description="Of a job that failed.",
        json_schema_extra={"anyOf": [{"$ref": SCHEMA}, {"type": "null"}]},
    )  # fmt: skip


class Size(BaseModel):
    """Pixels."""

    width: int
    height: int


class View(BaseModel):
    """A photograph that is open. view: the size of the small copy that is coloured at once."""

    id: str
    width: int
    height: int
    view: Size
    format: str
    notes: list[str]
    confidence: float
    coloured: bool
    looks: list[str]


class Suggestion(BaseModel):
    """A likely colour of a place, and its share of what the model thinks possible there."""

    colour: str
    share: float


class Suggestions(BaseModel):
    """Likely colours, the likeliest first."""

    suggestions: list[Suggestion]


class ModelFacts(BaseModel):
    """A model: which one, and what it can do."""

    model_config = ConfigDict(protected_namespaces=())

    name: str
    version: str
    sha256: str
    size: int = Field(description="Pixels a side at which it looks.")
    looks: list[str]
    hints: bool = Field(description="Whether it looks at hints.")
    alternatives: bool = Field(description="Whether it knows other colourings.")


class Health(BaseModel):
    """How the server is."""

    status: str
