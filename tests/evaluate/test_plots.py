"""evaluate/plots.py: what is drawn is what the record says."""

from __future__ import annotations

import re
import sys
from typing import Any

import numpy as np
import pytest

from kolorit.evaluate.plots import plots
from kolorit.picture.rgb import decode_rgb

from .conftest import OTHER, VIVID

matplotlib = pytest.importorskip("matplotlib")

Record = dict[str, Any]
TITLES = ["What colour costs", "Which hues", "What hints bring", "Whether its confidence is true"]


def legend(figure: Any) -> list[str]:
    return [words.get_text() for words in figure.legends[0].get_texts()]


def test_same_record_same_bytes(record: Record) -> None:
    first = plots(record["sets"][0])
    assert [plot.title for plot in first] == TITLES
    assert plots(record["sets"][1]) == first
    for plot in first:
        assert decode_rgb(plot.png).std() > 1
        assert not re.findall(rb"tEXt|iTXt|tIME|eXIf", plot.png)


def test_settings_are_left_alone_and_not_heeded(record: Record) -> None:
    plain = plots(record["sets"][0])
    with matplotlib.rc_context({"lines.linewidth": 9, "axes.facecolor": "red", "font.size": 30}):
        before = dict(matplotlib.rcParams)
        assert plots(record["sets"][0]) == plain
        assert dict(matplotlib.rcParams) == before


def test_colour_against_truth(record: Record, drawn: list[Any]) -> None:
    (trade, *_) = plots(record["sets"][0])
    figure = drawn[0]
    assert legend(figure) == ["truth", "grey", "tint", "half-chroma", VIVID, OTHER]
    (ax,) = figure.axes
    points = {
        name: (bars[0].get_xdata()[0], bars[0].get_ydata()[0])
        for name, bars in zip(legend(figure), ax.containers, strict=True)
    }
    assert points["truth"] == (1, 0) and points["grey"] == (0, 1)
    assert points[VIVID] == (0.75, 1.11) and points[OTHER] == (0.5, 0.67)
    across, upright = (lines.get_segments()[0] for lines in ax.containers[4][2])
    np.testing.assert_allclose(across, [[0.6, 1.11], [0.9, 1.11]])
    np.testing.assert_allclose(upright, [[0.75, 0.96], [0.75, 1.33]])
    assert f"{VIVID}: 0.75, 1.11" in trade.words and "grey: 0.00, 1.00" in trade.words


def test_hues_of_truth_and_systems(record: Record, drawn: list[Any]) -> None:
    hue = plots(record["sets"][0])[1]
    axes = drawn[1].axes
    assert [ax.get_title(loc="left") for ax in axes] == ["truth", VIVID, OTHER]
    for ax, row in zip(axes, ("truth", VIVID, OTHER), strict=True):
        bars = [bar.get_height() for bar in ax.containers[0]]
        np.testing.assert_allclose(bars, 100 * np.array(record["sets"][0]["hue"][row]))
        outline = ax.patches[-1].get_data()  # the truth's
        np.testing.assert_allclose(outline.values, [50] + [0] * 8 + [50] + [0] * 26)
        assert outline.edges[0] == 0 and outline.edges[-1] == 360
    red, yellow, blue = (np.array(axes[0].containers[0][k].get_facecolor()) for k in (3, 10, 28))
    assert red[0] > red[1:3].max() and blue[2] > blue[:2].max()
    assert yellow[:2].min() > yellow[2] + 0.3
    assert "truth: 0 to 10° 50 %, 90 to 100° 50 %" in hue.words
    assert f"{VIVID}: 50 % of it elsewhere; {OTHER}: 75 % of it elsewhere" in hue.words


def test_hints_with_their_intervals(record: Record, drawn: list[Any]) -> None:
    (first, *_) = record["sets"]
    first["hints"][OTHER] = {"0": [24.0, 23, 25], "10": None, "500": [24.0, 23, 25]}
    hints = plots(first)[2]
    figure = drawn[2]
    (ax,) = figure.axes
    assert legend(figure) == [VIVID, OTHER]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "10", "500"]
    mine, other = ax.containers
    assert list(mine[0].get_ydata()) == [21.5, 25, 30] and list(other[0].get_ydata()) == [24, 24]
    ticks = ax.get_xticks()
    np.testing.assert_allclose(ticks, np.log10([1, 11, 501]))
    np.testing.assert_allclose(mine[0].get_xdata(), ticks, atol=0.05)
    assert (mine[0].get_xdata() != other[0].get_xdata()[0]).all()  # beside each other
    np.testing.assert_allclose(mine[2][0].get_segments()[1][:, 1], [24, 26])
    assert f"{VIVID}: 21.5 dB with 0, 25.0 dB with 10, 30.0 dB with 500" in hints.words


@pytest.mark.parametrize("most", [500, 10_000])
def test_labels_of_many_hints_do_not_touch(record: Record, drawn: list[Any], most: int) -> None:
    (first, *_) = record["sets"]
    counts = (0, 1, 2, 3, *range(4, most, most // 99), most)
    first["hints"][VIVID] = {str(n): [20 + n / most, 19, 99] for n in counts}
    plots(first)
    (ax,) = drawn[2].axes
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert len(boxes) > 5
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[k + 1 :])
    assert ax.get_xticklabels()[-1].get_text() == f"{most:,}"


def test_calibration(record: Record, drawn: list[Any]) -> None:
    (first, *_) = record["sets"]
    first["calibration"][OTHER] = first["calibration"][VIVID]
    curve = plots(first)[3]
    above, below = drawn[3].axes
    assert legend(drawn[3]) == [f"{VIVID} = {OTHER}"]  # one curve, that of both
    line, diagonal = above.get_lines()
    assert list(line.get_xdata()) == [0.35, 0.85] and list(line.get_ydata()) == [0.5, 0.7]
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    bars = [(bar.get_x(), bar.get_x() + bar.get_width(), bar.get_height()) for bar in below.patches]
    np.testing.assert_allclose(bars, [(0.31, 0.39, 25), (0.81, 0.89, 75)])
    assert "0.50 right where 0.35 is said, 0.70 right where 0.85 is said" in curve.words
    first["calibration"][OTHER] = {"bins": [{"confidence": 0.35, "right": 0.1, "share": 1.0}]}
    plots(first)
    assert legend(drawn[-1]) == [VIVID, OTHER]


@pytest.mark.filterwarnings("error")
def test_what_is_not_there_is_not_drawn(record: Record, drawn: list[Any]) -> None:
    (first, *_) = record["sets"]
    first |= {"hints": {}, "calibration": {}}
    first["hue"][OTHER] = [0.0] * 36  # all grey
    first["rows"][OTHER]["ciede2000_of_grey"] = None
    trade, hue = plots(first)
    assert legend(drawn[0])[-1] == VIVID
    assert f"{OTHER}: none" in hue.words and OTHER not in trade.words


@pytest.mark.filterwarnings("error")
def test_any_name_can_be_drawn(record: Record, drawn: list[Any]) -> None:
    """Names are those of files: no mathematics, no missing letters, none left out."""
    (first, *_) = record["sets"]
    evil = "_$\\frac{x$ 日本 \u202e" + "y" * 100
    for key in ("rows", "hue", "hints", "calibration"):
        first[key][evil] = first[key].pop(VIVID)
    assert len(plots(first)) == 4
    for figure in (drawn[0], drawn[2], drawn[3]):
        (name,) = (name for name in legend(figure) if "frac" in name)
        assert name.startswith(" _$") and len(name) < 60 and "\u202e" not in name


def test_many_systems_leave_room_for_the_plot(record: Record, drawn: list[Any]) -> None:
    (first, *_) = record["sets"]
    for k in range(12):
        for key in ("rows", "hue", "hints", "calibration"):
            first[key][f"a run with a name of common length, number {k}"] = first[key][VIVID]
    plots(first)
    for figure, least in zip(drawn, (350, 90, 350, 300), strict=True):
        shown = figure.axes[0].get_window_extent()
        assert shown.height > least and shown.width > 500
        assert all(names.get_window_extent().y0 > shown.y1 for names in figure.legends)
    markers = {
        bars[0].get_marker() + str(bars[0].get_color()) for bars in drawn[0].axes[0].containers
    }
    assert len(markers) == 4 + 14


def test_without_matplotlib(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    with pytest.raises(ImportError):
        plots(record["sets"][0])
