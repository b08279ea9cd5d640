"""web/metrics.py: what is counted is what happened, and no client writes into the page."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from typing import Any

import pytest

from kolorit.web.metrics import BOUNDS, Metrics, resident


def count(metrics: Metrics, method: str = "GET", route: str | None = "/v1/jobs/{id}",
          status: int = 200, body: bytes = b"hello") -> None:  # fmt: skip
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if route is not None:
            scope["route"] = SimpleNamespace(path=route)
        await receive()
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body", "body": body})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"abc"}

    async def send(message: Any) -> None:
        pass

    asyncio.run(metrics.around(app)({"type": "http", "method": method}, receive, send))  # type: ignore[arg-type]


def rows(metrics: Metrics, **gauges: tuple[str, float]) -> dict[str, float]:
    text = metrics.text(gauges)
    assert text.endswith("\n")
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = re.fullmatch(
                r'([a-z_]+(?:\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\})?) (\S+)', line
            )
            assert match, line
            found[match[1]] = float(match[2])
    return found


def test_requests_and_bytes() -> None:
    metrics = Metrics()
    count(metrics)
    count(metrics)
    count(metrics, "POST", "/v1/views", 413)
    found = rows(metrics)
    assert found['kolorit_requests_total{method="GET",route="/v1/jobs/{id}",status="200"}'] == 2
    assert found['kolorit_requests_total{method="POST",route="/v1/views",status="413"}'] == 1
    assert found["kolorit_received_bytes_total"] == 9
    assert found["kolorit_sent_bytes_total"] == 15
    assert found["kolorit_requests_under_way"] == 0


def test_histogram_is_cumulative() -> None:
    metrics = Metrics()
    count(metrics)
    found = rows(metrics)
    name, route = "kolorit_request_seconds", 'route="/v1/jobs/{id}"'
    buckets = [found[f'{name}_bucket{{{route},le="{bound:g}"}}'] for bound in BOUNDS]
    assert buckets == sorted(buckets)
    assert found[f'{name}_bucket{{{route},le="+Inf"}}'] == found[f"{name}_count{{{route}}}"] == 1
    assert 0 < found[f"{name}_sum{{{route}}}"] < 1


def test_clients_cannot_make_rows() -> None:
    metrics = Metrics()
    for method in ("BREW", "X" * 5000, 'a"} 5\nb{c="'):
        count(metrics, method, None, 404)
    names = [name for name in rows(metrics) if name.startswith("kolorit_requests_total")]
    assert names == ['kolorit_requests_total{method="other",route="(none)",status="404"}']


def test_what_fails_is_counted_and_goes_on() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("planted")

    metrics = Metrics()
    with pytest.raises(RuntimeError):
        asyncio.run(metrics.around(broken)({"method": "GET"}, None, None))  # type: ignore[arg-type]
    assert metrics.under_way == 0
    assert sum(metrics.requests.values()) == 1


def test_gauges_have_their_words() -> None:
    text = Metrics().text({"kolorit_tasks_waiting": ("Tasks that wait.", 3)})
    assert "# HELP kolorit_tasks_waiting Tasks that wait.\n" in text
    assert "# TYPE kolorit_tasks_waiting gauge\nkolorit_tasks_waiting 3\n" in text
    assert "# TYPE kolorit_received_bytes_total counter\n" in text


def test_memory_is_known() -> None:
    assert resident() == 0 or 10_000_000 < resident() < 4_000_000_000
