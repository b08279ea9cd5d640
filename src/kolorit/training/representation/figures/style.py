"""How a study's figures look: one colour an arm, letters that can be read at 900 px."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from kolorit.evaluate.page import plain
from kolorit.training.representation.record import Record, chance

WIDTH, _DPI = 6.0, 150  # inches; 900 px, where letters of 10 points are 21 px high
# Told apart by the colour-blind too (after Okabe and Ito; Tol): of arms that were taught, in order.
_TAUGHT = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
    *("#332288", "#882255", "#999933", "#44aa99", "#aa4499", "#661100"),
)
# Nobody taught them here: greys, then browns; dashed.
_OTHERS = ("#000000", "#5c5c5c", "#8a8a8a", "#b0b0b0", "#5b3a1e", "#9c6b3f", "#c9a77c", "#7b2d26")
_MARKERS = "os^DvPX"
Styles = dict[str, dict[str, Any]]
Drawn = tuple[bytes, str, str]  # a PNG, its words, its note


@dataclass(frozen=True)
class Figure:
    """A file beside the report; note: its caption; words: what it shows, for who cannot see it."""

    file: str
    words: str
    note: str


def styles_of(arms: Record) -> Styles:
    """Colour, marker and dashes of each arm of a study, the same whichever of them ran."""
    styles: Styles = {}
    numbers = {True: 0, False: 0}
    for name, arm in arms.items():
        taught = arm["features"] == "pretext"
        k = numbers[taught]
        numbers[taught] += 1
        colours = _TAUGHT if taught else _OTHERS
        turn = k // len(colours)  # colours come again with other marks
        styles[name] = {
            "color": colours[k % len(colours)],
            "marker": _MARKERS[(k + turn) % len(_MARKERS)],
            "linestyle": "-" if taught and not turn % 2 else "--",
        }
    return styles


@contextmanager
def figure_of(
    height: float,
    names: Iterable[str] = (),
    layout: Literal["constrained", "compressed"] = "constrained",
) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """An empty figure in one style, whatever the user's settings, and what makes a PNG of it.

    height: in inches; a legend of those names has its own place above.
    layout: matplotlib's; "compressed" leaves no room beside squares.
    """
    import matplotlib.style
    from matplotlib.figure import Figure as Canvas  # draws by itself: no window is ever asked for

    with matplotlib.style.context(["default", {"font.size": 10, "axes.titlesize": 10.5}]):
        height += 0.22 * -(-len(list(names)) // _COLUMNS)
        figure = Canvas((WIDTH, height), dpi=_DPI, layout=layout)

        def png() -> bytes:
            content = io.BytesIO()
            figure.savefig(content, format="png", metadata={"Software": None})
            return content.getvalue()

        yield figure, png


def add_line(ax: Any, points: list[tuple[float, list[float]]], style: dict[str, Any]) -> Any:
    """(x, (mean, low, high) as shares) as a line in per cent, with its intervals."""
    x = [place for place, _ in points]
    mean, low, high = ([100 * values[k] for _, values in points] for k in range(3))
    bars = [
        [max(m - v, 0) for m, v in zip(mean, low, strict=True)],
        [max(v - m, 0) for m, v in zip(mean, high, strict=True)],
    ]
    return ax.errorbar(x, mean, bars, **style, markersize=4.5, linewidth=1.5, elinewidth=1)


def add_chance(ax: Any, results: Record, domain: str) -> None:
    ax.axhline(100 * chance(results, domain), color="0.3", linestyle=":", linewidth=1.4, zorder=1)


def dress(ax: Any, axis: str) -> None:
    """A quiet grid along the axis of values."""
    from matplotlib.ticker import MaxNLocator

    values = ax.xaxis if axis == "x" else ax.yaxis
    values.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.grid(axis=axis, color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


_COLUMNS = 3


def add_legend(figure: Any, handles: dict[str, Any]) -> None:
    labels = [plain(name) for name in handles]
    place = "outside upper left"
    figure.legend(
        list(handles.values()), labels, loc=place, ncols=_COLUMNS, frameon=False, fontsize=9.5
    )
