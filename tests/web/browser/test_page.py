"""What a person does on the page, done by a browser."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import numpy as np
import pytest

from kolorit.colorizer import Colorizer
from kolorit.hints import Hint, read_hints
from kolorit.picture.decode import decode
from kolorit.picture.encode import encode
from kolorit.picture.picture import Picture
from kolorit.picture.strip import strip_personal

pytestmark = pytest.mark.browser

READY = ".desk[data-state=ready]"
SCRIPT_NAME = "<img src=x onerror=alert(1)>.jpg"


def give(page: Any, way: str, content: bytes, name: str) -> None:
    """way: drop or paste."""
    page.evaluate("(file) => probes.give(file)", [way, name, base64.b64encode(content).decode()])
    page.wait_for_selector(READY)


def choose(page: Any, *files: Path | dict[str, Any]) -> None:
    page.set_input_files("#files", list(files))
    page.wait_for_selector(READY)


def pixels(page: Any, id: str = "shown") -> np.ndarray:
    """(H,W,3) int of what a picture of the page holds."""
    read = page.evaluate("(id) => probes.pixels(id)", id)
    flat = np.frombuffer(base64.b64decode(read["data"]), np.uint8)
    return flat.reshape(read["height"], read["width"], 3).astype(int)


def changed(page: Any, act: Callable[[], Any]) -> np.ndarray:
    """Pixels of the coloured picture after an act that changes them."""
    before = page.get_attribute("#shown", "src")
    act()
    page.wait_for_function("(old) => document.getElementById('shown').src !== old", arg=before)
    return pixels(page)


def click_at(page: Any, x: float, y: float) -> None:
    box = page.locator("#sheet").bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def slide(page: Any, name: str, value: int) -> None:
    """As a hand would: a slider moves, and is let go."""
    page.locator(f"#{name}").fill(str(value))


def downloaded(page: Any, button: str = "#download") -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.click(button)
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_a_dropped_photograph_is_coloured(page: Any, photograph: Path) -> None:
    assert page.is_visible("#empty")
    give(page, "drop", photograph.read_bytes(), "hopper.jpg")
    grey, shown = pixels(page, "grey"), pixels(page)
    assert grey.shape == shown.shape == (600, 512, 3)
    assert np.ptp(grey, axis=2).max() <= 2
    assert np.ptp(shown, axis=2).mean() > 8
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs((grey - shown) @ luma).mean() < 1.5  # its own grey values stay
    assert page.title() == "hopper.jpg – Kolorit"


def test_a_photograph_is_pasted(page: Any, photograph: Path) -> None:
    give(page, "paste", photograph.read_bytes(), "pasted.jpg")
    assert page.title() == "pasted.jpg – Kolorit"


def test_the_line_follows_keys_and_pointer(page: Any, photograph: Path) -> None:
    choose(page, photograph)
    line = page.locator("#divider")
    assert page.get_by_role("slider", name="Line between before and after").count() == 1

    def after(key: str) -> tuple[str, str, str]:
        line.press(key)
        style = page.evaluate("getComputedStyle(document.getElementById('shown')).clipPath")
        return line.input_value(), line.get_attribute("aria-valuetext"), style

    assert after("Home") == ("0", "100 % coloured", "inset(0px 0px 0px 0%)")
    assert after("ArrowRight") == ("1", "99 % coloured", "inset(0px 0px 0px 1%)")
    assert after("Shift+ArrowRight")[0] == "11"
    assert after("PageUp")[0] == "21"
    assert after("PageDown")[0] == "11"
    assert after("Shift+ArrowLeft")[0] == "1"
    assert after("End")[:2] == ("100", "0 % coloured")
    click_at(page, 0.25, 0.5)
    assert line.input_value() == "25"


def test_the_original_is_seen_while_the_button_is_held(page: Any, photograph: Path) -> None:
    choose(page, photograph)
    box = page.locator("#original").bounding_box()
    page.mouse.move(box["x"] + 9, box["y"] + 9)
    page.mouse.down()
    assert not page.is_visible("#shown")
    page.mouse.up()
    assert page.is_visible("#shown")
    page.focus("#original")
    page.keyboard.down("Enter")
    assert not page.is_visible("#shown")
    page.keyboard.up("Enter")
    assert page.is_visible("#shown")


def test_a_hint_changes_its_region_and_undo_takes_it_back(page: Any, photograph: Path) -> None:
    choose(page, photograph)
    first = pixels(page)
    page.click("[data-tool=point]")
    click_at(page, 0.2, 0.75)
    page.wait_for_selector("#suggested li:nth-child(3)")
    hinted = changed(page, lambda: page.fill("#picker", "#2050c0"))
    difference = np.abs(hinted - first).sum(2)
    near, far = difference[420:480, 70:135].mean(), difference[:60, 400:].mean()
    assert near > 25
    assert near > 5 * far
    assert hinted[440:460, 90:115, 2].mean() > hinted[440:460, 90:115, 0].mean() + 15  # it is blue
    assert page.locator("#hint-list li").count() == 1
    undone = changed(page, lambda: page.keyboard.press("Control+z"))
    assert np.array_equal(undone, first)
    assert page.locator("#hint-list li").count() == 0
    again = changed(page, lambda: page.keyboard.press("Control+Shift+z"))
    assert np.array_equal(again, hinted)


def test_suggested_colours_are_named_and_used(page: Any, photograph: Path, seen: Any) -> None:
    choose(page, photograph)
    page.click("[data-tool=point]")
    click_at(page, 0.3, 0.2)
    swatch = page.locator("#suggested button").nth(1)
    assert re.fullmatch(r"[a-z -]+, \d+ %", swatch.get_attribute("aria-label"))
    changed(page, swatch.click)
    [hint] = seen.posted("/picture")[-1]["hints"]
    assert hint["colour"] == swatch.get_attribute("data-colour")
    assert (hint["x"], hint["y"]) == pytest.approx((0.3, 0.2), abs=0.003)
    assert swatch.get_attribute("aria-pressed") == "true"
    assert page.locator("#recent button").count() == 1


def test_a_hint_is_dragged_brushed_and_rubbed_out(page: Any, photograph: Path, seen: Any) -> None:
    choose(page, photograph)
    page.click("[data-tool=point]")
    click_at(page, 0.3, 0.3)
    changed(page, page.locator("#suggested button").first.click)
    page.keyboard.press("Escape")
    box = page.locator("#sheet").bounding_box()

    def stroke(*places: tuple[float, float]) -> None:
        spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
        page.mouse.move(*spots[0])
        page.mouse.down()
        for spot in spots[1:]:
            page.mouse.move(*spot, steps=6)
        page.mouse.up()

    changed(page, lambda: stroke((0.3, 0.3), (0.5, 0.4)))
    page.wait_for_function("() => document.querySelector('#busy').hidden")
    [hint] = seen.posted("/picture")[-1]["hints"]
    assert (hint["x"], hint["y"]) == pytest.approx((0.5, 0.4), abs=0.01)

    page.click("[data-tool=brush]")
    changed(page, lambda: stroke((0.2, 0.7), (0.8, 0.7)))
    assert page.locator("#hint-list li").count() == 2  # a stroke is one
    assert int(re.search(r"(\d+) spots", page.inner_text("#hint-list"))[1]) > 5

    page.click("[data-tool=erase]")
    changed(page, lambda: stroke((0.1, 0.7), (0.9, 0.7)))
    assert page.locator("#hint-list li").count() == 1
    page.click("#undo")
    assert page.locator("#hint-list li").count() == 2  # and undone as one


def test_hints_are_saved_and_loaded_as_the_command_line_has_them(
    page: Any, photograph: Path, tmp_path: Path
) -> None:
    choose(page, photograph)
    hints = [{"x": 0.31, "y": 0.62, "radius": 0.03, "colour": "#8a3324"}]
    text = json.dumps({"version": 1, "hints": hints})
    loaded = {"name": "h.json", "mimeType": "application/json", "buffer": text.encode()}
    changed(page, lambda: page.set_input_files("#hint-file", loaded))
    name, content = downloaded(page, "#hint-save")
    (tmp_path / name).write_bytes(content)
    assert name == "hopper.hints.json"
    assert read_hints(tmp_path / name) == (Hint(0.31, 0.62, "#8a3324", 0.03),)
    wrong = {**loaded, "buffer": b'{"version": 1, "hints": [{"x": 2}]}'}
    page.set_input_files("#hint-file", wrong)
    page.wait_for_selector("#status.wrong")
    assert "Hint 1" in page.inner_text("#status")
    assert page.locator("#hint-list li").count() == 1


def test_a_download_has_the_bytes_of_the_colorizer(page: Any, photograph: Path) -> None:
    choose(page, photograph)
    changed(page, lambda: page.get_by_label("Faithful").check(force=True))
    changed(page, lambda: slide(page, "strength", 80))
    changed(page, lambda: slide(page, "saturation", 130))
    changed(page, lambda: slide(page, "warmth", 40))
    page.click("[data-tool=point]")
    click_at(page, 0.4, 0.5)
    changed(page, lambda: page.fill("#picker", "#a03020"))
    [kept] = page.evaluate(
        "import('/static/desk.js').then(({ marks }) =>"
        " import('/static/edits.js').then(({ layOut }) => layOut(marks())))"
    )
    options = {"look": "faithful", "strength": 0.8, "saturation": 1.3, "warmth": 0.4}
    colorizer = Colorizer(threads=1)
    result = colorizer.run(decode(photograph), hints=[Hint(**kept)], **options).picture
    safe = replace(result, metadata=strip_personal(result.metadata))

    name, content = downloaded(page)
    assert name == "hopper.color.jpg"
    assert content == encode(safe, "JPEG", mark=colorizer.mark)
    page.select_option("#format", "png")
    page.check("#keep")
    name, content = downloaded(page)
    assert name == "hopper.color.png"
    assert content == encode(result, "PNG", mark=colorizer.mark)


def test_several_wait_in_a_queue_and_leave_as_one_file(
    page: Any, photograph: Path, repository: Path
) -> None:
    choose(page, photograph, repository / "examples" / "rocket.jpg")
    page.wait_for_selector("#strip li:nth-child(2)[data-state=ready]")
    page.click("#strip li:nth-child(2) .thumb")
    assert page.title().startswith("rocket.jpg")
    name, content = downloaded(page, "#download-all")
    assert name.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert [n.split("-", 1)[1] for n in archive.namelist()] == [
            "hopper.color.jpg",
            "rocket.color.jpg",
        ]
    page.click("[aria-label='Take rocket.jpg away']")
    assert page.title().startswith("hopper.jpg")
    assert not page.is_visible("#queue")


def test_others_are_shown_and_one_is_chosen(page: Any, photograph: Path, seen: Any) -> None:
    choose(page, photograph)
    first = pixels(page)
    page.click("#others")
    page.wait_for_function(
        "() => document.querySelectorAll('#others-list img:not(.coming)').length === 3"
    )
    chosen = changed(page, page.locator("#others-list button").nth(1).click)
    assert seen.posted("/picture")[-1]["alternative"] == 2
    assert np.abs(chosen - first).mean() > 0.5
    assert not page.is_visible("#others-dialog")


def test_guesses_are_hatched_and_told_as_a_number(page: Any, photograph: Path) -> None:
    choose(page, photograph)
    page.click("#sureness")
    page.wait_for_selector("#doubt")
    assert page.get_attribute("#sureness", "aria-pressed") == "true"
    page.locator("#sheet").hover(position={"x": 60, "y": 60})
    assert re.fullmatch(r"\d+ % sure here\.", page.inner_text("#sure-here"))
    page.click("#sureness")
    assert not page.is_visible("#doubt")


def test_many_small_steps_ask_the_server_for_few_pictures(
    page: Any, photograph: Path, seen: Any
) -> None:
    choose(page, photograph)
    before = len(seen.posted("/picture"))
    page.focus("#saturation")
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(800)
    asked = seen.posted("/picture")[before:]
    assert asked[-1]["saturation"] == 1.3
    assert len(asked) < 20
    page.click("#undo")  # a key that is held is one step
    assert page.is_disabled("#undo")
    assert page.input_value("#saturation") == "100"


def test_what_the_server_has_forgotten_is_sent_again(
    page: Any, photograph: Path, seen: Any
) -> None:
    seen.allowed = ("404",)
    choose(page, photograph)
    page.evaluate(
        "import('/static/desk.js').then(({ desk }) =>"
        " fetch(`/v1/views/${desk.current.view.id}`, { method: 'DELETE' }))"
    )
    changed(page, lambda: slide(page, "strength", 50))
    assert sum(r.url.endswith("/v1/views") for r in seen.requests) == 2


def test_a_file_that_is_no_photograph_says_so(page: Any, photograph: Path, seen: Any) -> None:
    seen.allowed = ("415", "422", "400")
    text = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Dear diary, " * 40}
    page.set_input_files("#files", [text])
    page.wait_for_selector("#failed")
    assert page.inner_text("#failed-says").startswith("notes.txt: ")
    assert page.inner_text("#failed-remedy")
    assert "notes.txt" in page.inner_text("#alert")
    page.click("#failed-remove")
    assert page.is_visible("#empty")


def test_waiting_is_cancelled_and_taken_up_again(page: Any, photograph: Path, seen: Any) -> None:
    seen.allowed = ("ERR_FAILED",)
    held: list[Any] = []
    page.route("**/v1/views", lambda route: held.append(route))
    page.set_input_files("#files", photograph)
    page.wait_for_selector("#working")
    page.click("#working-cancel")
    page.wait_for_selector("#failed")
    assert page.inner_text("#failed-title") == "Stopped"
    page.unroute("**/v1/views")
    page.click("#failed-again")
    page.wait_for_selector(READY)
    assert held


def test_a_server_that_is_gone_is_told(page: Any, photograph: Path, seen: Any) -> None:
    seen.allowed = ("ERR_",)
    choose(page, photograph)
    page.route("**/v1/**", lambda route: route.abort())
    page.click("#download")
    page.wait_for_selector("#status.wrong.seen")
    assert "kolorit serve" in page.inner_text("#status")
    assert page.is_enabled("#download")


def test_what_did_not_come_is_asked_for_again(page: Any, photograph: Path, seen: Any) -> None:
    seen.allowed = ("ERR_",)
    choose(page, photograph)
    page.click("[data-tool=point]")
    click_at(page, 0.3, 0.2)
    page.wait_for_selector("#suggested button")
    page.route("**/v1/**", lambda route: route.abort())
    click_at(page, 0.6, 0.7)
    page.wait_for_selector("#status.wrong.seen")
    assert page.locator("#suggested button").count() == 0  # not those of the other place
    page.click("#sureness")
    page.wait_for_timeout(200)
    page.unroute("**/v1/**")
    page.click("#sureness")
    page.click("#sureness")
    page.wait_for_selector("#doubt")
    click_at(page, 0.6, 0.7)
    page.wait_for_selector("#suggested button")


def test_a_large_photograph_is_seen_in_every_pixel(
    page: Any, photograph: Path, tmp_path: Path
) -> None:
    small = decode(photograph)
    large = np.kron(small.luma, np.ones((3, 3), np.uint8))  # 1536 x 1800, more than a view holds
    (tmp_path / "large.jpg").write_bytes(encode(decode(large), "JPEG"))
    choose(page, tmp_path / "large.jpg")
    width = "() => document.getElementById('shown').naturalWidth"
    assert page.evaluate(width) < 1000
    page.click("#whole")
    page.wait_for_function("() => document.getElementById('shown').naturalWidth === 1536")
    page.wait_for_function("() => document.getElementById('grey').naturalWidth === 1536")
    assert page.evaluate("() => document.getElementById('sheet').clientWidth") == 1536
    line = page.locator("#line").bounding_box()
    stage = page.locator("#stage").bounding_box()
    assert stage["x"] < line["x"] < stage["x"] + stage["width"]  # the line is where it is seen
    page.click("#fit")
    assert page.evaluate("() => document.getElementById('sheet').clientWidth") < 1000


def test_colours_are_taken_from_the_result_and_from_another_photograph(
    page: Any, photograph: Path, repository: Path, seen: Any
) -> None:
    choose(page, photograph)
    shown = pixels(page)
    page.click("[data-tool=point]")
    click_at(page, 0.2, 0.2)
    page.click("#take")
    changed(page, lambda: click_at(page, 0.5, 0.75))
    [hint] = seen.posted("/picture")[-1]["hints"]
    assert (hint["x"], hint["y"]) == pytest.approx((0.2, 0.2), abs=0.003)  # the place stays
    taken = [int(hint["colour"][k : k + 2], 16) for k in (1, 3, 5)]
    assert taken == pytest.approx(shown[448:453, 254:259].mean((0, 1)), abs=8)

    brick = Picture(
        np.full((40, 60), 120, np.uint8), np.full((2, 40, 60), [[[90]], [[170]]], np.uint8)
    )
    page.click("#reference summary")
    brick_file = {"name": "brick.png", "mimeType": "image/png", "buffer": encode(brick, "PNG")}
    page.set_input_files("#reference-file", brick_file)
    page.wait_for_selector("#reference-sheet")
    page.focus("#reference-cross")
    changed(page, lambda: page.keyboard.press("Enter"))
    [hint] = seen.posted("/picture")[-1]["hints"]
    assert hint["colour"] == "#b36735"  # of T.871's equations
    assert sum(r.url.endswith("/v1/views") for r in seen.requests) == 1  # it never left the page


def test_the_result_is_copied(opened: Callable[..., Any], photograph: Path) -> None:
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    choose(page, photograph)
    page.click("#copy")
    page.wait_for_selector("#status.seen")
    assert page.inner_text("#status") == "Copied."
    kind = page.evaluate("() => navigator.clipboard.read().then(([item]) => item.types)")
    assert kind == ["image/png"]


def test_the_watch_sees_what_it_should(page: Any, seen: Any) -> None:
    page.evaluate("() => fetch('http://192.0.2.1/').catch(() => 0)")
    page.evaluate("() => document.body.setAttribute('style', 'color: red')")
    page.wait_for_timeout(200)
    assert any("connect-src" in words for words in seen.errors)
    assert any("style-src" in words for words in seen.errors)
    with pytest.raises(AssertionError):
        seen.check()
    seen.errors.clear()
    seen.outside.clear()


def test_names_with_script_stay_text(page: Any, photograph: Path, repository: Path) -> None:
    give(page, "drop", photograph.read_bytes(), SCRIPT_NAME)
    choose(page, repository / "examples" / "rocket.jpg")
    assert page.locator(".thumb").first.get_attribute("title") == SCRIPT_NAME
    assert page.title() == f"{SCRIPT_NAME} – Kolorit"
    assert page.locator("img[src=x]").count() == 0


def test_a_token_leaves_the_address_and_goes_with_every_call(
    opened: Callable[..., Any], photograph: Path, seen: Any
) -> None:
    page = opened(fragment="#token=some-secret-of-mine")
    assert "#" not in page.url
    choose(page, photograph)
    calls = [r for r in seen.requests if "/v1/" in r.url]
    assert calls
    assert all(r.headers.get("authorization") == "Bearer some-secret-of-mine" for r in calls)


def test_what_another_computer_serves_does_not_stay_on_this_one(chromium: Any, server: str) -> None:
    def send(route: Any) -> None:
        path = urlsplit(route.request.url).path
        route.fulfill(response=route.fetch(url=urljoin(server, path)))

    with chromium.new_context() as context:
        context.route("http://photos.test/**", send)
        page = context.new_page()
        page.goto("http://photos.test/")
        page.wait_for_selector("#page:not([hidden])")
        words = page.inner_text("body")
    assert words.count("photos.test") == 2
    assert "this computer" not in words


def test_with_scripts_off_a_form_colours(opened: Callable[..., Any], photograph: Path) -> None:
    page = opened(java_script_enabled=False)
    page.set_input_files("#plain-image", photograph)
    with page.expect_download() as waiting:
        page.click(".plain button")
    content = Path(waiting.value.path()).read_bytes()
    assert np.ptp(np.asarray(decode(content).luma)) > 100
    assert decode(content).source.coloured
