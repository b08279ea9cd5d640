"""web/app.py and web/description.py: one form for all errors, and a description that is true."""

from __future__ import annotations

import errno
import json
import re
from typing import Any

import httpx
import pytest

from kolorit.web.app import make_app
from kolorit.web.options import TextOptions
from kolorit.web.problems import ALWAYS

from .conftest import Site, photo, talk
from .test_colouring import problem


@pytest.fixture(scope="module")
def document(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = site.client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize(
    "path", ["/none", "/v1", "/v1/", "/v1/jobs/", "/static", "/%00", "/v1/colorize/"]
)
def test_what_is_not_there(client: httpx.Client, path: str) -> None:
    assert problem(client.get(path), 404)["code"] in ("not-found", "not-there")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/jobs/1", "DELETE, GET, HEAD"),
        ("GET", "/v1/colorize", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("TRACE", "/v1/models", "GET, HEAD"),
        ("OPTIONS", "/v1/models", "GET, HEAD"),
        ("BREW", "/", "GET, HEAD"),
    ],
)
def test_methods_that_are_not_possible(
    client: httpx.Client, method: str, path: str, allow: str
) -> None:
    answer = client.request(method, path)
    assert problem(answer, 405)["code"] == "method-not-allowed"
    assert answer.headers["allow"] == allow
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/healthz", "/metrics", "/v1/models", "/openapi.json"]
)
def test_head_is_get_without_a_body(client: httpx.Client, path: str) -> None:
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == client.get(path).headers["content-type"]


def test_a_request_is_not_hidden_in_another(site: Site) -> None:
    host = f"Host: 127.0.0.1:{site.address.port}\r\n"
    hidden = f"GET /healthz HTTP/1.1\r\n{host}\r\n"
    said = talk(
        site.address,
        f"POST /v1/colorize HTTP/1.1\r\n{host}Content-Length: 5\r\n"
        f"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}".encode(),
    )
    assert said.startswith(b"HTTP/1.1 400 ") and said.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("path", ["/v1/colorize", "/v1/jobs", "/v1/views"])
def test_a_full_disk_is_no_bug(
    site: Site, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    async def write(*_: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = len(list(site.service.store.folder.iterdir()))
    monkeypatch.setattr("kolorit.web.requests._receive_body", write)
    answer = client.post(path, content=photo())
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert int(answer.headers["retry-after"]) > 0
    assert len(list(site.service.store.folder.iterdir())) == before


def test_another_error_of_the_system_is_one(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(*_: Any) -> str:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr("kolorit.web.requests._receive_body", write)
    assert client.post("/v1/colorize", content=photo()).status_code == 500


def test_foreign_pages_change_nothing(client: httpx.Client) -> None:
    answer = client.post("/v1/jobs", content=photo(), headers={"Origin": "http://evil.example"})
    problem(answer, 403)


def test_the_document(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    ids = [operation["operationId"] for *_, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert {"colorize", "submit_job", "read_result", "read_result_head", "colour_view"} <= set(ids)
    assert set(document["paths"]) == {
        "/v1/colorize", "/v1/jobs", "/v1/jobs/{id}", "/v1/jobs/{id}/result", "/v1/views",
        "/v1/views/{id}", "/v1/views/{id}/grey", "/v1/views/{id}/picture",
        "/v1/views/{id}/confidence", "/v1/views/{id}/suggestions", "/v1/views/{id}/result",
        "/v1/zip", "/v1/models", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', text)):
        at: Any = document
        for step in reference.split("/"):
            at = at[step]
    for id in re.findall(r'"operationId": "(\w+)"', text):
        assert id in [operation["operationId"] for *_, operation in operations(document)]


def test_errors_are_described_as_they_are(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        responses = operation["responses"]
        for status, response in responses.items():
            if status >= "400" and method != "head":
                assert list(response["content"]) == ["application/problem+json"], (path, status)
        if path.startswith("/v1"):
            assert {str(status) for status in ALWAYS} <= set(responses)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_bodies_are_described(document: dict[str, Any]) -> None:
    bodies = document["components"]["requestBodies"]
    form = bodies["Photograph"]["content"]["multipart/form-data"]["schema"]
    assert set(form["properties"]) == {"image", *TextOptions.model_fields}
    assert form["properties"]["look"]["enum"] == ["vivid", "faithful"]
    alone = bodies["PhotographAlone"]["content"]["multipart/form-data"]["schema"]
    assert set(alone["properties"]) == {"image"}
    assert document["paths"]["/v1/views"]["post"]["requestBody"]["$ref"].endswith("Alone")
    assert "image/jpeg" in bodies["Photograph"]["content"]


def test_looks_are_named_wherever_one_is_asked_for(document: dict[str, Any]) -> None:
    (query,) = (
        p for p in document["paths"]["/v1/jobs"]["post"]["parameters"] if p["name"] == "look"
    )
    assert query["schema"]["enum"] == ["vivid", "faithful"]
    for name in ("PictureBody", "ResultBody", "ZipEntry"):
        look = document["components"]["schemas"][name]["properties"]["look"]
        assert look["enum"] == ["vivid", "faithful"]


def test_queries_know_no_null(document: dict[str, Any]) -> None:
    for *_, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert "null" not in json.dumps(parameter)


def test_a_second_application_is_the_same(site: Site, document: dict[str, Any]) -> None:
    for _ in range(2):
        assert make_app(site.service).openapi() == document
    secured = make_app(site.service, token=True).openapi()
    assert secured["paths"]["/v1/zip"]["post"]["security"] == [{"token": []}]
    assert "security" not in secured["paths"]["/healthz"]["get"]


def test_a_token_is_asked_for() -> None:
    site = Site(token="0123456789abcdef")
    with site.open() as client:
        assert client.get("/").status_code == 200
        assert problem(client.get("/v1/models"), 401)["code"] == "token-needed"
        headers = {"Authorization": "Bearer 0123456789abcdef"}
        assert client.get("/v1/models", headers=headers).status_code == 200
