"""web/colouring.py: /v1/colorize and /v1/jobs against a real server with a real worker."""

from __future__ import annotations

import io
import json
import struct
import time
import zlib
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from kolorit.colorizer import Colorizer
from kolorit.errors import Busy, InternalError, LimitExceeded, TooMany
from kolorit.picture.decode import decode
from kolorit.picture.encode import encode
from kolorit.web.colouring import NAME

from .conftest import MODEL, Site, photo

JPEG = photo()
HINTS = [{"x": 0.3, "y": 0.6, "colour": "#8a3324", "radius": 0.05}]


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    return found


def finished(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """The state of a job when it is over."""
    assert answer.status_code == 202, answer.text
    where = answer.headers["location"]
    assert where == f"/v1/jobs/{answer.json()['id']}"
    until = time.monotonic() + 20
    while time.monotonic() < until:
        state: dict[str, Any] = client.get(where).json()
        if state["state"] not in ("queued", "running"):
            return state
        time.sleep(0.01)
    pytest.fail("the job does not end")


@pytest.fixture(scope="module")
def own() -> Colorizer:
    return Colorizer(MODEL, threads=1)


def test_the_bytes_are_those_of_the_command_line(client: httpx.Client, own: Colorizer) -> None:
    answer = client.post("/v1/colorize", content=JPEG)
    assert answer.status_code == 200
    assert answer.content == own.colorize(JPEG)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["kolorit-model"] == "constant 1"
    assert 0 < float(answer.headers["kolorit-confidence"]) <= 1
    assert answer.headers["cache-control"] == "no-store"
    assert "photo.color.jpg" in answer.headers["content-disposition"]


def test_options_count_wherever_they_stand(client: httpx.Client, own: Colorizer) -> None:
    options = {"strength": "0.5", "merge": "lab", "format": "png", "mark": "false"}
    options |= {"hints": json.dumps(HINTS), "look": "faithful"}
    from_query = client.post("/v1/colorize", content=JPEG, params=options)
    files = {"image": ("farm.jpg", JPEG)}
    from_form = client.post("/v1/colorize", files=files, data=options)
    both = client.post("/v1/colorize", files=files, data=options, params={"saturation": 1})
    assert from_query.content == from_form.content == both.content
    assert "farm.color.png" in from_form.headers["content-disposition"]
    picture = own.run(JPEG, strength=0.5, merge="lab", look="faithful").picture
    without = encode(picture, "png")
    assert Image.open(io.BytesIO(from_form.content)).size == Image.open(io.BytesIO(without)).size
    assert from_form.content != without  # the hint


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "webp", "avif"])
def test_formats(client: httpx.Client, format: str) -> None:
    answer = client.post("/v1/colorize", content=photo("GIF"), params={"format": format})
    assert answer.headers["content-type"] == f"image/{format}"
    assert decode(answer.content).source.format == format.upper()


def test_the_model_s_colour_is_there(client: httpx.Client) -> None:
    answer = client.post("/v1/colorize", content=JPEG)
    rgb = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"), float)
    assert (rgb[..., 0] - rgb[..., 2]).mean() > 20


def test_notes_are_told(client: httpx.Client) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(stream, "PNG")
    answer = client.post("/v1/colorize", content=stream.getvalue())
    assert answer.headers["kolorit-notes"].startswith('"')


def test_a_form_without_scripts(client: httpx.Client, site: Site) -> None:
    """As a browser sends the page's form: options left empty stand in no way."""
    headers = {"Origin": f"http://127.0.0.1:{site.address.port}", "Sec-Fetch-Site": "same-origin"}
    answer = client.post(
        "/v1/colorize",
        files={"image": ("a.jpg", JPEG)},
        data={"size": "", "format": "png", "look": ""},
        headers=headers,
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("attachment; ")


@pytest.mark.parametrize(
    ("params", "at"),
    [
        ({"strength": "2"}, "strength"),
        ({"strength": "nan"}, "strength"),
        ({"strength": ""}, "strength"),
        ({"size": "31"}, "size"),
        ({"alternative": "4"}, "alternative"),
        ({"format": "bmp"}, "format"),
        ({"mark": "perhaps"}, "mark"),
        ({"url": "http://127.0.0.1/a.jpg"}, "options"),
        ({"path": "/etc/passwd"}, "options"),
    ],
)
def test_options_that_are_wrong(client: httpx.Client, params: dict[str, str], at: str) -> None:
    found = problem(client.post("/v1/colorize", content=JPEG, params=params), 422)
    assert found["code"] == "invalid-request"
    assert [one["at"] for one in found["errors"]] == [at]


def test_what_is_no_photograph(client: httpx.Client) -> None:
    assert problem(client.post("/v1/colorize", content=b"hello"), 415)["code"] == "unsupported-type"
    for content in (JPEG[:300], b"", photo("PNG")[:100]):
        found = problem(client.post("/v1/colorize", content=content), 422)
        assert found["code"] == "input-unreadable"
        assert "/" not in found["detail"]
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    huge = b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + head + struct.pack(">I", zlib.crc32(head))
    huge += b"\0\0\0\0IDAT\x35\xaf\x06\x1e"
    assert problem(client.post("/v1/colorize", content=huge), 413)["code"] == "limit-exceeded"


def test_nothing_is_kept_of_what_nobody_can_ask_for(client: httpx.Client, site: Site) -> None:
    before = folders(site)
    assert client.post("/v1/colorize", content=JPEG).status_code == 200
    assert client.post("/v1/colorize", content=JPEG[:300]).status_code == 422
    assert client.post("/v1/colorize", content=b"hello").status_code == 415
    assert client.post("/v1/jobs", content=JPEG, params={"look": "wild"}).status_code == 422
    until = time.monotonic() + 5
    while folders(site) != before and time.monotonic() < until:
        time.sleep(0.01)
    assert folders(site) == before


def folders(site: Site) -> set[str]:
    root = site.service.store.path(site.do(site.service.store.put)).parent
    return {path.name for path in root.iterdir() if path.is_dir() and any(path.iterdir())}


def test_prefer_no_wait(client: httpx.Client) -> None:
    answer = client.post("/v1/colorize", content=JPEG, headers={"Prefer": "wait=0"})
    assert answer.headers["preference-applied"] == "wait=0"
    state = finished(client, answer)
    assert state["state"] == "done"
    assert client.get(state["result"]["href"]).status_code == 200


def test_a_job(client: httpx.Client, own: Colorizer) -> None:
    answer = client.post("/v1/jobs", files={"image": ("../my farm.jpg", JPEG)})
    state = finished(client, answer)
    assert state == {
        "id": answer.json()["id"], "state": "done", "position": 0, "progress": 1.0,
        "seconds": state["seconds"], "problem": None, "result": state["result"],
    }  # fmt: skip
    result = client.get(state["result"]["href"])
    assert result.content == own.colorize(JPEG)
    assert state["result"] == {
        "href": f"/v1/jobs/{state['id']}/result", "media_type": "image/jpeg",
        "bytes": len(result.content), "width": 64, "height": 48, "notes": [],
        "confidence": pytest.approx(float(result.headers["kolorit-confidence"]), abs=1e-3),
    }  # fmt: skip
    assert "my farm.color.jpg" in result.headers["content-disposition"]


def test_parts_of_a_result(client: httpx.Client) -> None:
    where = finished(client, client.post("/v1/jobs", content=JPEG))["result"]["href"]
    whole = client.get(where)
    tag = whole.headers["etag"]
    head = client.head(where)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    part = client.get(where, headers={"Range": "bytes=10-19", "If-Range": tag})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert client.get(where, headers={"If-None-Match": tag}).status_code == 304
    found = problem(client.get(where, headers={"Range": "bytes=999999-"}), 416)
    assert found["code"] == "range-not-satisfiable"


def test_a_job_whose_photograph_s_name_was_not_kept(client: httpx.Client, site: Site) -> None:
    """On a full disk a file is there, without a letter in it."""
    sent = client.post("/v1/jobs", files={"image": ("farm.jpg", JPEG)})
    job = finished(client, sent)
    site.do(lambda: (site.service.store.path(job["id"]) / NAME).write_text(""))
    answer = client.get(job["result"]["href"])
    assert 'filename="photo.color.jpg"' in answer.headers["content-disposition"]
    client.delete(sent.headers["location"])


def test_a_job_that_fails(client: httpx.Client) -> None:
    state = finished(client, client.post("/v1/jobs", content=JPEG[:300]))
    assert (state["state"], state["result"]) == ("failed", None)
    assert state["problem"]["code"] == "input-unreadable"
    found = problem(client.get(f"/v1/jobs/{state['id']}/result"), 422)
    assert found["detail"] == state["problem"]["detail"]


def test_a_job_that_is_cancelled(client: httpx.Client) -> None:
    state = finished(client, client.post("/v1/jobs", content=JPEG))
    where = f"/v1/jobs/{state['id']}"
    assert client.delete(where).status_code == 204
    assert client.get(where).json()["state"] == "cancelled"
    assert problem(client.get(f"{where}/result"), 410)["code"] == "gone"


def test_a_job_that_is_not_done(
    client: httpx.Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.post("/v1/jobs", content=photo(width=2000, height=2000))
    found = client.get(f"{answer.headers['location']}/result")
    assert problem(found, 409)["code"] == "not-done"
    assert found.headers["retry-after"] == "1"
    client.delete(answer.headers["location"])


def test_a_result_that_has_expired(client: httpx.Client, site: Site) -> None:
    state = finished(client, client.post("/v1/jobs", content=JPEG))
    site.do(lambda: site.service.store.drop(state["id"]))
    assert client.get(f"/v1/jobs/{state['id']}").json()["state"] == "expired"
    assert problem(client.get(f"/v1/jobs/{state['id']}/result"), 410)["code"] == "gone"


@pytest.mark.parametrize(
    "id",
    ["0" * 32, "x", "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "0" * 5000, "%00", "a" * 31 + "%0a"],
)
def test_jobs_that_are_not_there(client: httpx.Client, id: str) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/result")):
        problem(client.request(method, f"/v1/jobs/{id}{path}"), 404)


def test_the_same_key_is_the_same_job(client: httpx.Client) -> None:
    headers = {"Idempotency-Key": "a-word-of-mine"}
    first = client.post("/v1/jobs", content=JPEG, headers=headers)
    again = client.post("/v1/jobs", content=JPEG, headers=headers)
    assert first.json()["id"] == again.json()["id"]
    at_once = client.post("/v1/colorize", content=JPEG, headers=headers)
    assert at_once.status_code == 200
    where = f"{first.headers['location']}/result"
    assert client.get(where).content == at_once.content  # still kept
    for content, params in ((photo("PNG"), {}), (JPEG, {"strength": 0.5})):
        other = client.post("/v1/jobs", content=content, params=params, headers=headers)
        assert problem(other, 422)["code"] == "key-reused"
    for bad in ("", "with blanks", "x" * 201):
        asked = client.post("/v1/jobs", content=JPEG, headers={"Idempotency-Key": bad})
        assert problem(asked, 422)["errors"][0]["at"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Busy("full", retry_after=7), 503),
        (TooMany("you have 8", retry_after=7), 429),
        (LimitExceeded("too long"), 413),
        (InternalError("planted"), 500),
        (RuntimeError("planted"), 500),
    ],
    ids=lambda value: str(value),
)
def test_what_the_engine_refuses(
    client: httpx.Client, site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(type(site.service.jobs), "submit", refuse)
    answer = client.post("/v1/colorize", content=JPEG)
    found = problem(answer, status)
    assert answer.headers.get("retry-after") == ("7" if status in (429, 503) else None)
    assert answer.headers["x-content-type-options"] == "nosniff"
    if isinstance(error, RuntimeError):
        assert "planted" not in answer.text
        assert found["code"] == "internal-error"
