"""The page of before and after: whole in itself, and usable with keys."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Kolorit, grey, photo


class Page(HTMLParser):
    """Collects tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def picture(source: str | None) -> Image.Image:
    assert source is not None
    kind, _, content = source.partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_the_page_holds_both_pictures(kolorit: Kolorit) -> None:
    photo("farm.png")
    ran = kolorit("farm.png", "--compare", "slider")
    assert ran.code == 0
    assert "farm.color.compare.html" in ran.err
    page = Page(Path("farm.color.compare.html").read_text("utf-8"))
    after, before = (picture(image["src"]) for image in page.all("img"))
    assert before.size == after.size == (64, 48)
    assert before.mode == "L"
    for shown in (before, after):
        assert np.abs(np.asarray(shown.convert("L"), int) - grey()).mean() < 6  # a JPEG of noise
    chroma = np.asarray(after.convert("YCbCr"), int)[..., 1:].mean((0, 1)) - 128
    assert np.abs(chroma).max() > 3


def test_the_page_needs_nothing_else(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    kolorit("farm.jpg", "--compare", "slider")
    text = Path("farm.color.compare.html").read_text("utf-8")
    page = Page(text)
    for _, attributes in page.tags:
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert not re.search(r"https?://|url\(|@import|fetch\(|<link", text)
    assert "default-src 'none'" in text
    assert not re.search(r"@[A-Z]+@", text)  # nothing was left to fill in


def test_keys_and_readers_can_use_it(kolorit: Kolorit) -> None:
    photo("farm.jpg")
    kolorit("farm.jpg", "--compare", "slider")
    page = Page(Path("farm.color.compare.html").read_text("utf-8"))
    (slider,) = page.all("input")
    assert slider["type"] == "range"
    assert slider["aria-label"]
    assert all(image["alt"] for image in page.all("img"))
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("meta")[1]["name"] == "viewport"


def test_large_pictures_are_shrunk(kolorit: Kolorit) -> None:
    Image.fromarray(grey(500, 2500)).save("wide.png")
    kolorit("wide.png", "--compare", "slider")
    page = Page(Path("wide.color.compare.html").read_text("utf-8"))
    assert [picture(image["src"]).size for image in page.all("img")] == [(1600, 320)] * 2


@pytest.mark.parametrize("name", ["<script>alert(1)<", "a&amp;b", '"onload="x', "@AFTER@"])
def test_a_name_cannot_break_out(kolorit: Kolorit, name: str) -> None:
    photo("farm.png").rename(f"{name}.png")
    assert kolorit(f"{name}.png", "--compare", "slider").code == 0
    text = Path(f"{name}.color.compare.html").read_text("utf-8")
    assert len(Page(text).all("script")) == 1
    assert len(Page(text).all("img")) == 2
    title = re.search("<title>(.*) - before and after</title>", text)
    assert title is not None
    assert "<" not in title[1]
    assert "data:" not in title[1]
