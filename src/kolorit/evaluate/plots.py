"""The plots of a set's report, as PNG: hues, hints, calibration, and what colourfulness costs."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from kolorit.colour.gamut import shrink_lab
from kolorit.colour.lab import lab_to_rgb
from kolorit.evaluate.judge import BASELINES, TRUTH
from kolorit.evaluate.page import plain

_WIDTH = 5.4  # inches; narrow, so that its words can still be read when a phone shrinks it
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito
_MARKERS = "os^DvPX"  # seven beside six colours: 42 systems before two look alike
_HUES = {0: "pink", 40: "red", 100: "yellow", 150: "green", 200: "cyan", 270: "blue", 325: "purple"}
_LONGEST = 56  # letters of a name; half of that where there are two columns of them


@dataclass(frozen=True)
class Plot:
    """A picture with its heading, a caption, and its values in words for who cannot see it."""

    title: str
    png: bytes
    note: str
    words: str


def plots(of_set: dict[str, Any]) -> list[Plot]:
    """All plots of one element of the record's "sets" for which it has values.

    The same values give the same bytes. Raises ImportError without matplotlib.
    """
    systems = [row for row in of_set["rows"] if row not in BASELINES]
    styles = {
        row: {"color": _COLOURS[k % len(_COLOURS)], "marker": _MARKERS[k % len(_MARKERS)]}
        for k, row in enumerate(systems)
    }
    found = (draw(of_set, styles) for draw in (_trade, _hue, _hints, _calibration))
    return [plot for plot in found if plot is not None]


_Styles = dict[str, dict[str, Any]]


def _trade(of_set: dict[str, Any], styles: _Styles) -> Plot | None:
    """Systems and baselines: colourfulness to the right, distance from the truth upwards."""
    points = {}  # row -> (2,3): mean, low, high of both
    for row, cells in of_set["rows"].items():
        both = [cells.get(name) for name in ("colourfulness_ratio", "ciede2000_of_grey")]
        if all(both):
            points[row] = np.array(both, dtype=float)
    if not points:
        return None
    baselines = dict(zip(BASELINES, "*sPX", strict=True))
    with _figure(3.2, points) as (figure, save):
        ax = figure.subplots()
        handles = []
        for row, ((x, *xs), (y, *ys)) in points.items():
            style = styles.get(row, {"color": "0.45", "marker": baselines.get(row)})
            bars = ax.errorbar(
                x,
                y,
                xerr=[[max(x - xs[0], 0)], [max(xs[1] - x, 0)]],
                yerr=[[max(y - ys[0], 0)], [max(ys[1] - y, 0)]],
                **style,
                markersize=7,
                linestyle="none",
                elinewidth=1.2,
                zorder=3 if row in styles else 2,
            )
            handles.append(bars)
        ax.axhline(1, color="0.6", linestyle=":", zorder=1)
        ax.axvline(1, color="0.6", linestyle=":", zorder=1)
        ax.set_xlim(left=min(-0.05, ax.get_xlim()[0]), right=max(1.1, ax.get_xlim()[1]))
        ax.set_ylim(bottom=-0.05, top=max(1.1, ax.get_ylim()[1]))
        ax.set_xlabel("colourfulness, share of the truth's")
        ax.set_ylabel("CIEDE2000, share of grey's")
        _dress(ax)
        _legend(figure, points, handles)
        png = save()
    words = [f"{row}: {x[0]:.2f}, {y[0]:.2f}" for row, (x, y) in points.items()]
    return Plot(
        "What colour costs",
        png,
        "How colourful, and how far from the truth. The truth is at the lower right, grey at the "
        "upper left; above the dotted line a picture is farther from the truth than without "
        "colour. Bars: 95 % intervals.",
        "Colourfulness as a share of the truth's and CIEDE2000 as a share of grey's. "
        + "; ".join(words),
    )


def _hue(of_set: dict[str, Any], styles: _Styles) -> Plot | None:
    """A panel a row, the truth's outline in each."""
    shares = {row: 100 * np.array(of_set["hue"][row]) for row in (TRUTH, *styles)}  # (36,) percent
    centres = 5 + 10.0 * np.arange(36)
    angle = np.radians(centres)
    lab = np.stack([np.full(36, 62.0), 60 * np.cos(angle), 60 * np.sin(angle)], -1)  # (36,3)
    colours = np.clip(lab_to_rgb(shrink_lab(lab)), 0, 1)
    with _figure(0.9 + 1.1 * len(shares)) as (figure, save):
        axes = figure.subplots(len(shares), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for ax, (row, share) in zip(axes, shares.items(), strict=True):
            ax.bar(centres, share, 10, color=colours)
            ax.stairs(shares[TRUTH], np.arange(0, 361, 10), color="0.15", linewidth=1.2)
            ax.set_title(_short(row), loc="left", parse_math=False)
            _dress(ax, 3)
        axes[-1].set_xticks(list(_HUES), list(_HUES.values()))
        axes[-1].set_xlim(0, 360)
        figure.supylabel("% of all chroma", fontsize=10.5)
        png = save()
    peaks = [
        f"{10 * k} to {10 * k + 10}° {share:.0f} %"
        for k, share in enumerate(shares[TRUTH])
        if share >= 5
    ]
    words = [f"{TRUTH}: {', '.join(peaks)}"]
    for row in styles:
        apart = np.abs(shares[row] - shares[TRUTH]).sum() / 2
        words += [f"{row}: {apart:.0f} % of it elsewhere" if shares[row].any() else f"{row}: none"]
    return Plot(
        "Which hues",
        png,
        "Where the chroma of all pictures lies, by hue in 10° of Lab; the line is the truth's.",
        "Share of the chroma by hue. " + "; ".join(words),
    )


def _hints(of_set: dict[str, Any], styles: _Styles) -> Plot | None:
    hints = {
        row: {int(n): c for n, c in of_set["hints"].get(row, {}).items() if c} for row in styles
    }
    hints = {row: cells for row, cells in hints.items() if cells}
    if not hints:
        return None
    with _figure(3.0, hints) as (figure, save):
        ax = figure.subplots()
        handles = []
        for k, (row, cells) in enumerate(hints.items()):
            counts = sorted(cells)
            mean, low, high = np.array([cells[n] for n in counts], dtype=float).T
            aside = 0.025 * (k - (len(hints) - 1) / 2)  # so that bars do not hide each other
            bars = ax.errorbar(
                np.log10(1 + np.array(counts)) + aside,
                mean,
                yerr=np.maximum([mean - low, high - mean], 0),
                **styles[row],
                markersize=5,
                elinewidth=1.2,
                capsize=2.5,
            )
            handles.append(bars)
        counts = _apart(sorted({n for cells in hints.values() for n in cells}))
        ax.set_xticks(np.log10(1 + np.array(counts)), [f"{n:,}" for n in counts])
        ax.set_xlabel("true hints given")
        ax.set_ylabel("PSNR (dB)")
        _dress(ax)
        _legend(figure, hints, handles)
        png = save()
    words = [
        f"{row}: " + ", ".join(f"{float(c[0]):.1f} dB with {n}" for n, c in sorted(cells.items()))
        for row, cells in hints.items()
    ]
    return Plot(
        "What hints bring",
        png,
        "PSNR over the number of true colours given as hints. Bars: 95 % intervals, wide because "
        "pictures differ; the systems had the same pictures.",
        "PSNR over the number of hints. " + "; ".join(words),
    )


def _calibration(of_set: dict[str, Any], styles: _Styles) -> Plot | None:
    """Curves that are the same, as those of a model's looks are, are drawn once."""
    curves = {row: curve["bins"] for row, curve in of_set["calibration"].items()}
    groups: list[list[str]] = []
    for row in filter(curves.get, styles):
        same = [group for group in groups if curves[group[0]] == curves[row]]
        if same:
            same[0].append(row)
        else:
            groups.append([row])
    if not groups:
        return None
    names = [" = ".join(group) for group in groups]
    with _figure(4.0, names) as (figure, save):
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        handles = []
        for k, (first, *_) in enumerate(groups):
            said, right, share = (
                np.array([b[key] for b in curves[first]])
                for key in ("confidence", "right", "share")
            )
            handles += above.plot(said, right, **styles[first], markersize=5)
            width = 0.08 / len(groups)
            left = 0.1 * np.floor(10 * np.minimum(said, 0.999)) + 0.01 + width * k
            below.bar(left, 100 * share, width, align="edge", color=styles[first]["color"])
        above.plot([0, 1], [0, 1], color="0.6", linestyle=":", zorder=1)
        above.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that is right")
        below.set(xlabel="confidence", ylabel="% of places")
        _dress(above)
        _dress(below, 3)
        _legend(figure, names, handles)
        png = save()
    words = [
        f"{name}: "
        + ", ".join(
            f"{b['right']:.2f} right where {b['confidence']:.2f} is said" for b in curves[group[0]]
        )
        for name, group in zip(names, groups, strict=True)
    ]
    return Plot(
        "Whether its confidence is true",
        png,
        "Of the places of which a system is 80 % sure, 80 % should be right, that is within 20 ab "
        "units of the truth: the dotted line. Below it a system is too sure. The bars: how many "
        "places have that confidence.",
        "Share of the places that are right by confidence. " + "; ".join(words),
    )


@contextmanager
def _figure(height: float, names: Iterable[str] = ()) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """An empty figure in the house's style, whatever the user's settings, and what makes a PNG.

    height: in inches; a legend of those names has its own place above.
    """
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", {"font.size": 10.5, "axes.titlesize": 10.5}]):
        labels = [_short(name) for name in names]
        height += 0.24 * -(-len(labels) // _columns(labels))
        figure = Figure((_WIDTH, height), dpi=160, layout="constrained")

        def save() -> bytes:
            png = io.BytesIO()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # letters of names that the font does not have
                figure.savefig(png, format="png", metadata={"Software": None})
            return png.getvalue()

        yield figure, save


def _dress(ax: Any, ticks: int = 5) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    ax.grid(color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _legend(figure: Any, names: Iterable[str], handles: list[Any]) -> None:
    labels = [_short(name) for name in names]
    place, columns = "outside upper left", _columns(labels)
    legend = figure.legend(handles, labels, loc=place, ncols=columns, frameon=False)
    for words in legend.get_texts():
        words.set_parse_math(False)


def _columns(labels: list[str]) -> int:
    return 2 if max(map(len, labels), default=0) <= _LONGEST // 2 else 1


def _short(name: str) -> str:
    """A row's name for a plot; one that begins with _ would be left out of a legend."""
    name = plain(name)
    name = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    return f" {name}" if name.startswith("_") else name


def _apart(counts: list[int]) -> list[int]:
    """Those whose labels do not touch on the axis log(1 + count); the last one is kept."""
    kept: list[int] = []
    for n in reversed(counts):
        letters = len(f"{n:,}") + len(f"{kept[-1]:,}" if kept else "")
        room = (0.012 + 0.0115 * letters) * np.log10(1 + counts[-1])  # half a label each, and air
        if not kept or np.log10((1 + kept[-1]) / (1 + n)) > room:
            kept.append(n)
    return kept[::-1]
