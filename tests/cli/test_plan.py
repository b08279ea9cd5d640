"""Names to jobs: folders, links, collisions; all of it before any work."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from kolorit.cli.plan import Job, Wishes, make_plan
from kolorit.errors import InputUnreadable

from .conftest import Kolorit, photo


def places(jobs: list[Job]) -> list[str]:
    return [str(job.target.path) for job in jobs if job.target]


def test_a_tree_is_mirrored_in_stable_order() -> None:
    for name in ("b.jpg", "a.png", "z/y/c.jpg", "k/d.tif", ".hidden/e.jpg", ".f.jpg"):
        photo(Path("album", name))
    photo("album/a.color.png")  # a result of before
    photo("album/k/d.color.side.jpg")
    jobs = make_plan(["album"], True, Wishes(out="out"))
    assert [job.input.shown for job in jobs] == [
        "album/a.png", "album/b.jpg", "album/k/d.tif", "album/z/y/c.jpg",
    ]  # fmt: skip
    assert places(jobs) == [
        "out/a.color.png", "out/b.color.jpg", "out/k/d.color.tif", "out/z/y/c.color.jpg",
    ]  # fmt: skip
    assert places(make_plan(["album/"], True, Wishes()))[3] == "album/z/y/c.color.jpg"


def test_pictures_are_found_by_content() -> None:
    photo("album/scan.jpg").rename("album/scan.dat")
    Path("album/notes.txt").write_text("words", "utf-8")
    Path("album/letter.jpg").write_text("words", "utf-8")
    os.mkfifo("album/pipe.jpg")
    scan, letter = sorted(make_plan(["album"], True, Wishes()), key=lambda job: job.error is None)[
        ::-1
    ]
    assert places([scan]) == ["album/scan.dat.color.jpg"]
    assert letter.input.shown == "album/letter.jpg"  # its name says picture, so it is not passed by
    assert isinstance(letter.error, InputUnreadable)


def test_links_to_files_are_followed_and_to_folders_not() -> None:
    photo("elsewhere/a.jpg")
    Path("album").mkdir()
    Path("album/a.jpg").symlink_to("../elsewhere/a.jpg")
    Path("album/more").symlink_to("../elsewhere")
    Path("album/loop").symlink_to(".")
    assert places(make_plan(["album"], True, Wishes())) == ["album/a.color.jpg"]


def test_results_of_before_are_left_out_beside_their_photographs() -> None:
    for name in ("a.jpg", "a.color.jpg", "a.color.2.jpg", "a.color.side.jpg", "b.color.jpg"):
        photo(name)
    names = sorted(str(path) for path in Path().glob("*.jpg"))
    jobs = make_plan(names, False, Wishes(existing="skip"))
    assert [job.input.shown for job in jobs] == ["a.jpg", "b.color.jpg"]
    assert all(job.error is None for job in jobs)
    assert places(jobs) == ["a.color.jpg", "b.color.color.jpg"]
    assert [j.input.shown for j in make_plan(["a.color.jpg"], False, Wishes())] == ["a.color.jpg"]


def test_a_folder_without_pictures_is_said() -> None:
    Path("album").mkdir()
    with pytest.raises(InputUnreadable, match="no pictures"):
        make_plan(["album"], True, Wishes())


def test_a_folder_needs_r() -> None:
    photo("album/a.jpg")
    (job,) = make_plan(["album"], False, Wishes())
    assert job.error is not None
    assert "-r" in job.error.remedy


def test_two_names_of_one_file_are_one_job() -> None:
    photo("a.jpg")
    assert len(make_plan(["a.jpg", "./a.jpg", "a.jpg"], False, Wishes())) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("one/a.jpg", "two/a.jpg"),
        ("one/a.jpg", "two/A.JPG"),
        ("one/caf\u00e9.png", "two/cafe\u0301.png"),
        ("one/stra\u00dfe.png", "two/STRASSE.png"),
    ],
)
def test_collisions_are_found_first(kolorit: Kolorit, first: str, second: str) -> None:
    photo(first)
    photo(second)
    ran = kolorit(first, second, "-o", "out/", "--json")
    assert ran.code == 2
    assert first in ran.err
    assert second in ran.err
    assert ran.record["error"]["code"] == 2
    assert not Path("out").exists()


def test_formats_that_become_png_may_collide() -> None:
    photo("a.gif")
    photo("a.png")
    with pytest.raises(click.UsageError, match=r"a\.color\.png  from  a\.gif and a\.png"):
        make_plan(["a.gif", "a.png"], False, Wishes())


def test_further_results_collide_too() -> None:
    """farm.color.png has a side by side farm.color.side.jpg, and so would farm.color.side.jpg."""
    photo("farm.jpg")
    photo("farm.color.1.jpg")
    jobs = make_plan(["farm.jpg", "farm.color.1.jpg"], False, Wishes(alternatives=1))
    assert len(jobs) == 1
    assert jobs[0].error is not None  # an alternative would replace the other input


def test_an_input_is_never_another_ones_result() -> None:
    photo("a.jpg")
    photo("a.color.jpg")
    photo("b.jpg")
    over = Wishes(existing="overwrite")
    onto = Wishes(existing="overwrite", out="b.jpg")
    for names, wishes in ((["a.jpg", "a.color.jpg"], over), (["b.jpg"], onto)):
        job, *_ = make_plan(names, False, wishes)
        assert "stays" in str(job.error)


def test_reports_and_hints_are_never_replaced() -> None:
    photo("a.jpg")
    for spared in ("r.jsonl", "./R.jsonl"):
        wishes = Wishes(out="r.jsonl", existing="overwrite", spared={"--report": spared})
        with pytest.raises(click.UsageError, match="--report"):
            make_plan(["a.jpg"], False, wishes)


@pytest.mark.parametrize("out", ["x.jpg", "there.jpg"])
def test_several_pictures_need_a_folder(out: str) -> None:
    for name in ("a.jpg", "b.jpg", "there.jpg"):
        photo(name)
    with pytest.raises(click.UsageError, match="with a slash"):
        make_plan(["a.jpg", "b.jpg"], False, Wishes(out=out))


def test_several_pictures_take_a_name_without_suffix_as_a_folder() -> None:
    photo("a.jpg")
    photo("b.jpg")
    jobs = make_plan(["a.jpg", "b.jpg"], False, Wishes(out="out"))
    assert places(jobs) == ["out/a.color.jpg", "out/b.color.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="no mode keeps root out")
def test_a_closed_folder_does_not_hide_the_rest() -> None:
    photo("album/a.jpg")
    photo("album/closed/b.jpg").parent.chmod(0)
    jobs = make_plan(["album"], True, Wishes())
    Path("album/closed").chmod(0o700)
    assert [job.error is None for job in jobs] == [True, False]


def test_a_closed_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    photo("album/a.jpg")
    photo("album/closed/b.jpg")
    scan = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr("kolorit.cli.inputs.os.scandir", refuse)
    good, bad = make_plan(["album"], True, Wishes())
    assert good.error is None
    assert str(bad.error) == "the folder cannot be read: Permission denied (album/closed)"
