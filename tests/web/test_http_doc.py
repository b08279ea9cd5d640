"""docs/http.md: its examples run as they stand there, against a real server."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kolorit.errors import KoloritError
from kolorit.web.options import TextOptions

ADDRESS = "http://127.0.0.1:8765"


@pytest.fixture
def document(repository: Path) -> str:
    return (repository / "docs" / "http.md").read_text("utf-8")


@pytest.fixture
def farm(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the document assumes it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(repository / "examples" / "rocket.jpg", "farm.jpg")
    return tmp_path


def blocks(document: str, language: str, address: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", document, re.S)
    return [block.replace(ADDRESS, address.rstrip("/")) for block in found]


def test_the_curl_lines_colour(document: str, site: Any, farm: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    lines = [block for block in blocks(document, "sh", site.address.url) if "curl" in block]
    for line in lines:
        subprocess.run(["bash", "-ec", line], check=True, cwd=farm, timeout=60)
    grey = Image.open("farm.jpg")
    for made, format in {"farm.color.jpg": "JPEG", "farm.png": "PNG"}.items():
        picture = Image.open(farm / made)
        assert (picture.format, picture.size, picture.mode) == (format, grey.size, "RGB")


def test_the_python_colours(document: str, site: Any, farm: Path) -> None:
    examples = blocks(document, "python", site.address.url)
    assert len(examples) == 3
    for code in examples:
        exec(compile(code, "http.md", "exec"), {})
    for made in ("farm.warm.jpg", "farm.job.png", "farm.hinted.jpg"):
        assert Image.open(farm / made).mode == "RGB"


def test_every_option_is_in_the_table(document: str) -> None:
    table = document.partition("| option |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == set(TextOptions.model_fields)


def test_every_status_of_an_error_is_in_the_table(document: str) -> None:
    """Those of the errors that a photograph or a request can bring about."""

    def kinds(kind: type[KoloritError]) -> set[type[KoloritError]]:
        return {kind, *(below for each in kind.__subclasses__() for below in kinds(each))}

    table = document.partition("| status |")[2].partition("\n\n")[0]
    told = {int(number) for number in re.findall(r"\b\d{3}\b", table)}
    web = {kind.status for kind in kinds(KoloritError)} - {207, 500}
    assert web <= told
