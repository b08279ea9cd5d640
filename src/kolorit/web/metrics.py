"""Numbers about the server in Prometheus' text format: no names, no ids, nothing of pictures.

Source: prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from kolorit.web.gate import App, Message, Receive, Scope, Send

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds
_NOWHERE = "(none)"  # the route of what no route takes


class Metrics:
    """Counts of what went through the application that it is put around."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()  # method, route, status
        self.durations: Counter[tuple[str, float]] = Counter()  # route, upper bound
        self.seconds: dict[str, float] = {}  # by route
        self.answered: Counter[str] = Counter()  # route
        self.received = self.sent = self.under_way = 0

    def around(self, app: App) -> App:
        """The application, counted."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            await self._count(app, scope, receive, send)

        return counted

    async def _count(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status = 0

        async def receiving() -> Message:
            message = await receive()
            self.received += len(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            self.sent += len(message.get("body", b""))
            await send(message)

        self.under_way += 1
        try:
            await app(scope, receiving, sending)
        finally:
            self.under_way -= 1
            route = getattr(scope.get("route"), "path", _NOWHERE)
            took = time.perf_counter() - began
            self.requests[_method(scope), route, status] += 1
            self.answered[route] += 1
            self.seconds[route] = self.seconds.get(route, 0.0) + took
            for bound in BOUNDS:
                self.durations[route, bound] += took <= bound

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """The page. gauges: name -> (what it is, value), of what others count."""
        rows = _head("kolorit_requests_total", "counter", "Requests by method, route and status.")
        for (method, route, status), count in sorted(self.requests.items()):
            labels = f'method="{method}",route="{route}",status="{status}"'
            rows.append(f"kolorit_requests_total{{{labels}}} {count}")
        rows += self._histogram()
        own = {
            "kolorit_received_bytes_total": ("Bytes of bodies received.", self.received),
            "kolorit_sent_bytes_total": ("Bytes of bodies sent.", self.sent),
            "kolorit_requests_under_way": ("Requests under way.", self.under_way),
            "kolorit_resident_bytes": ("Memory of the server's own process.", resident()),
        }
        for name, (what, value) in {**own, **gauges}.items():
            rows += _head(name, "counter" if name.endswith("_total") else "gauge", what)
            rows.append(f"{name} {value:.10g}")
        return "\n".join(rows) + "\n"

    def _histogram(self) -> list[str]:
        name = "kolorit_request_seconds"
        rows = _head(name, "histogram", "Seconds from a request's headers to its answer's end.")
        for route in sorted(self.answered):
            for bound in BOUNDS:
                count = self.durations[route, bound]
                rows.append(f'{name}_bucket{{route="{route}",le="{bound:g}"}} {count}')
            total = self.answered[route]
            rows.append(f'{name}_bucket{{route="{route}",le="+Inf"}} {total}')
            rows.append(f'{name}_sum{{route="{route}"}} {self.seconds[route]:.6f}')
            rows.append(f'{name}_count{{route="{route}"}} {total}')
        return rows


def resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _head(name: str, kind: str, what: str) -> list[str]:
    return [f"# HELP {name} {what}", f"# TYPE {name} {kind}"]


def _method(scope: Scope) -> str:
    """Any word may be a method, and each would be a row of its own."""
    known = ("GET", "HEAD", "POST", "DELETE")
    return scope["method"] if scope["method"] in known else "other"
