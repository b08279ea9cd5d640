"""Photographs of unusual sizes: tall, tiny."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kolorit.picture.decode import decode
from kolorit.picture.encode import encode

pytestmark = pytest.mark.browser


def show(page: Any, width: int, height: int) -> None:
    """A picture of this size, with a pattern."""
    rows, columns = np.indices((height, width))
    luma = (40 + 37 * (rows // 3) + 53 * (columns // 3)).astype(np.uint8)
    content = encode(decode(luma), "PNG")
    file = {"name": "odd.png", "mimeType": "image/png", "buffer": content}
    page.set_input_files("#files", [file])
    page.wait_for_selector(".desk[data-state=ready]")


def sheet(page: Any) -> tuple[float, float]:
    box = page.locator("#sheet").bounding_box()
    return box["width"], box["height"]


def test_a_tall_picture_is_seen_and_enlarged_to_its_pixels(page: Any) -> None:
    show(page, 100, 20000)
    width, height = sheet(page)
    assert width < 10
    assert height < 800
    assert not page.is_visible("#line")  # it would hide all of it
    for _ in range(11):
        page.click("#larger")
    assert sheet(page)[0] == 3200
    assert page.is_visible("#line")
    assert page.locator("#shown").evaluate("(e) => getComputedStyle(e).imageRendering") == (
        "pixelated"
    )
    page.click("#fit")
    assert sheet(page) == pytest.approx((width, height))


@pytest.mark.parametrize("size", [(1, 1), (12, 9)])
def test_a_tiny_picture_is_enlarged_to_be_seen(page: Any, size: tuple[int, int]) -> None:
    show(page, *size)
    width, height = sheet(page)
    assert min(width, height) == pytest.approx(200, abs=0.1)
    assert width / height == pytest.approx(size[0] / size[1], rel=0.01)
    page.click("#larger")
    assert min(sheet(page)) >= 199.9
    page.click("#whole")
    assert sheet(page) == size
