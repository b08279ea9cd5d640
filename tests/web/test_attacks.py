"""Hostile photographs sent to a whole server: each is refused in its own words, and it lives on.

Whoever comes in, how slowly, under which name and with how much is in test_gate.py, test_server.py
and test_requests.py; what a worker may take of the machine in test_worker.py.
"""

from __future__ import annotations

import io
import struct
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

SIDE = 9400  # 88 megapixels: below what Pillow warns of


def flat(format: str, side: int, mode: str = "L", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (side, side)).save(stream, format, **options)
    return stream.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(width: int, height: int, *more: bytes) -> bytes:
    """A PNG whose header says a size and which holds next to nothing."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(b"\0")), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b",\0\0\0\0" + bytes(30)


def jpeg(width: int, height: int) -> bytes:
    whole = bytearray(flat("JPEG", 16))
    at = whole.index(b"\xff\xc0") + 5
    whole[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(whole)


BOMBS: dict[str, Callable[[], bytes]] = {
    "png header": lambda: png(60_000, 60_000),
    "gif header": lambda: gif(65_535, 65_535),
    "jpeg header": lambda: jpeg(65_500, 65_500),
    "png": lambda: flat("PNG", SIDE),
    "gif": lambda: flat("GIF", SIDE),
    "tiff group 4": lambda: flat("TIFF", SIDE, "1", compression="group4"),
    "webp": lambda: flat("WEBP", SIDE, "RGB", lossless=True),
    "avif": lambda: flat("AVIF", 7168, "RGB", speed=10),
}


def resident(site: Any) -> float:
    """Megabytes of the server's own process."""
    del site
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


def is_well(client: httpx.Client, photograph: bytes) -> None:
    answer = client.post("/v1/colorize", content=photograph)
    assert answer.status_code == 200, answer.text
    assert client.get("/readyz").status_code == 200


@pytest.fixture(scope="module")
def photograph() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.tile(np.arange(96, dtype=np.uint8), (64, 1))).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_of_pixels_is_refused_from_its_header(
    site: Any, client: httpx.Client, kind: str, photograph: bytes
) -> None:
    bomb = BOMBS[kind]()
    before = resident(site)
    answer = client.post("/v1/colorize", content=bomb)
    assert (answer.status_code, answer.json()["code"]) == (413, "limit-exceeded"), answer.text
    assert resident(site) - before < 64
    is_well(client, photograph)


def test_a_bomb_below_the_number_of_pixels(client: httpx.Client, photograph: bytes) -> None:
    """49 megapixels in a few bytes: 16 bytes of memory for each, by its decoder; many at once."""
    bomb = flat("WEBP", 7000, "RGB", lossless=True)
    assert len(bomb) < 5_000
    statuses: list[int] = []

    def send() -> None:
        answer = httpx.post(client.base_url.join("/v1/colorize"), content=bomb, timeout=60)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {413, 422, 429, 503} and 413 in statuses
    is_well(client, photograph)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt"])
def test_texts_that_unpack_without_end(
    client: httpx.Client, kind: bytes, photograph: bytes
) -> None:
    zeros = zlib.compress(bytes(100_000_000), 9)
    between = b"\0\0" if kind != b"iTXt" else b"\0\1\0\0\0"
    answer = client.post("/v1/colorize", content=png(8, 8, chunk(kind, b"k" + between + zeros)))
    assert answer.status_code in (413, 422), answer.text
    is_well(client, photograph)


@pytest.mark.parametrize(
    "tail",
    [b"<html><script>alert(1)</script>", b"#!/bin/sh\nid\n", b"ZIP"],
    ids=["html", "sh", "zip"],
)
def test_what_hangs_on_a_photograph_does_not_come_back(
    client: httpx.Client, photograph: bytes, tail: bytes
) -> None:
    if tail == b"ZIP":
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("evil.txt", "evil")
        tail = stream.getvalue()
    answer = client.post("/v1/colorize", content=photograph + tail)
    assert answer.status_code == 200
    assert tail not in answer.content and b"evil.txt" not in answer.content
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment")


FOREIGN = {
    "psd": b"8BPS\0\1" + bytes(40),
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "pdf": b"%PDF-1.7\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
    "wmf": b"\xd7\xcd\xc6\x9a" + bytes(40),
    "fits": b"SIMPLE  =                    T" + bytes(60),
    "zip": b"PK\3\4" + bytes(40),
    "script": b"<?php system($_GET['c']); ?>",
    "address": b"http://169.254.169.254/latest/meta-data/",
    "file address": b"file:///etc/passwd",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_other_kinds_of_files_and_addresses(client: httpx.Client, kind: str) -> None:
    answer = client.post("/v1/colorize", content=FOREIGN[kind])
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-type")


def test_where_a_photograph_was_taken_is_not_told(client: httpx.Client) -> None:
    exif = Image.Exif()
    exif[0x0110], exif[0x013B] = "Leica III", "Ada Muster"
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)}
    stream = io.BytesIO()
    Image.new("L", (64, 48), 90).save(stream, "JPEG", exif=exif)
    safe, kept = (
        client.post(f"/v1/colorize?metadata={which}", content=stream.getvalue()).content
        for which in ("safe", "all")
    )
    assert b"Ada Muster" in kept and b"Ada Muster" not in safe
    found = {
        name: Image.open(io.BytesIO(c)).getexif() for name, c in (("safe", safe), ("all", kept))
    }
    assert found["all"].get_ifd(0x8825) and not found["safe"].get_ifd(0x8825)
    assert found["safe"][0x0110] == "Leica III"


@pytest.mark.slow
def test_a_flood(client: httpx.Client, photograph: bytes) -> None:
    """60 clients, 20 requests each, good and bad: no 5xx but 503, and health is told all along."""
    statuses: list[int] = []
    health: list[int] = []
    over = threading.Event()

    def send(number: int) -> None:
        for k in range(20):
            content = photograph if (number + k) % 4 else b"no photograph"
            try:
                answer = httpx.post(
                    client.base_url.join("/v1/colorize"), content=content, timeout=90
                )
            except httpx.TransportError:  # turned away at the door: 64 connections at most
                statuses.append(503)
                continue
            statuses.append(answer.status_code)

    def ask() -> None:
        with httpx.Client(base_url=client.base_url, timeout=10) as own:
            while not over.is_set():
                health.append(own.get("/healthz").status_code)
                time.sleep(0.05)

    doctor = threading.Thread(target=ask)
    doctor.start()
    threads = [threading.Thread(target=send, args=(n,)) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    doctor.join()
    assert len(statuses) == 1200
    assert set(statuses) <= {200, 415, 429, 503} and statuses.count(200) > 50
    assert len(health) > 20 and set(health) == {200}
    is_well(client, photograph)


@pytest.mark.slow
def test_a_long_day(site: Any, client: httpx.Client, photograph: bytes) -> None:
    """Requests without end, one in twenty broken: nothing grows (open files, threads, folders)."""

    def held() -> tuple[int, int, int]:
        files = len(list(Path("/proc/self/fd").iterdir()))
        return files, threading.active_count(), len(list(site.service.store.folder.iterdir()))

    def work(count: int) -> None:
        for k in range(count):
            content = photograph if k % 20 else photograph[:200]
            answer = client.post("/v1/colorize", content=content)
            assert answer.status_code == (200 if k % 20 else 422)

    work(100)
    before, megabytes = held(), resident(site)
    work(500)
    after = held()
    assert after[0] <= before[0] + 5 and after[1] <= before[1] + 2 and after[2] <= before[2] + 3
    assert resident(site) - megabytes < 20
