"""The files of the page hold together, and hold nothing that its policy would stop."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "src" / "kolorit" / "web" / "static"
PAGES = sorted(STATIC.glob("*.html"))
SCRIPTS = sorted(STATIC.glob("*.js"))
EVERYTHING = sorted(path for path in STATIC.iterdir() if path.is_file())


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: path.name)
def test_nothing_comes_from_another_host(path: Path) -> None:
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[\w./-]*", text(path)))
    assert addresses <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_script_and_no_style_stands_in_a_page(path: Path) -> None:
    page = text(path)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert re.findall(r"<script[^>]*>(?!</script>)", page) == []
    assert 'lang="en' in page


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: path.name)
def test_every_file_that_is_named_is_there(path: Path) -> None:
    named = re.findall(r'(?:/static/|from "\./|url\(")([\w.-]+)', text(path))
    assert [name for name in named if not (STATIC / name).is_file()] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_name_that_is_imported_is_exported_and_used(path: Path) -> None:
    script = text(path)
    for names, source in re.findall(r'import \{([^}]*)\} from "\./([\w.]+)"', script):
        exported = re.findall(
            r"^export (?:async )?(?:const|function|class) (\w+|\$)", text(STATIC / source), re.M
        )
        for name in filter(None, (name.strip() for name in names.split(","))):
            assert name in exported, f"{source} has no {name}"
            whole = rf"(?<![\w$]){re.escape(name)}(?![\w$])"
            assert len(re.findall(whole, script)) > 1, f"{name} is not used"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_element_that_is_sought_is_there(path: Path) -> None:
    page = text(STATIC / ("docs.html" if path.name == "docs.js" else "index.html"))
    sought = set(re.findall(r'\$\("([\w-]+)"\)', text(path)))
    assert sought <= set(re.findall(r'\bid="([\w-]+)"', page))


def test_ids_are_given_once_and_labels_find_theirs() -> None:
    page = text(STATIC / "index.html")
    ids = re.findall(r'\bid="([\w-]+)"', page)
    assert len(ids) == len(set(ids))
    referred = re.findall(r'(?:for|aria-labelledby|aria-describedby)="([\w-]+)"', page)
    referred += re.findall(r'href="#([\w-]+)"', page)
    assert set(referred) <= set(ids)
