"""Words for people."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.cli import words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("caf\u00e9", "caf\u00e9"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
        ("\udcff", "\\xff"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert words.plain(text) == shown


@given(st.text(st.characters()))
def test_plain_text_is_one_line_that_can_be_printed(text: str) -> None:
    shown = words.plain(text)
    assert len(shown.splitlines()) <= 1
    assert all(char.isprintable() or char == "\u200d" for char in shown)
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.3, "12 s"), (150, "2 min"), (7500, "2 h 05 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_counts_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    progress = words.Progress(4, shown=True)
    progress.draw()
    progress.step()
    progress.draw()  # too soon after the first
    assert terminal.getvalue() == "\r\x1b[K0 of 4"
    progress.drawn -= 1
    progress.draw()
    assert "1 of 4, " in terminal.getvalue()
    assert terminal.getvalue().endswith(" left")
    progress.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("total", "shown", "term"), [(1, True, "x"), (4, False, "x"), (4, True, "dumb")]
)
def test_progress_is_silent(
    monkeypatch: pytest.MonkeyPatch, total: int, shown: bool, term: str
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", term)
    progress = words.Progress(total, shown)
    progress.step()
    progress.draw()
    progress.clear()
    assert terminal.getvalue() == ""


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    progress = words.Progress(4, shown=True)
    progress.draw()
    assert capsys.readouterr().err == ""


def test_few_letters_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, speak in (("stderr", words.say), ("stdout", words.print_line)):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding="ascii")
        monkeypatch.setattr(sys, name, stream)
        speak("caf\u00e9")
        stream.flush()
        assert raw.getvalue() == b"caf\\xe9\n"
