"""web/pages.py: the page's own files, models, health, metrics."""

from __future__ import annotations

import re

import httpx
import pytest

from kolorit.web.gate import HEADERS
from kolorit.web.pages import TYPES, read_assets

from .conftest import Site
from .test_colouring import problem


def test_the_page_is_there(client: httpx.Client) -> None:
    for path in ("/", "/docs"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
        assert answer.headers["cache-control"] == "no-cache"


def test_every_file_of_it_is_there(client: httpx.Client) -> None:
    for name, asset in read_assets().items():
        answer = client.get(f"/static/{name}")
        assert (answer.status_code, answer.content) == (200, asset.body)
        assert answer.headers["content-type"] == TYPES[f".{name.rpartition('.')[2]}"]
        known = client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")


def test_the_documentation_asks_nobody_else(client: httpx.Client) -> None:
    assets = read_assets()
    for name in ("docs.html", "docs.js", "docs.css"):
        assert not re.search(r"https?://|innerHTML|style=|onclick", assets[name].body.decode())


@pytest.mark.parametrize(
    "name",
    ["none.js", "..%2fapp.py", "%2e%2e/app.py", "../app.py", "app.py", "", ".", "docs.js%00"],
)
def test_no_other_file_is(client: httpx.Client, name: str) -> None:
    problem(client.get(f"/static/{name}"), 404)


def test_models(client: httpx.Client) -> None:
    (model,) = client.get("/v1/models").json()
    assert (model["name"], model["version"], model["size"]) == ("constant", "1", 64)
    assert model["looks"] == ["vivid", "faithful"]
    assert (model["hints"], model["alternatives"]) == (True, True)
    assert re.fullmatch("[0-9a-f]{64}", model["sha256"])


def test_health(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_not_ready(client: httpx.Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(site.service.pool), "alive", lambda self: 11.0)
    answer = client.get("/readyz")
    problem(answer, 503)
    assert answer.headers["retry-after"] == "1"
    assert client.get("/healthz").status_code == 200


def test_metrics(client: httpx.Client) -> None:
    client.get("/v1/jobs/a-name-of-mine")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'kolorit_requests_total{method="GET",route="/v1/jobs/{id}",status="404"}' in answer.text
    assert "a-name-of-mine" not in answer.text
    for name in ("tasks_waiting", "tasks_running", "worker_restarts_total", "resident_bytes"):
        assert re.search(rf"^kolorit_{name} \d", answer.text, re.MULTILINE)
