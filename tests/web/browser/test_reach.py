"""Whether everybody can use the page: by keyboard, with a screen reader, on a narrow screen.

After WCAG 2.2 AA: 1.4.3 and 1.4.11 contrast, 1.4.10 reflow, 2.1.1 keyboard, 2.4.7 focus,
2.5.8 targets, 3.1.1 language, 4.1.2 names, 4.1.3 status messages.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

READY = ".desk[data-state=ready]"


def fill(page: Any, photograph: Path) -> None:
    """The page with as much on it as there is: a queue, a hint, an open palette."""
    page.set_input_files("#files", [photograph, photograph.with_name("rocket.jpg")])
    page.wait_for_selector("#strip li:nth-child(2)[data-state=ready]")
    page.evaluate("() => document.getElementById('reference').open = true")
    page.click("[data-tool=point]")
    page.locator("#sheet").scroll_into_view_if_needed()
    box = page.locator("#sheet").bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"])
    page.locator("#suggested button").first.click()
    page.wait_for_selector("#hint-list li")


def test_everything_is_done_by_keyboard(page: Any, photograph: Path, seen: Any) -> None:
    """From the chosen file to a hint in colour and its undoing, without a pointer."""
    page.set_input_files("#files", photograph)
    page.wait_for_selector(READY)
    page.focus("[data-tool=compare]")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => document.activeElement.dataset.tool") == "point"
    page.focus("#cross")
    for key in ("Shift+ArrowLeft", "Shift+ArrowLeft", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector("#suggested li:nth-child(2)")
    page.keyboard.press("Tab")  # the palette follows the photograph
    while page.evaluate("() => !document.activeElement.matches('.swatch')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#hint-list li")
    [hint] = seen.posted("/picture")[-1]["hints"]
    assert hint["x"] == pytest.approx(0.5 - 20 / 512, abs=1e-4)
    assert hint["y"] == pytest.approx(0.5 - 1 / 600, abs=1e-4)

    page.keyboard.press("Escape")
    assert not page.is_visible("#palette")
    row = page.locator("#hint-list button.hint")
    row.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(400)
    assert seen.posted("/picture")[-1]["hints"][0]["y"] == pytest.approx(0.5, abs=1e-4)
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.matches('.swatch')")
    row.focus()
    page.keyboard.press("Delete")
    assert page.locator("#hint-list li").count() == 0
    assert page.evaluate("() => document.activeElement.id") == "hint-add"
    page.keyboard.press("Control+z")
    assert page.locator("#hint-list li").count() == 1


def test_focus_goes_everywhere_and_is_seen(page: Any, photograph: Path) -> None:
    fill(page, photograph)
    page.focus(".skip")
    stops = []
    for _ in range(80):
        page.keyboard.press("Tab")
        at = page.evaluate("() => probes.focus()")
        if at["id"] == "body" or (stops and at == stops[0]):
            break
        stops.append(at)
    unseen = [at for at in stops if not at["outlined"] or not at["inside"]]
    assert not unseen
    reached = {at["id"] for at in stops}
    wanted = {
        "add", "cross", "point", "original", "sureness", "whole", "strength", "warmth", "others",
        "hint", "hint-add", "hint-save", "format", "keep", "download", "copy", "picker", "radius",
        "swatch", "thumb", "reference-choose",
    }  # fmt: skip
    assert wanted <= reached, wanted - reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_names_and_targets(
    opened: Callable[..., Any], photograph: Path, scheme: str
) -> None:
    page = opened(color_scheme=scheme)
    assert page.evaluate("() => probes.pale()") == []
    fill(page, photograph)
    page.click("#sureness")
    assert page.evaluate("() => probes.pale()") == []
    assert page.evaluate("() => probes.small()") == []
    assert page.evaluate("() => probes.nameless()") == []
    page.click("#others")
    page.wait_for_function(
        "() => document.querySelectorAll('#others-list img:not(.coming)').length === 3"
    )
    assert page.evaluate("() => probes.pale()") == []


def test_the_contrast_check_finds_pale_text(page: Any) -> None:
    page.evaluate("() => document.querySelector('.promise').style.setProperty('color', '#999')")
    assert any("Your photographs" in words for words in page.evaluate("() => probes.pale()"))


@pytest.mark.parametrize("size", [(320, 640), (375, 720), (320, 256)])
def test_nothing_runs_out_of_a_narrow_screen(
    opened: Callable[..., Any], photograph: Path, size: tuple[int, int]
) -> None:
    width, height = size
    page = opened(viewport={"width": width, "height": height}, has_touch=True)
    overflow = "() => document.documentElement.scrollWidth"
    assert page.evaluate(overflow) <= width
    fill(page, photograph)
    assert page.evaluate(overflow) <= width
    assert page.evaluate("() => probes.small()") == []
    page.keyboard.press("Escape")
    page.locator("#download").scroll_into_view_if_needed()
    box = page.locator("#download").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


def test_it_speaks(page: Any, photograph: Path) -> None:
    """Language, headings, landmarks, and what happens, in a live region."""
    assert page.get_attribute("html", "lang") == "en-GB"
    assert page.get_by_role("heading", level=1, name="Kolorit").count() == 1
    page.set_input_files("#files", photograph)
    page.wait_for_selector(READY)
    said = page.get_by_role("status").filter(has_text="hopper.jpg is coloured.")
    said.wait_for(state="attached")
    assert page.get_by_role("img", name="hopper.jpg, coloured").count() == 1
    for role in ("banner", "main", "complementary"):
        assert page.get_by_role(role).count() == 1
    assert page.get_by_text("stay on this computer").first.is_visible()
    assert page.get_by_text("The colours are a guess.").first.is_visible()
