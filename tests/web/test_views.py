"""web/views.py: a photograph that is looked at, corrected and saved; with a real worker."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from kolorit.errors import NotThere
from kolorit.web.views import _taken

from .conftest import Site, photo
from .test_colouring import finished, problem

JPEG = photo(width=200, height=120)
HINT = {"x": 0.5, "y": 0.5, "colour": "#3a6ea5", "radius": 0.1}
ACTIONS = ("picture", "confidence", "suggestions", "result")


@pytest.fixture
def view(client: httpx.Client) -> Iterator[str]:
    opened = client.post("/v1/views", content=JPEG)
    assert opened.status_code == 201
    yield opened.headers["location"]
    client.delete(opened.headers["location"])


def size(content: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(content)).size


def test_opening(client: httpx.Client) -> None:
    for sent in ({"content": JPEG}, {"files": {"image": ("a.jpg", JPEG)}}):
        answer = client.post("/v1/views", **sent)  # type: ignore[arg-type]
        found = answer.json()
        assert answer.headers["location"] == f"/v1/views/{found['id']}"
        assert found == {
            "id": found["id"], "width": 200, "height": 120, "view": {"width": 200, "height": 120},
            "format": "JPEG", "notes": [], "confidence": found["confidence"], "coloured": False,
            "looks": ["vivid", "faithful"],
        }  # fmt: skip
        assert 0 < found["confidence"] <= 1


def test_opening_what_is_none(client: httpx.Client) -> None:
    problem(client.post("/v1/views", content=b"hello"), 415)
    problem(client.post("/v1/views", content=JPEG[:400]), 422)
    sent = client.post("/v1/views", files={"image": ("a", JPEG)}, data={"strength": "1"})
    problem(sent, 422)


def test_one_that_is_closed_while_its_picture_is_made(tmp_path: Path) -> None:
    """Its folder goes between the worker's last word and the answer."""
    with pytest.raises(NotThere):
        _taken(tmp_path / "picture.jpg")


def test_grey(client: httpx.Client, view: str) -> None:
    answer = client.get(f"{view}/grey")
    assert answer.headers["content-type"] == "image/jpeg"
    assert size(answer.content) == (200, 120)
    assert client.get(f"{view}/grey", headers={"Range": "bytes=0-9"}).status_code == 206


def test_a_picture_follows_its_hints(client: httpx.Client, view: str) -> None:
    plain = client.post(f"{view}/picture", json={})
    assert plain.status_code == 200
    assert plain.headers["content-type"] == "image/jpeg"
    assert plain.headers["kolorit-model"] == "constant 1"
    assert size(plain.content) == (200, 120)
    hinted = client.post(f"{view}/picture", json={"hints": [HINT]})
    grey = client.post(f"{view}/picture", json={"strength": 0})
    assert len({plain.content, hinted.content, grey.content}) == 3
    rgb = np.asarray(Image.open(io.BytesIO(grey.content)).convert("RGB"), int)
    assert np.ptp(rgb, axis=2).max() <= 2


def test_confidence(client: httpx.Client, view: str) -> None:
    answer = client.post(f"{view}/confidence", json={})
    assert answer.headers["content-type"] == "image/png"
    assert size(answer.content) == (200, 120)
    assert 0 < float(answer.headers["kolorit-confidence"]) <= 1


def test_suggestions(client: httpx.Client, view: str) -> None:
    found = client.post(f"{view}/suggestions", json={"x": 0.5, "y": 0.5, "count": 3}).json()
    assert set(found) == {"suggestions"}
    assert 1 <= len(found["suggestions"]) <= 3
    shares = [one["share"] for one in found["suggestions"]]
    assert shares == sorted(shares, reverse=True)


def test_the_result_is_colorize_s(client: httpx.Client, view: str) -> None:
    options = {"strength": 0.8, "format": "png", "look": "faithful"}
    saved = client.post(f"{view}/result", json={**options, "hints": [HINT], "name": "a/ü.jpg"})
    assert saved.status_code == 200
    text = {**options, "hints": json.dumps([HINT])}
    assert saved.content == client.post("/v1/colorize", content=JPEG, params=text).content
    assert "filename*=UTF-8''%C3%BC.color.png" in saved.headers["content-disposition"]
    assert client.get(f"{view}/grey").status_code == 200  # the view stays


def test_closing(client: httpx.Client, view: str) -> None:
    assert client.delete(view).status_code == 204
    problem(client.delete(view), 404)
    for action in ACTIONS:
        place = {"x": 0, "y": 0} if action == "suggestions" else {}
        problem(client.post(f"{view}/{action}", json=place), 404)
    problem(client.get(f"{view}/grey"), 404)


def test_other_ids_are_no_views(client: httpx.Client, site: Site) -> None:
    job = finished(client, client.post("/v1/jobs", content=JPEG))["id"]
    for id in (job, "0" * 32, "..", "%2e%2e%2fx"):
        problem(client.get(f"/v1/views/{id}/grey"), 404)
        problem(client.delete(f"/v1/views/{id}"), 404)
        for action in ACTIONS:
            place = {"x": 0, "y": 0} if action == "suggestions" else {}
            problem(client.post(f"/v1/views/{id}/{action}", json=place), 404)
    assert client.get(f"/v1/jobs/{job}/result").status_code == 200  # untouched


@pytest.mark.parametrize("action", ACTIONS)
def test_bodies_that_are_wrong(client: httpx.Client, view: str, action: str) -> None:
    where = f"{view}/{action}"
    json_ = {"Content-Type": "application/json"}
    for content, headers, status in (
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {}, 415),
        (b"{", json_, 400),
        (b"\xff", json_, 400),
        (b"[" * 100_000, json_, 400),
        (b"", json_, 422),
        (b"[]", json_, 422),
        (b'{"x": 0, "y": 0, "unknown": 1}', json_, 422),
        (b'{"x": 0, "y": 0, "hints": [{"x": NaN, "y": 0, "colour": "#fff"}]}', json_, 422),
        (b'{"x": 0, "y": 0, "hints": [{"x": 9, "y": 0, "colour": "#fff"}]}', json_, 422),
        (b" " * 4_000_001, json_, 413),
    ):
        problem(client.post(where, content=content, headers=headers), status)


def test_files_do_not_pile_up(client: httpx.Client, site: Site, view: str) -> None:
    folder = site.do(lambda: site.service.store.path(view.rpartition("/")[2]))
    before = sorted(path.name for path in folder.iterdir())
    for _ in range(3):
        client.post(f"{view}/picture", json={})
        client.post(f"{view}/confidence", json={})
    assert sorted(path.name for path in folder.iterdir()) == before


def test_who_goes_away_stops_the_work(
    site: Site, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio
    import threading

    ended = threading.Event()

    async def endless(*_: Any, **__: Any) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    monkeypatch.setattr(type(site.service.pool), "run", endless)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{site.address.url[:-1]}{view}/picture", json={}, timeout=0.2)
    assert ended.wait(3)
