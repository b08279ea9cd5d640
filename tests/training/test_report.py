"""training/report.py: a page that stands alone, escapes everything and repeats byte for byte."""

from __future__ import annotations

import base64
import json
import math
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kolorit.errors import DataCorrupt, OutputUnwritable
from kolorit.evaluate.page import MANY
from kolorit.picture.rgb import decode_rgb, encode_rgb
from kolorit.training.metrics_log import Row, append
from kolorit.training.plot import plot_losses
from kolorit.training.report import write_report

matplotlib = pytest.importorskip("matplotlib")

EVIL = '<script>alert("&")</script>\u202e\ud800'
VOID = ("meta", "img", "br")


def rows_of(steps: int = 12) -> list[Row]:
    """A training row a step, a validation every third; the least val_loss is that of step 6."""
    rows: list[Row] = []
    for k in range(1, steps + 1):
        losses = {"total": 5 / k, "classification": 4 / k, "smooth_l1": 20 / k}
        pace = {"lr": 1e-3 / k, "seconds": 10.0 * k, "images_per_second": 50 + k, "waiting": 0.2}
        if k > 8:  # resumed after step 8; the pace is that of the sitting so far
            pace |= {"seconds": 20.0 * (k - 8), "images_per_second": 40, "waiting": 0.1}
        rows.append({"step": k, **losses, **pace})
        if k % 3 == 0:
            loss = 2 + abs(k - 6) / 10
            rest = {"val_classification": loss, "val_smooth_l1": 9.0, "val_ab_rmse": 15 - k / 4}
            rows.append({"step": k, "val_loss": loss, **rest, "val_grey_rmse": 17.25})
    return rows


def make_run(out: Path, rows: list[Row] | None = None, **recipe: Any) -> Path:
    (out / "grids").mkdir(parents=True)
    for row in rows_of() if rows is None else rows:
        append(out / "metrics.jsonl", row)
    base = {"name": "mine", "net": "hinted_unet", "sources": {"photos": 1.0}, "steps": 12}
    (out / "recipe.json").write_text(json.dumps({**base, **recipe}))
    for step in (3, 6, 999_999, 1_000_000):
        shade = np.full((8, 8, 3), step % 251, np.uint8)
        (out / "grids" / f"step-{step:06d}.jpg").write_bytes(encode_rgb(shade))
    (out / "grids" / "step-x.jpg").write_bytes(b"")
    (out / "model.toml").write_text(
        'name = "model"\n[bins]\nstride = 4\nprior = [' + "0.003, " * 313 + "]\n"
        "[looks.vivid]\ntemperature = 0.38\n"
    )
    (out / "model.onnx").write_bytes(b"onnx")
    return out


class Page(HTMLParser):
    """A page's tags, its words, and its pictures; each tag must be closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.source = path.read_text("utf-8")
        self.feed(self.source)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.stack):
            self.words += data

    def images(self, kind: str) -> list[bytes]:
        sources = [attrs["src"] or "" for tag, attrs in self.tags if tag == "img"]
        start = f"data:image/{kind};base64,"
        return [base64.b64decode(s.removeprefix(start)) for s in sources if s.startswith(start)]


def page_of(out: Path) -> Page:
    return Page(write_report(out))


def test_the_page_stands_alone(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path / "run"))
    names = [tag for tag, _ in page.tags]
    assert not {"script", "link", "iframe", "a"} & set(names)
    assert "html" in names and "main" in names and names.count("h1") == 1
    for tag, attrs in page.tags:
        assert not any(key.startswith("on") for key in attrs)
        if tag == "img":
            assert (attrs["src"] or "").startswith("data:image/")
            assert len(attrs["alt"] or "") > 20
    assert "http:" not in page.source and "https:" not in page.source
    assert "url(" not in page.source and "@import" not in page.source
    assert "prefers-color-scheme: dark" in page.source
    assert ("meta", "viewport") in [(tag, attrs.get("name")) for tag, attrs in page.tags]
    assert "@" not in page.words  # no blank was left
    assert page.images("png") == [(tmp_path / "run" / "loss.png").read_bytes()]


def test_same_run_same_bytes(tmp_path: Path) -> None:
    one, two = (make_run(tmp_path / place / "run") for place in "ab")
    write_report(one)
    first = {name: (one / name).read_bytes() for name in ("report.html", "loss.png")}
    for out in (two, one):  # another folder; and again over the old files
        write_report(out)
        assert {name: (out / name).read_bytes() for name in first} == first
    kinds = re.findall(rb"tEXt|iTXt|tIME|eXIf", first["loss.png"])
    assert kinds == []


def test_it_begins_with_what_it_is_and_how_to_use_it(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path / "my run"))
    words = " ".join(page.words.split())
    assert words.startswith("mine This is the report of how mine was trained, a model that")
    assert "kolorit photo.jpg --model 'my run/model.onnx'" in words
    assert str(tmp_path) not in page.source
    (tmp_path / "my run" / "model.onnx").unlink()
    words = page_of(tmp_path / "my run").words
    assert "has not been written yet" in words and "--model" not in words


def test_a_relative_place_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_run(tmp_path / "run"))
    assert "--model run/model.onnx" in page_of(Path()).words


def test_the_run_in_numbers(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path / "run"))
    figures = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page.source))
    assert figures == {
        "steps": "12",
        "duration": "3 min",  # 80 s and 80 s
        "pictures a second": "49",  # 58 and 40
        "of the time lost to loading": "15.0 %",  # 20 % and 10 %
        "best step": "6",
        "its colour error": "13.5",
        "error of leaving all grey": "17.2",
    }
    assert "stopped" not in page.words
    stopped = page_of(make_run(tmp_path / "stopped", steps=6000))
    assert "12 of 6,000" in stopped.words and "stopped before its end" in stopped.words


@pytest.mark.parametrize(("by", "best"), [("loss", "6"), ("ab_rmse", "12"), ("smooth_l1", "3")])
def test_the_best_validation_is_marked(tmp_path: Path, by: str, best: str) -> None:
    page = page_of(make_run(tmp_path / "run", best_by=by))
    marked = re.findall(r'<tr class="best"><th scope="row">(\d+) <b>best</b>', page.source)
    assert marked == [best]
    assert "<td>2.300</td>" in page.source and "<td>17.25</td>" in page.source
    assert page.source.count('<th scope="col">colour error</th>') == 1


def test_many_validations_are_folded_up(tmp_path: Path) -> None:
    few = page_of(make_run(tmp_path / "few", rows_of(3 * MANY)))
    many = page_of(make_run(tmp_path / "many", rows_of(3 * MANY + 3)))
    assert f"all {MANY + 1} validations" in many.words
    assert "validations" not in few.words


def test_the_last_and_the_first_grid(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path / "run"))
    shades = [decode_rgb(image)[0, 0, 0] for image in page.images("jpeg")]
    assert shades == [1_000_000 % 251, 3]  # by number, not by name
    assert page.words.index("After step 1,000,000") < page.words.index("After step 3.")
    for step in (3, 999_999, 1_000_000):
        (tmp_path / "run" / "grids" / f"step-{step:06d}.jpg").unlink()
    assert len(page_of(tmp_path / "run").images("jpeg")) == 1


def test_skipped_pictures_are_counted(tmp_path: Path) -> None:
    out = make_run(tmp_path / "run")
    assert "skipped" not in page_of(out).words
    for k in range(33):
        append(out / "skipped.jsonl", {"file": f"photo-{k}-", "why": "grey"})
    words = page_of(out).words
    assert "33 files were skipped; the first 20 of them:" in words
    assert "photo-19-" in words and "photo-20-" not in words


def test_recipe_and_card_are_shown(tmp_path: Path) -> None:
    out = make_run(tmp_path / "run", losses={"l2": 0.5, "ssim": 2.0}, encoder="none", ema=0.998)
    words = page_of(out).words
    assert "l2 0.5, ssim 2" in words and "photos 1" in words
    assert "weights its encoder began with" not in words and "ema" in words
    assert "313 values" in words and "0.003" not in words
    assert "looks.vivid" in words and "temperature 0.38" in words


def test_everything_is_escaped(tmp_path: Path) -> None:
    rows = [*rows_of(), {"step": 13, EVIL: 1.0}, {"step": 13, f"val_{EVIL}": 1.0}]
    recipe = {"name": EVIL, EVIL: EVIL, "sources": {EVIL: 1.0}, "best_by": EVIL}
    out = make_run(tmp_path / "<b>&amp;", rows, **recipe)
    append(out / "skipped.jsonl", {"file": EVIL, "why": EVIL})
    with (out / "model.toml").open("a") as card:
        card.write(f"'{EVIL[:27]}' = '{EVIL[:27]}'\n")
    page = page_of(out)
    assert "script" not in [tag for tag, _ in page.tags]
    assert page.words.count("alert") >= 10
    assert "\u202e" not in page.source and "\\u202e\\ud800" in page.words
    assert "--model '<b>&amp;/model.onnx'" in page.words


def test_without_matplotlib_the_page_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = make_run(tmp_path / "run")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    page = page_of(out)
    assert "pip install 'kolorit[train]'" in page.words
    assert page.images("png") == [] and not (out / "loss.png").exists()
    assert len(page.images("jpeg")) == 2 and "best step" in page.words


def test_an_empty_folder_and_a_torn_log(tmp_path: Path) -> None:
    words = page_of(tmp_path).words
    assert "Nothing was logged." in words and tmp_path.name in words
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "l2": 3.5, "lr": 0.1}\n{"step": 2, "l')
    assert page_of(tmp_path).images("png")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("recipe.json", "{"),
        ("recipe.json", "[]"),
        ("model.toml", "x ="),
        ("metrics.jsonl", "x\n"),
        ("skipped.jsonl", "x\n"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataCorrupt) as caught:
        write_report(tmp_path)
    assert caught.value.file == str(tmp_path / name)


def test_a_place_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputUnwritable):
        write_report(tmp_path)


def test_the_plot_shows_what_was_logged(drawn: list[Any]) -> None:
    rows = rows_of()
    assert plot_losses(rows)
    (figure,) = drawn
    panels = {ax.get_title(loc="left"): ax for ax in figure.axes}
    assert list(panels) == [
        "all losses, weighted",
        "classification (nats)",
        "smooth_l1 (ab units)",
        "colour error: ab rmse (ab units)",
        "learning rate",
    ]
    assert {name: ax.get_yscale() for name, ax in panels.items()} == {
        "all losses, weighted": "log",  # 5 to 5 / 12
        "classification (nats)": "log",
        "smooth_l1 (ab units)": "log",
        "colour error: ab rmse (ab units)": "linear",
        "learning rate": "linear",  # spans twelvefold, not a hundredfold
    }
    train, valid, best = panels["smooth_l1 (ab units)"].get_lines()
    np.testing.assert_array_equal(train.get_xdata(), range(1, 13))
    np.testing.assert_allclose(train.get_ydata(), [20 / k for k in range(1, 13)])
    np.testing.assert_array_equal(valid.get_xdata(), [3, 6, 9, 12])
    assert all(list(ax.get_lines()[-1].get_xdata()) == [6, 6] for ax in figure.axes)
    assert best.get_linestyle() == ":"
    assert figure.axes[-1].get_xlabel() == "step"
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(words) == ["best: step 6", "left grey", "training", "validation"]


def test_no_label_lies_on_another(drawn: list[Any]) -> None:
    """Tick labels and titles of a long run with many losses, as drawn."""
    rows: list[Row] = []
    for k in range(1, 301):
        losses = {f"loss_{n}": (1 + n) / k ** (n / 3) for n in range(5)}
        losses |= {f"one_and_a_half_decades_{n}": 0.05 / 8**n * 26 ** (-k / 300) for n in range(3)}
        rows.append({"step": 20 * k, "total": 3 / k, **losses, "lr": 1e-3 * 0.1 ** (k // 60)})
    plot_losses(rows)
    (figure,) = drawn
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            labels = [axis.get_ticklabels(which=which) for which in ("major", "minor")]
            shown = [t for some in labels for t in some if t.get_text() and t.get_visible()]
            low, high = sorted(ax.get_xlim() if axis is ax.xaxis else ax.get_ylim())
            which = 0 if axis is ax.xaxis else 1
            boxes = [t.get_window_extent() for t in shown if low <= t.get_position()[which] <= high]
            assert boxes or axis is ax.xaxis
            pairs = [(a, b) for k, a in enumerate(boxes) for b in boxes[k + 1 :]]
            assert not any(a.overlaps(b) for a, b in pairs), ax.get_title(loc="left")


def test_a_single_loss_needs_no_panel_for_the_total(drawn: list[Any]) -> None:
    plot_losses([{"step": 1, "total": 2.0, "l2": 2.0}, {"step": 1, "val_loss": 2, "val_l2": 2}])
    assert [ax.get_title(loc="left") for ax in drawn[0].axes] == ["l2"]


def test_the_strong_line_is_the_mean_of_neighbours(drawn: list[Any]) -> None:
    values = np.random.default_rng(0).random(150)
    plot_losses([{"step": k + 1, "l1": v} for k, v in enumerate(values)])
    raw, mean = (line.get_ydata() for line in drawn[0].axes[0].get_lines())
    np.testing.assert_array_equal(raw, values)
    slow = [values[k - min(k, 149 - k, 2) : k + min(k, 149 - k, 2) + 1].mean() for k in range(150)]
    np.testing.assert_allclose(mean, slow)


@pytest.mark.parametrize(
    "rows",
    [
        [{"step": 1, "total": 3.0, "l2": 3.0, "lr": 1e-3}],
        [{"step": 1, "l2": 0.0}, {"step": 2, "l2": 5.0}],  # no logarithm of 0
        [{"step": 1, "critic": -7.0}, {"step": 2, "critic": 900.0}],
        [{"step": 1, "l2": 3.0}, {"step": 2, "l2": math.nan}, {"step": 3, "l2": 3.0}],
        [{"step": 7, "val_loss": 2.0}],
    ],
)
@pytest.mark.filterwarnings("error")
def test_odd_runs_can_be_drawn(rows: list[Row], drawn: list[Any]) -> None:
    content = plot_losses(rows)
    assert content and decode_rgb(content).std() > 1
    for ax in drawn[0].axes:
        assert ax.get_yscale() == "linear"
        assert np.isfinite(np.concatenate([line.get_ydata() for line in ax.get_lines()])).all()


def test_nothing_to_draw() -> None:
    assert plot_losses([]) is None
    assert plot_losses([{"step": 3, "l2": math.nan}]) is None


def test_the_plot_leaves_settings_alone_and_heeds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = plot_losses(rows_of())
    with matplotlib.rc_context({"lines.linewidth": 9, "axes.facecolor": "red", "font.size": 30}):
        before = dict(matplotlib.rcParams)
        assert plot_losses(rows_of()) == plain
        assert dict(matplotlib.rcParams) == before
