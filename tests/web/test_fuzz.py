"""The whole interface under made-up requests: no 5xx but 503, and every answer as described.

The requests follow from the OpenAPI document, some to its letter and some not. Half of them get
what nobody makes up: the id of a view or a job that is there, and a photograph as the body.
`make test ARGS="-m slow tests/web/test_fuzz.py"` sends more than a thousand, the quick
run some 200.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from kolorit.web.tasks import Coloured

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
PHOTOGRAPHS = ("/v1/colorize", "/v1/jobs", "/v1/views")  # whose bodies are photographs


def send(site: Any, photograph: bytes, each: int) -> Counter[int]:
    """Made-up requests to every operation, ``each`` of each mode; the statuses of the answers."""
    statuses: Counter[int] = Counter()
    schema = schemathesis.openapi.from_url(f"{site.address.url.rstrip('/')}/openapi.json")
    for found in schema.get_all_operations():
        operation = found.ok()
        free = bool(list(operation.iter_parameters())) or bool(operation.body)
        for mode in MODES if free else MODES[:1]:

            @settings(
                max_examples=each if free else 1,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
            def ask(case: Any, real: bool) -> None:
                if real and "{id}" in case.path:
                    case.path_parameters = {"id": there(site, case.path, photograph)}
                if real and case.path in PHOTOGRAPHS:
                    case.body, case.media_type = photograph, "image/jpeg"
                answer = case.call()
                statuses[answer.status_code] += 1
                case.validate_response(answer, checks=CHECKS)

            ask()
    return statuses


def there(site: Any, path: str, photograph: bytes) -> str:
    """The id of a view or job that exists now."""
    kind = "/v1/jobs" if path.startswith("/v1/jobs") else "/v1/views"
    answer = site.client.post(kind, content=photograph)
    assert answer.status_code in (201, 202), answer.text
    return str(answer.json()["id"])


def test_two_hundred_requests(site: Any, photograph: bytes) -> None:
    statuses = send(site, photograph, each=6)
    assert sum(statuses.values()) >= 150
    assert {200, 201, 202, 204, 404, 422} <= set(statuses)


@pytest.mark.slow
def test_a_thousand_requests(site: Any, photograph: bytes) -> None:
    assert sum(send(site, photograph, each=45).values()) >= 1000


def test_a_fault_of_the_server_is_seen(
    site: Any, photograph: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: workers whose answers do not fit."""

    async def broken(*_: Any, **__: Any) -> Coloured:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(site.service.pool, "run", broken)
    with pytest.raises(BaseExceptionGroup):
        send(site, photograph, each=4)


@pytest.fixture(scope="module")
def photograph(repository: Any) -> bytes:
    return bytes((repository / "examples" / "rocket.jpg").read_bytes())
