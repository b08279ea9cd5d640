"""The curves of a run as a picture."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from kolorit.evaluate.page import plain
from kolorit.training.metrics_log import Row, best_row, is_validation, raw_losses

_UNITS = {
    **dict.fromkeys(("classification", "rebalanced"), "nats"),
    **dict.fromkeys(("l1", "smooth_l1"), "ab units"),
}


_NO_LOSS = ("val_loss", "val_ab_rmse", "val_grey_rmse", "val_colour_ratio")


def plot_losses(rows: list[Row], by: str = "loss") -> bytes | None:
    """A PNG: a panel for each loss, raw, training and validation; the learning rate in the last.

    by: the validation value whose least marks the best step. An axis is logarithmic where its
    values span more than tenfold, that of the learning rate from a hundredfold on. None where
    nothing was logged. Raises ImportError without matplotlib.
    """
    import matplotlib.style
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    panels = panels_of(rows)
    if not panels:
        return None
    best = best_row(rows, by)
    used: dict[str, Line2D] = {}
    with matplotlib.style.context(["default", {"font.size": 10.5, "axes.titlesize": 10.5}]):
        # Narrow, so that its words can still be read when a phone shrinks it.
        figure = Figure((5.4, 1.1 + 1.5 * len(panels)), dpi=180, layout="constrained")
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for ax, (title, lines) in zip(axes, panels.items(), strict=True):
            for label, (steps, values) in lines.items():
                style = _STYLES[label]
                if label == "training" and len(steps) >= 60:  # one batch differs from the next
                    ax.plot(steps, values, **style, alpha=0.3, linewidth=0.8)
                    values = _moving_mean(values, len(steps) // 30)
                dots = "o" if len(steps) <= 30 and label != "left grey" else None
                used[label] = ax.plot(steps, values, **style, marker=dots, markersize=3.5)[0]
            every = np.concatenate([values for _, values in lines.values()])
            span = every.max() / every.min() if every.min() > 0 else 0
            if span > (100 if title == _RATE else 10):
                ax.set_yscale("log")
                ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if span < 100 else (1,)))
                ax.yaxis.set_minor_formatter(NullFormatter())
            else:
                ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
            ax.set_title(plain(title), loc="left", parse_math=False)
            ax.grid(color="0.9", linewidth=0.8)
            ax.spines[["top", "right"]].set_visible(False)
            if best is not None:
                words = f"best: step {best['step']:,}"
                used[words] = ax.axvline(best["step"], color="0.3", linestyle=":", linewidth=1.4)
        axes[-1].xaxis.set_major_locator(
            MaxNLocator(6, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])
        )
        axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
        axes[-1].set_xlabel("step")
        used.pop(_RATE, None)  # alone in its panel
        if used:
            figure.legend(
                used.values(), used.keys(), loc="outside upper left", ncols=2, frameon=False
            )
        png = io.BytesIO()
        figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


_RATE = "learning rate"
_STYLES: dict[str, dict[str, Any]] = {  # told apart by the colour-blind too
    "training": {"color": "#0072b2"},
    "validation": {"color": "#d55e00"},
    "left grey": {"color": "0.5", "linestyle": "--"},
    _RATE: {"color": "0.25"},
}
_Line = tuple[np.ndarray, np.ndarray]  # steps (n,), values (n,)


def panels_of(rows: list[Row]) -> dict[str, dict[str, _Line]]:
    """Title -> label -> line. What was never logged has no line, and a panel has at least one."""
    names = [name for row in rows if not is_validation(row) for name in raw_losses(row)]
    names += [key[4:] for row in rows for key in row if key[:4] == "val_" and key not in _NO_LOSS]
    names = list(dict.fromkeys(names))
    wanted = {"all losses, weighted": {"training": "total", "validation": "val_loss"}}
    if len(names) == 1:  # a single loss is its own total
        wanted = {}
    for name in names:
        title = f"{name} ({_UNITS[name]})" if name in _UNITS else name
        wanted[title] = {"training": name, "validation": f"val_{name}"}
    grey = {"validation": "val_ab_rmse", "left grey": "val_grey_rmse"}
    wanted |= {"colour error: ab rmse (ab units)": grey, _RATE: {_RATE: "lr"}}
    panels: dict[str, dict[str, _Line]] = {}
    for title, keys in wanted.items():
        lines = {label: _line(rows, key) for label, key in keys.items()}
        lines = {label: line for label, line in lines.items() if len(line[0])}
        panels |= {title: lines} if lines else {}
    return panels


def _line(rows: list[Row], key: str) -> _Line:
    points = [(row["step"], row[key]) for row in rows if math.isfinite(row.get(key, math.nan))]
    steps, values = np.array(points, float).reshape(-1, 2).T
    return steps, values


def _moving_mean(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of about ``width`` values around each, of as many on both sides; fewer at the ends,
    or the steep beginning of a run would be bent."""
    i = np.arange(len(values))
    half = np.minimum(np.minimum(i, i[::-1]), width // 2)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray((sums[i + half + 1] - sums[i - half]) / (2 * half + 1))
