"""web/problems.py: one form for all errors, honest statuses, and no secrets."""

from __future__ import annotations

import json

import pytest

from kolorit import errors
from kolorit.errors import (
    Busy,
    ConfigInvalid,
    DeviceUnavailable,
    HintsInvalid,
    InputUnreadable,
    InternalError,
    KoloritError,
    LimitExceeded,
    ModelUnavailable,
    NotThere,
    OutputUnwritable,
    TooMany,
)
from kolorit.web.problems import (
    ALWAYS,
    MEANINGS,
    REFUSALS,
    Refused,
    answer,
    described,
    problem_of,
    schema,
)


def test_members() -> None:
    found = problem_of(InputUnreadable("it is torn", remedy="Scan it again."), "/v1/views")
    assert found == {
        "type": "/problems/input-unreadable",
        "title": "Input unreadable",
        "status": 422,
        "detail": "it is torn",
        "code": "input-unreadable",
        "remedy": "Scan it again.",
        "instance": "/v1/views",
    }
    assert set(found) | {"errors"} == set(schema()["properties"])
    assert set(schema()["required"]) <= set(found)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputUnreadable, 422),
        (ConfigInvalid, 422),
        (HintsInvalid, 422),
        (OutputUnwritable, 422),
        (LimitExceeded, 413),
        (NotThere, 404),
        (TooMany, 429),
        (Busy, 503),
        (ModelUnavailable, 503),
        (InternalError, 500),
    ],
)
def test_statuses(error: type[KoloritError], status: int) -> None:
    response = answer(error("so it is"))
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(bytes(response.body))["status"] == status
    assert ("retry-after" in response.headers) == (status in (429, 503))


def test_busy_says_when_to_come_back() -> None:
    assert answer(Busy("full", retry_after=17)).headers["retry-after"] == "17"


def test_paths_of_this_computer_are_not_told() -> None:
    response = answer(InputUnreadable("it is torn", file="/tmp/secret/original"))
    assert b"secret" not in bytes(response.body)


@pytest.mark.parametrize(
    "error",
    [
        LimitExceeded("too large", remedy="Raise the limit with --max-pixels."),
        DeviceUnavailable("no cuda"),
        ModelUnavailable("it is altered"),
    ],
)
def test_the_command_line_is_not_spoken_of(error: KoloritError) -> None:
    remedy = problem_of(error)["remedy"]
    assert remedy
    assert "--" not in remedy


def test_what_is_sent_is_ascii() -> None:
    body = bytes(answer(InputUnreadable("torn \u202e \ud800")).body)
    assert body.isascii()
    assert json.loads(body)["detail"] == "torn \u202e \ud800"


def test_headers_of_a_refusal() -> None:
    response = answer(Refused(416, "no such bytes", headers={"Content-Range": "bytes */5"}))
    assert response.headers["content-range"] == "bytes */5"


def test_every_refusal_is_described() -> None:
    """405 and 408 may come from any address and stand in no description."""
    assert set(REFUSALS) - {405, 408} <= set(MEANINGS)
    statuses = {error.status for error in vars(errors).values() if isinstance(error, type)
                and issubclass(error, KoloritError)}  # fmt: skip
    assert statuses - {207, 400, 409} <= set(MEANINGS) | {404}
    assert set(ALWAYS) <= set(MEANINGS)


def test_description() -> None:
    rows = described(404, 429)
    assert list(rows) == sorted({404, 429, *ALWAYS})
    assert all(list(row["content"]) == ["application/problem+json"] for row in rows.values())
    assert [s for s, row in rows.items() if "headers" in row] == [429, 503]
    assert list(described(404, always=False)) == [404]
