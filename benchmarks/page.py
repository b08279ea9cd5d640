"""Take the pictures of the page that the README and docs/http.md show.

    python benchmarks/page.py [-o docs/pictures]

Needs a chromium that is installed; the photographs are those of examples/.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

EXAMPLES = Path(__file__).parent.parent / "examples"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/pictures"))
    args = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no chromium here")
    command = [sys.executable, "-m", "kolorit", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        try:
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=chromium, args=OPTIONS)
                for name, (size, scheme, steps) in SHOTS.items():
                    width, height = size
                    view: Any = {"width": width, "height": height}
                    page = browser.new_page(viewport=view, color_scheme=scheme)
                    page.goto(address)
                    steps(page)
                    path = args.out / f"{name}.jpg"
                    page.screenshot(path=path, type="jpeg", quality=85)
                    print(path)
        finally:
            server.terminate()


def opened(page: Any, *names: str) -> None:
    """Photographs on the page, the first of them coloured and shown."""
    page.wait_for_selector("#page:not([hidden])")
    page.set_input_files("#files", [EXAMPLES / name for name in names])
    page.wait_for_selector(".desk[data-state=ready]")
    page.wait_for_timeout(2000)


def compared(page: Any) -> None:
    opened(page, "hopper.jpg", "astronaut.jpg", "camera.png")


def hinted(page: Any) -> None:
    """A place was clicked: its likely colours."""
    opened(page, "astronaut.jpg")
    page.click("[data-tool=point]")
    box = page.locator("#sheet").bounding_box()
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.55 * box["height"])
    page.wait_for_timeout(1500)


SHOTS = {
    "page": ((1280, 800), "dark", compared),
    "page-hint": ((1280, 800), "light", hinted),
    "page-phone": ((375, 720), "dark", compared),
}


if __name__ == "__main__":
    main()
