"""evaluate/report_page.py: it stands alone, serves eyes and ears, and repeats byte for byte."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
import sys
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from kolorit.evaluate.report_page import page

from .conftest import OTHER, VIVID

Record = dict[str, Any]
Shots = dict[str, dict[str, np.ndarray]]
EVIL = '<script>alert("&")</script>\u202e\ud800'
VOID = ("meta", "img", "br", "input")


class Page(HTMLParser):
    """A page's tags and words; each tag must be closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.source = source
        self.feed(source)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title", "script"} & set(self.stack):
            self.words += data

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


@pytest.fixture
def plotless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time, and test_plots.py looks at it."""
    monkeypatch.setattr("kolorit.evaluate.report_page.plots", lambda of_set: [])


def test_the_whole_page_stands_alone(record: Record, shots: Shots) -> None:
    pytest.importorskip("matplotlib")
    before = copy.deepcopy(record)
    text = page(record, {"kodak24": shots, "plates": shots})
    assert page(before, {"plates": shots, "kodak24": shots}) == text
    assert record == before
    found = Page(text)
    for tag, attrs in found.tags:
        assert not any(key.startswith("on") for key in attrs)
        for name in ("src", "href", "action"):
            assert (attrs.get(name) or "#")[:5] in ("#", "data:") or attrs[name] in LINKS
        if tag == "img":
            assert re.match(r"data:image/(png|jpeg);base64,", attrs["src"] or "")
    assert not re.search(r"https?:|url\(|@import|fetch\(|<link|<iframe", text)
    kinds = re.findall(r'src="data:image/(\w+)', text)
    assert kinds.count("png") == 2 * 4
    assert kinds.count("jpeg") == 2 * (18 + 6 + 4)
    assert len(text) < 6e6


LINKS = [f"#s{k}" for k in range(6)]


@pytest.mark.usefixtures("plotless")
def test_only_the_sliders_have_a_script(record: Record, shots: Shots) -> None:
    text = page(record, {"kodak24": shots})
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text and "default-src 'none'" in text
    assert len(Page(text).all("input")) == 2
    without = page(record, {})
    assert "script" not in without and not Page(without).all("input", "img")
    assert "Before and after" not in without and "CIEDE2000, by which" not in without


@pytest.mark.usefixtures("plotless")
def test_who_cannot_see_it_can_use_it(record: Record, shots: Shots) -> None:
    found = Page(page(record, {"kodak24": shots}))
    assert found.all("html")[0]["lang"] == "en-GB"
    assert all(len(image["alt"] or "") > 5 for image in found.all("img"))
    assert all(head["scope"] in ("col", "row") for head in found.all("th"))
    regions = [attrs for attrs in found.all("div") if attrs.get("class") == "wide"]
    named = [attrs for attrs in regions if attrs.get("aria-label")]
    assert len(found.all("caption")) == len(named) == 2 + 2 * 4 + 2
    assert all(attrs["tabindex"] == "0" and attrs["role"] == "region" for attrs in named)
    assert len(regions) - len(named) == 3  # facts, columns, not measured: two columns of words
    assert all(slider["aria-label"] for slider in found.all("input"))
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    links = [attrs["href"] for attrs in found.all("a")]
    sections = [f"#{attrs['id']}" for attrs in found.all("section") if "id" in attrs]
    assert links == sections == LINKS


@pytest.mark.usefixtures("plotless")
def test_light_dark_and_small(record: Record) -> None:
    text = page(record, {})
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport" content="width=device-width' in text
    assert "overflow-x: auto" in text


@pytest.mark.usefixtures("plotless")
def test_all_is_said(record: Record) -> None:
    words = "".join(Page(page(record, {})).words.split())  # between cells there is no space
    for told in (
        record["command"],
        "Some processor, 2 cores",
        "cd" * 32,
        "ab" * 32,
        "1 left out",
        "012 its truth has no colour",
        f"{OTHER} 017 there is no picture of this stem",
        "lpips_alex needs weights: alexnet.pth",
        "Share of the red pixels",
        "1 picture failed and stayed grey",
        f"{OTHER} is better than {VIVID}",
    ):
        assert "".join(told.split()) in words, told


@pytest.mark.usefixtures("plotless")
def test_the_best_are_marked_in_words_too(record: Record) -> None:
    text = page(record, {})
    marks = re.findall(r'<td class="top"><b>(.*?)</b><span class="unseen"> best</span>', text)
    assert len(marks) == text.count('class="top"') > 10
    (row,) = re.findall(rf'<tr class="system"><th scope="row">{OTHER}</th>(.*?)</tr>', text)[1:2]
    assert '<td class="top"><b>0.67</b><span class="unseen"> best</span> <small>[0.60, 0.75]' in row
    assert not re.search(r'<tr class="base">(?:(?!</tr>).)*class="top"', text)


@pytest.mark.usefixtures("plotless")
def test_everything_is_escaped(record: Record, shots: Shots) -> None:
    (first, *_) = record["sets"]
    record["systems"] = {VIVID: {EVIL: EVIL}, EVIL: {"folder": EVIL}}
    for key in ("rows", "hue", "best_median_worst"):
        first[key][EVIL] = first[key].pop(OTHER)
    first["name"] = first["sha256"] = EVIL
    for key in ("command", "machine", "python", "kolorit", "prior", "commit"):
        record[key] = EVIL
    first["left_out"] = [{"picture": EVIL, "why": EVIL}]
    first["failures"] = [{"row": EVIL, "picture": EVIL, "why": EVIL}]
    first["paired"][0]["second"] = EVIL
    record["missing"] = {EVIL: EVIL}
    record["columns"]["reds"] |= {"head": EVIL, "meaning": EVIL, "unit": EVIL}
    shots["a"][EVIL] = shots["a"].pop(OTHER)
    found = Page(page(record, {EVIL: shots}))
    assert len(found.all("script")) == 1  # the sliders'
    assert found.words.count("alert") > 20
    assert "\u202e" not in found.source and "\\u202e\\ud800" in found.words
    found.source.encode()


@pytest.mark.usefixtures("plotless")
def test_long_lists_are_folded_up(record: Record) -> None:
    (first, *_) = record["sets"]
    first["failures"] = [{"row": OTHER, "picture": f"p{k}", "why": "x"} for k in range(30)]
    first["paired"] = first["paired"] * 15
    text = page(record, {})
    assert "all 30 failures, scored as grey" in text and "all 30 comparisons" in text
    assert all(f"p{k}<" in text for k in range(30))


def test_without_matplotlib_the_page_says_how_to_get_it(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    found = Page(page(record, {}))
    assert found.words.count("pip install 'kolorit[evaluate]'") == 2
    assert not found.all("img") and "CIEDE2000" in found.words


@pytest.mark.usefixtures("plotless")
def test_a_set_may_be_called_like_a_section(record: Record) -> None:
    record["sets"][0]["name"] = "Columns"
    assert page(record, {}).count("<h2>Columns</h2>") == 2
