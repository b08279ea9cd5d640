"""evaluate/slider.py and page.py: several sliders a page, and no script but their own."""

from __future__ import annotations

import base64
import hashlib
import re

from kolorit.evaluate.page import page, source, table_of
from kolorit.evaluate.slider import SCRIPT, STYLE, slider


def one(what: str = "a farm") -> str:
    places = source(b"one", "jpeg"), source(b"two", "jpeg")
    return slider(*places, size=(30, 40), alts=("as it was", "coloured"), what=what)


def test_it_can_be_used_by_keyboard_and_ear() -> None:
    html = one('"><script>x')
    assert html.count("<script") == 0
    assert 'type="range" min="0" max="100"' in html
    assert 'aria-label="How much of &quot;&gt;&lt;script&gt;x is shown' in html
    assert re.findall(r'alt="([^"]*)"', html) == ["coloured", "as it was"]
    assert "--w: 40; --h: 30" in html
    before = re.search(r'class="before" src="([^"]*)"', html)
    assert before is not None and before[1] == source(b"one", "jpeg")


def test_no_slider_can_reach_another() -> None:
    """Everything goes by class and from its own stage: an id would be there twice."""
    assert " id=" not in one() and "#" not in re.sub(r"#[0-9a-f]{3,6}\b", "", STYLE)
    assert "getElementById" not in SCRIPT and "documentElement" not in SCRIPT
    assert re.findall(r"document\.\w+", SCRIPT) == ["document.querySelectorAll"]


def test_only_this_script_may_run() -> None:
    text = page("title", one() + one(), STYLE, SCRIPT)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'\">" in text
    assert text.count('class="slider"') == 2
    without = page("title", "body")
    assert "script" not in without and "default-src 'none'" in without


def test_blanks_in_the_content_are_left_alone() -> None:
    text = page("@BODY@", "@SCRIPT@ @TITLE@ user@EXAMPLE@")
    assert "<title>@BODY@</title>" in text and "@SCRIPT@ @TITLE@ user@EXAMPLE@" in text


def test_a_table_with_a_caption_can_be_scrolled_by_keys() -> None:
    table = table_of(["x"], ["<tr><td>1</td></tr>"], "numbers", "the caption")
    assert '<div class="wide" tabindex="0" role="region" aria-label="the caption">' in table
    assert "<caption>the caption</caption>" in table
    assert "caption" not in table_of(["x"], [])
