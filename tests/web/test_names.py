"""web/names.py: whatever a client calls its file, the name is harmless."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.web.names import attachment, clean_name, numbered, result_name


@pytest.mark.parametrize(
    ("given_", "clean"),
    [
        ("farm.jpg", "farm.jpg"),
        ("Großmutter 1931.tif", "Großmutter 1931.tif"),
        ("祖母.png", "祖母.png"),
        ("e\u0301te\u0301.jpg", "\u00e9t\u00e9.jpg"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/etc/passwd", "passwd"),
        ("C:\\a.jpg", "a.jpg"),
        ("C:a.jpg", "C_a.jpg"),
        ("a\0b.jpg", "ab.jpg"),
        ("a\r\nSet-Cookie: x.jpg", "aSet-Cookie_ x.jpg"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("a\u2066b\u200f.jpg", "ab.jpg"),
        ("<script>alert(1)</script>.jpg", "script_.jpg"),
        ("<img src=x onerror=alert(1)>.jpg", "_img src=x onerror=alert(1)_.jpg"),
        (".htaccess", "htaccess"),
        ("...", "photo"),
        ("..", "photo"),
        (" ", "photo"),
        ("", "photo"),
        (None, "photo"),
        ("a/", "photo"),
        ("con.jpg", "_con.jpg"),
        ("NUL", "_NUL"),
        ("console.jpg", "console.jpg"),
        ("a.jpg. ", "a.jpg"),
        ("\ud800.jpg", "jpg"),
    ],
)
def test_clean_name(given_: str | None, clean: str) -> None:
    assert clean_name(given_) == clean


def test_a_long_name_keeps_its_suffix() -> None:
    name = clean_name("x" * 4096 + ".jpeg")
    assert name.endswith("x.jpeg")
    assert len(name) <= 120
    assert len(clean_name("x" * 4096)) <= 120
    assert len(clean_name("a." + "x" * 4096)) <= 120


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_name_comes_out_harmless(given_: str) -> None:
    name = clean_name(given_)
    assert name
    assert len(name) <= 121
    assert not re.search(r'[/\\<>:"|?*\x00-\x1f]', name)
    assert name.strip(" .") == name
    assert all(unicodedata.bidirectional(char) not in ("RLO", "LRO", "RLI", "PDF") for char in name)
    header = attachment(name)
    assert header.isascii()
    assert header.isprintable()
    assert re.fullmatch(r"attachment; filename=\"[^\"\\]+\"; filename\*=UTF-8''[\w.~%-]+", header)


def test_result_names() -> None:
    assert result_name("farm.jpg", ".png") == "farm.color.png"
    assert result_name("scan 3.5", ".jpg") == "scan 3.5.color.jpg"
    assert result_name("photo", ".tif") == "photo.color.tif"


def test_numbered_names_are_never_the_same() -> None:
    assert numbered(["a", "a", "A"]) == ["01-a", "02-a", "03-A"]
    assert numbered(["x"] * 100)[99] == "100-x"


def test_attachment() -> None:
    assert attachment('a "b".jpg') == (
        "attachment; filename=\"a _b_.jpg\"; filename*=UTF-8''a%20%22b%22.jpg"
    )
    assert attachment("é.jpg") == "attachment; filename=\"_.jpg\"; filename*=UTF-8''%C3%A9.jpg"
