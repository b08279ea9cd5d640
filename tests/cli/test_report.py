"""The report file: whole lines, whatever happened before, and never another kind of file."""

from __future__ import annotations

from pathlib import Path

import pytest

from kolorit.cli.report import Report, describe_error, hash_options, read_finished, record
from kolorit.errors import InputUnreadable, OutputUnwritable

PATH = Path("r.jsonl")


def line(name: str, **more: object) -> dict[str, object]:
    keys = {"input_sha256": name, "options_sha256": "o", "model_sha256": "m"}
    return record(name, f"{name}.out", **keys, **more)


def test_what_is_written_is_read() -> None:
    report = Report(PATH)
    assert report.finished == set()
    report.write(line("a"))
    assert PATH.read_bytes().endswith(b"}\n")  # at once, not at the end
    report.write(line("b", error=describe_error(InputUnreadable("torn"))))
    report.write(record("c", None))
    report.close()
    assert read_finished(PATH) == ({("a", "o", "m", "a.out")}, PATH.stat().st_size)
    again = Report(PATH)
    again.write(line("d"))
    again.close()
    assert len(PATH.read_text("utf-8").splitlines()) == 4


@pytest.mark.parametrize("left", range(0, 60, 7))
def test_a_line_that_was_cut_off_is_passed_over(left: int) -> None:
    report = Report(PATH)
    report.write(line("a"))
    report.write(line("b"))
    report.close()
    whole = PATH.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in (left, first + left):
        PATH.write_bytes(whole[:cut])
        report = Report(PATH)
        assert len(report.finished) == (cut >= first)
        report.write(line("c"))
        report.close()
        assert ("c", "o", "m", "c.out") in read_finished(PATH)[0]


@pytest.mark.parametrize(
    "content", [b"\xff\xd8\xff\xe0 a photograph\n", b"Dear diary", b"[]\n", b"{}\n", b"\n"]
)
def test_another_file_is_left_alone(content: bytes) -> None:
    PATH.write_bytes(content)
    with pytest.raises(OutputUnwritable, match="no report"):
        Report(PATH)
    assert PATH.read_bytes() == content


def test_options_have_one_fingerprint() -> None:
    assert hash_options({"a": 1, "b": (2,)}) == hash_options({"b": (2,), "a": 1})
    assert hash_options({"a": 1}) != hash_options({"a": 1.5})


def test_an_error_in_a_record() -> None:
    assert describe_error(InputUnreadable("torn", file="a.jpg", remedy="Scan it.")) == {
        "code": 3,
        "slug": "input-unreadable",
        "message": "torn (a.jpg)",
        "hint": "Scan it.",
    }
