"""figures/: what is drawn is the record's; one colour an arm; nothing where there is nothing."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kolorit.training.representation.figures import draw_figures
from kolorit.training.representation.figures.style import Figure, styles_of
from kolorit.training.representation.record import best_pretext, best_rows
from kolorit.training.representation.report import write_report

from .conftest import STAGES, made_record

pytest.importorskip("matplotlib", reason="the extra 'train' is not installed")


def made_confusions(arm: str, classes: tuple[int, int] = (4, 2)) -> dict[str, np.ndarray]:
    """Of ten pictures a class six are right; the others go to the next class of the domain."""
    found = {}
    for name, n, at in zip(("in", "out"), classes, (0, classes[0]), strict=True):
        counts = np.zeros((sum(classes),) * 2, np.int32)
        for k in range(n):
            counts[at + k, at + k], counts[at + k, at + (k + 1) % n] = 6, 4
        found[f"{arm}/linear/{name}"] = counts
    return found


def made_samples(*arms: str, px: int = 8, count: int = 2) -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    return {
        arm: {
            name: rng.integers(0, 256, (count, px, px, 3), dtype=np.uint8)
            for name in ("grey", "made", "truth")
        }
        for arm in arms
    }


ARMS = ("raw-grey", "random", "autoencoder", "colour-classes", "supervised")


@pytest.fixture
def figures(tmp_path: Path) -> dict[str, Figure]:
    samples = made_samples("autoencoder", "colour-classes")
    return draw_figures(made_record(ARMS), made_confusions("colour-classes"), samples, tmp_path)


def lines(ax: Any) -> dict[str, list[float]]:
    """Colour -> heights of each line with intervals."""
    return {c[0].get_color(): [round(y, 3) for y in c[0].get_ydata()] for c in ax.containers}


def test_every_figure_is_a_picture_of_900_px(figures: dict[str, Figure], tmp_path: Path) -> None:
    names = ("accuracy", "stages", "labels", "confusion")
    assert set(figures) == {*(f"{name}-linear" for name in names), "samples"}
    for figure in figures.values():
        png = (tmp_path / figure.file).read_bytes()
        assert png[:4] == b"\x89PNG"
        assert struct.unpack(">I", png[16:20]) == (900,)
        assert figure.words and figure.note


def test_the_values_are_the_records(
    drawn: list[Any], figures: dict[str, Figure], request: pytest.FixtureRequest
) -> None:
    accuracy, stages, labels, confusion, _ = drawn
    inside, outside = accuracy.axes
    assert [bar.get_width() for bar in inside.patches] == pytest.approx([20, 23, 24, 25, 26])
    assert [bar.get_width() for bar in outside.patches] == pytest.approx([30, 33, 34, 35, 36])
    assert [t.get_text() for t in inside.get_yticklabels()] == [
        *("raw-grey", "random*", "autoencoder", "colour-classes", "supervised")
    ]
    styles = styles_of(made_record(ARMS)["study"]["arms"])
    colour = styles["colour-classes"]["color"]
    assert lines(stages.axes[0])[colour] == [23, 24, 25]
    assert len(lines(stages.axes[0])) == 4  # raw grey has no stages
    assert [t.get_text() for t in stages.axes[1].get_xticklabels()] == list(STAGES)
    assert any(t.get_text() == "bottleneck" for t in stages.axes[0].texts)
    assert lines(labels.axes[1])[colour] == [25, 35]
    assert labels.axes[0].get_xscale() == "log"
    assert [t.get_text() for t in labels.axes[0].get_xticklabels()] == ["20", "80"]
    image = confusion.axes[0].images[0].get_array()
    np.testing.assert_allclose(image.diagonal(), 60)
    np.testing.assert_allclose(image[3, 0], 40)
    assert "dish0 for dish1 (40 %)" in figures["confusion-linear"].note


def test_the_pictures_are_the_samples(drawn: list[Any], figures: dict[str, Figure]) -> None:
    ax = drawn[-1].axes[0]
    wall, samples = ax.images[0].get_array(), made_samples("autoencoder", "colour-classes")
    assert [t.get_text() for t in ax.texts] == ["grey", "autoencoder", "colour-\nclasses", "truth"]
    np.testing.assert_array_equal(wall[:8, :8], samples["autoencoder"]["grey"][0])
    np.testing.assert_array_equal(wall[-8:, 20:28], samples["colour-classes"]["made"][1])
    np.testing.assert_array_equal(wall[-8:, -8:], samples["autoencoder"]["truth"][1])


def test_an_arm_has_one_colour_of_its_own_whichever_run() -> None:
    arms = made_record(ARMS)["study"]["arms"]
    styles = styles_of(arms)
    marks = {(s["color"], s["marker"]) for s in styles.values()}
    assert len(marks) == len(arms)
    taught = [name for name, arm in arms.items() if arm["features"] == "pretext"]
    assert len({styles[name]["color"] for name in taught}) == len(taught)
    many = {f"arm{k}": {"features": "pretext"} for k in range(30)}
    assert len({(s["color"], s["marker"]) for s in styles_of(many).values()}) == 30


def test_the_best_pretext_is_chosen_by_development_and_is_no_ceiling() -> None:
    record = made_record(ARMS)
    assert best_pretext(record, "linear") == "colour-classes"
    for row in record["rows"]:
        if row["arm"] == "autoencoder":
            row["development"] += 0.5
    assert best_pretext(record, "linear") == "autoencoder"
    for row in record["rows"]:
        row["development"] = None
    assert best_pretext(record, "linear") in ("autoencoder", "colour-classes")
    assert best_pretext(made_record(("random", "supervised")), "linear") is None
    assert best_rows(record, "linear", "out")["random"]["stage"] == "latent"


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    record = made_record(("raw-grey",))
    record["rows"] = [row for row in record["rows"] if row["fraction"] == 1]
    assert set(draw_figures(record, {}, {"supervised": {}}, tmp_path)) == {"accuracy-linear"}


def test_the_report_shows_them(figures: dict[str, Figure], tmp_path: Path) -> None:
    record = made_record(ARMS)
    record["pretexts"] = {"autoencoder": []}
    text = write_report(record, tmp_path / "report.md", figures).read_text()
    for figure in figures.values():
        assert f"]({figure.file})" in text and figure.note in text
        assert (tmp_path / figure.file).is_file()
    assert text.index("## Accuracy") < text.index("accuracy-linear.png") < text.index("| arm")
    assert "![" not in write_report(record, tmp_path / "b.md").read_text()
