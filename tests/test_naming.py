"""Names of results."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.errors import ConfigInvalid
from kolorit.naming import SUFFIXES, Target, beside, is_own_output, known_format, name_output


@pytest.mark.parametrize(
    ("source", "read", "name", "format"),
    [
        ("farm.jpg", "JPEG", "farm.color.jpg", "JPEG"),
        ("FARM.JPG", "JPEG", "FARM.color.JPG", "JPEG"),
        ("farm.jpeg", "JPEG", "farm.color.jpeg", "JPEG"),
        ("farm.tiff", "TIFF", "farm.color.tiff", "TIFF"),
        ("farm.webp", "WEBP", "farm.color.webp", "WEBP"),
        ("farm.avif", "AVIF", "farm.color.avif", "AVIF"),
        ("farm.mpo", "MPO", "farm.mpo.color.jpg", "JPEG"),
        ("farm", "PNG", "farm.color.png", "PNG"),
        ("farm.png", "JPEG", "farm.color.jpg", "JPEG"),  # its name lied
        ("scan 3.5", "TIFF", "scan 3.5.color.tif", "TIFF"),
        (".jpg", "JPEG", ".jpg.color.jpg", "JPEG"),
        ("a.b.png", "PNG", "a.b.color.png", "PNG"),
        ("farm.jpf", "PNG", "farm.color.png", "PNG"),  # its name lied too
    ],
)
def test_beside_the_source(source: str, read: str, name: str, format: str) -> None:
    folder = Path("album")
    assert name_output(folder / source, read) == Target(folder / name, format)


@pytest.mark.parametrize("read", ["GIF", "BMP", "JPEG2000"])
def test_what_is_only_read_becomes_png_and_that_is_said(read: str) -> None:
    target = name_output(Path(f"farm.{read[:3].lower()}"), read)
    assert (target.path.suffix, target.format) == (".png", "PNG")
    assert target.note == f"{read} is not written: the result is a PNG"


def test_out_is_a_folder_by_its_slash_or_by_being_one(tmp_path: Path) -> None:
    source = Path("album/farm.jpg")
    (tmp_path / "there").mkdir()
    assert name_output(source, "JPEG", f"{tmp_path}/new/").path == tmp_path / "new/farm.color.jpg"
    there = tmp_path / "there"
    assert name_output(source, "JPEG", there).path == there / "farm.color.jpg"
    assert name_output(source, "JPEG", tmp_path / "new").path == tmp_path / "new"


@pytest.mark.parametrize(
    ("out", "format", "written"),
    [
        ("x.png", None, "PNG"),
        ("x.TIF", None, "TIFF"),
        ("x", None, "JPEG"),  # no suffix: as the source
        ("x.v2", None, "JPEG"),
        ("x.png", "webp", "WEBP"),  # the flag wins
        ("x", "avif", "AVIF"),
    ],
)
def test_out_is_a_file(out: str, format: str | None, written: str) -> None:
    target = name_output(Path("farm.jpg"), "JPEG", out, format)
    assert (target.path, target.format) == (Path(out), written)
    assert (target.note is None) == (format != "webp")  # a PNG's name on a WebP is worth a word


@pytest.mark.parametrize("out", ["x.gif", "x.BMP", "x.jp2"])
def test_a_name_of_a_format_that_is_not_written_is_kept_and_said(out: str) -> None:
    target = name_output(Path("farm.jpg"), "JPEG", out)
    assert (target.path, target.format) == (Path(out), "PNG")
    assert target.note is not None
    assert target.note.endswith(f"is not written: {out} is PNG inside")


def test_the_flag_names_the_suffix() -> None:
    assert name_output(Path("farm.jpg"), "JPEG", None, "tiff").path == Path("farm.color.tif")
    assert name_output(Path("farm.gif"), "GIF", None, "jpg") == Target(
        Path("farm.color.jpg"), "JPEG"
    )


def test_unknown_formats_are_refused() -> None:
    assert [known_format(name) for name in ("jpg", ".TIF", "Png")] == ["JPEG", "TIFF", "PNG"]
    with pytest.raises(ConfigInvalid, match="gif") as refused:
        known_format("gif")
    assert "jpeg, png, tiff, webp, avif" in refused.value.remedy


def test_further_results_stand_beside() -> None:
    assert beside(Path("a/farm.color.jpg"), "1") == Path("a/farm.color.1.jpg")
    assert beside(Path("a/x"), "compare", ".html") == Path("a/x.compare.html")


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("farm.color.jpg", True),
        ("farm.Color.JPG", True),
        ("farm.color.12.png", True),
        ("farm.color.side.jpg", True),
        ("farm.color.confidence.png", True),
        ("farm.color.compare.html", True),
        ("farm.colour.jpg", False),
        ("color.jpg", False),
        ("farm.color.old.jpg", False),
        ("farm.color", False),
    ],
)
def test_own_results_are_known_by_name(name: str, own: bool) -> None:
    assert is_own_output(name) is own


NAMES = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=40).filter(
    lambda name: name not in (".", "..")
)


@given(NAMES, st.sampled_from([*SUFFIXES, "GIF", "BMP", "MPO"]))
def test_any_name_gives_an_own_result_in_the_same_folder(name: str, read: str) -> None:
    target = name_output(Path("album") / name, read)
    assert target.path.parent == Path("album")
    assert is_own_output(target.path.name)
    assert target.path.name != name
    assert target.path.suffix.lower() in SUFFIXES[target.format]


def test_bytes_that_are_no_text_survive() -> None:
    name = os.fsdecode(b"f\xff\xfe.jpg")
    assert os.fsencode(name_output(Path(name), "JPEG").path) == b"f\xff\xfe.color.jpg"


def test_an_unknown_suffix_is_told_and_a_number_is_none() -> None:
    photograph = Path("farm.jpg")
    note = name_output(photograph, "JPEG", "farm.heic").note
    assert note is not None and ".heic is not written" in note
    assert name_output(photograph, "JPEG", "scan 3.5").note is None
