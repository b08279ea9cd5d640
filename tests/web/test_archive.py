"""web/archive.py: several pictures in one file, under names that harm nobody."""

from __future__ import annotations

import io
import stat
import zipfile
from typing import Any

import httpx
import pytest

from kolorit.errors import TooMany

from .conftest import Site, photo
from .test_colouring import problem

JPEG = photo()


def opened(client: httpx.Client, content: bytes = JPEG) -> str:
    id: str = client.post("/v1/views", content=content).json()["id"]
    return id


def test_members(client: httpx.Client) -> None:
    one, other = opened(client), opened(client, photo("PNG"))
    pictures: list[dict[str, Any]] = [
        {"view": one, "name": "farm.jpg"},
        {"view": one, "name": "../../../etc/farm.jpg", "format": "png", "strength": 0},
        {"view": other, "name": "C:\\x\\ü\u202e.png", "look": "faithful"},
        {"view": other},
    ]
    answer = client.post("/v1/zip", json={"pictures": pictures})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert "kolorit.zip" in answer.headers["content-disposition"]
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    members = archive.infolist()
    assert [member.filename for member in members] == [
        "01-farm.color.jpg", "02-farm.color.png", "03-ü.color.png", "04-photo.color.png",
    ]  # fmt: skip
    for member in members:
        mode = member.external_attr >> 16
        assert stat.S_ISREG(mode)
        assert stat.S_IMODE(mode) == 0o644
        assert member.compress_type == zipfile.ZIP_STORED
    for member, asked in zip(members, pictures, strict=True):
        options = {key: value for key, value in asked.items() if key != "view"}
        alone = client.post(f"/v1/views/{asked['view']}/result", json=options)
        assert archive.read(member) == alone.content


def test_a_view_that_is_not_there(client: httpx.Client) -> None:
    pictures = [{"view": opened(client)}, {"view": "0" * 32}]
    problem(client.post("/v1/zip", json={"pictures": pictures}), 404)


def test_all_or_nothing(client: httpx.Client, site: Site) -> None:
    good, bad = opened(client), opened(client)
    path = site.do(lambda: site.service.store.path(bad))
    (path / "original").write_bytes(JPEG[:300])
    pictures = [{"view": good}, {"view": bad, "name": "torn.jpg"}, {"view": good}]
    found = problem(client.post("/v1/zip", json={"pictures": pictures}), 422)
    assert found["detail"].startswith("02-torn.jpg: ")


def test_options_are_checked_before_the_work(client: httpx.Client) -> None:
    pictures = [{"view": opened(client), "look": "wild"}]
    assert (
        problem(client.post("/v1/zip", json={"pictures": pictures}), 422)["code"]
        == "config-invalid"
    )


def test_it_waits_for_room(
    client: httpx.Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = site.service.jobs.submit
    refused: list[int] = []

    def submit(self: Any, *args: Any, **more: Any) -> Any:
        if len(refused) < 2:
            refused.append(1)
            raise TooMany("you have 8", retry_after=0)
        return real(*args, **more)

    monkeypatch.setattr(type(site.service.jobs), "submit", submit)
    answer = client.post("/v1/zip", json={"pictures": [{"view": opened(client)}]})
    assert (answer.status_code, len(refused)) == (200, 2)


def test_it_does_not_wait_for_ever(
    client: httpx.Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submit(*_: Any, **__: Any) -> Any:
        raise TooMany("you have 8", retry_after=100)

    view = opened(client)
    monkeypatch.setattr(type(site.service.jobs), "submit", submit)
    answer = client.post("/v1/zip", json={"pictures": [{"view": view}]})
    assert problem(answer, 429)["code"] == "too-many"
    assert answer.headers["retry-after"] == "100"
