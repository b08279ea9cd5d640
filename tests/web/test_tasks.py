"""Answers come back through JSON as what they were; anything else is refused."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from kolorit.hints import Hint
from kolorit.web.tasks import (
    Colour,
    Coloured,
    Open,
    Opened,
    Show,
    Suggest,
    Sure,
    Task,
    Wanted,
    read_answer,
)

HINTS = (Hint(0.5, 0.25, "#8a3324"),)
COLOURED = Coloured("image/png", ".png", 12, 3, 4, 0.5, ("a note",), {"decode": 0.1})
OPENED = Opened(40, 30, 20, 15, "JPEG", ("a note",), 0.5, False)
FOLDER = Path("folder")
PAIRS: list[tuple[Task, Any]] = [
    (Colour(FOLDER / "original", FOLDER / "result", Wanted(hints=HINTS)), COLOURED),
    (Show(FOLDER, FOLDER / "show.jpg", Wanted(alternative=2)), COLOURED),
    (Open(FOLDER / "original", FOLDER, 1_000_000), OPENED),
    (Sure(FOLDER, FOLDER / "sure.png", HINTS), 0.25),
    (Suggest(FOLDER, 0.5, 0.5, HINTS), [("#8a3324", 0.31), ("#112233", 0.2)]),
]


@pytest.mark.parametrize(("task", "answer"), PAIRS)
def test_tasks_and_answers_cross_the_pipe(task: Task, answer: Any) -> None:
    assert pickle.loads(pickle.dumps(task)) == task
    plain = json.loads(json.dumps(asdict(answer) if is_dataclass(answer) else answer))  # type: ignore[call-overload]
    assert read_answer(task, plain) == answer


@pytest.mark.parametrize("task", [task for task, _ in PAIRS])
@pytest.mark.parametrize("value", [None, "no", ["no"], {"notes": []}, {"what": 1}])
def test_what_is_no_answer_is_refused(task: Task, value: Any) -> None:
    """A worker that photographs have taken over may say anything."""
    with pytest.raises((TypeError, ValueError, LookupError, AttributeError)):
        read_answer(task, value)
