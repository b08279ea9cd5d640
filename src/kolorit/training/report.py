"""After a run: OUT/loss.png, and OUT/report.html, one page that needs nothing beside it.

The same files of a run give the same bytes: no dates, no names of machines.
"""

from __future__ import annotations

import json
import math
import shlex
import tomllib
from pathlib import Path
from typing import Any

from kolorit.errors import DataCorrupt
from kolorit.evaluate.page import fold, image, page, pairs, table_of, text
from kolorit.picture.save import save
from kolorit.training.metrics_log import (
    Row,
    best_row,
    duration,
    is_validation,
    read,
    short,
    sittings,
)
from kolorit.training.plot import panels_of, plot_losses

SKIPPED_SHOWN = 20
NO_LOSS = {  # of a validation row: its column
    "val_loss": "weighted total",
    "val_ab_rmse": "colour error",
    "val_grey_rmse": "colour error of grey",
    "val_colour_ratio": "colourfulness",
}
MAIN = {  # of the recipe: its row
    "net": "network",
    "weights": "weights its encoder began with",
    "start": "model it went on from",
    "sources": "photographs (how often each folder was seen)",
    "losses": "losses (their weights)",
    "adversary": "critic",
    "steps": "steps",
    "batch": "pictures a step",
    "lr": "learning rate",
}


def write_report(out: Path) -> Path:
    """Write loss.png and report.html of the run in the folder ``out``; returns the page's path.

    Reads metrics.jsonl, recipe.json, grids/step-N.jpg, skipped.jsonl and model.toml; what is not
    there is left out. Without matplotlib there is no plot, and the page says how to get it.
    Raises DataCorrupt for a file that cannot be read, OutputUnwritable for one that cannot be
    written.
    """
    rows, recipe = read(out / "metrics.jsonl"), _table(out / "recipe.json")
    by = str(recipe.get("best_by", "loss"))
    best = best_row(rows, by)
    name = str(recipe.get("name", out.resolve().name))
    sections = {
        "": _opening(name, out) + _figures(rows, recipe, best),
        "How it learnt": _curve(rows, by, out / "loss.png"),
        "What it made of photographs that it had not seen": _grids(out / "grids"),
        "Validations": _validations(rows, by, best),
        "What was trained, on what": _recipe(recipe),
        "Photographs left out": _skipped(read(out / "skipped.jsonl")),
        "The model's card": pairs(_flat(_table(out / "model.toml"))),
    }
    body = [f"<h1>{text(name)}</h1>"]
    for title, content in sections.items():
        heading = f"<h2>{title}</h2>\n" if title else ""
        body += [f"<section>\n{heading}{content}\n</section>"] if content else []
    whole = page(f"{text(name)}: report of its training", "\n".join(body))
    return save(whole.encode(), out / "report.html", overwrite=True)


def _opening(name: str, out: Path) -> str:
    """What this is, and how the model is used."""
    folder = out.resolve().name
    what = f"<p>This is the report of how <b>{text(name)}</b> was trained, a model that colours "
    if not (out / "model.onnx").exists():
        return f"{what}black-and-white photographs; its file has not been written yet.</p>\n"
    command = f"kolorit photo.jpg --model {shlex.quote(f'{folder}/model.onnx')}"
    return (
        f"{what}black-and-white photographs; from the folder that holds {text(folder)}, colour "
        f"one with</p>\n<pre><code>{text(command)}</code></pre>\n"
    )


def _figures(rows: list[Row], recipe: dict[str, Any], best: Row | None) -> str:
    """The run in numbers."""
    if not rows:
        return "<p>Nothing was logged.</p>"
    step, steps = max(row["step"] for row in rows), recipe.get("steps")
    short_of = isinstance(steps, int) and step < steps
    figures = {"steps": f"{step:,} of {steps:,}" if short_of else f"{step:,}"}
    ends = sittings(rows)
    if seconds := sum(row["seconds"] for row in ends):
        pictures = sum(row["seconds"] * row.get("images_per_second", 0) for row in ends)
        waiting = sum(row["seconds"] * row.get("waiting", 0) for row in ends)
        figures["duration"] = duration(seconds)
        figures["pictures a second"] = short(pictures / seconds)
        figures["of the time lost to loading"] = f"{100 * waiting / seconds:.1f} %"
    if best is not None:
        figures["best step"] = f"{best['step']:,}"
        if "val_ab_rmse" in best:
            figures["its colour error"] = short(best["val_ab_rmse"])
        if "val_grey_rmse" in best:
            figures["error of leaving all grey"] = short(best["val_grey_rmse"])
    items = "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>\n" for k, v in figures.items())
    note = "<p><b>The run stopped before its end.</b></p>\n" if short_of else ""
    return f'{note}<dl class="figures">\n{items}</dl>'


def _curve(rows: list[Row], by: str, path: Path) -> str:
    """The plot, also written to ``path``."""
    try:
        png = plot_losses(rows, by)
    except ImportError:
        return (
            "<p>The curves are missing, since matplotlib is not installed: "
            "<code>pip install 'kolorit[train]'</code></p>"
        )
    if png is None:
        return ""
    save(png, path, overwrite=True)
    words = []
    for title, lines in panels_of(rows).items():
        for label, (steps, values) in lines.items():
            first, last = f"{short(values[0])} at step {steps[0]:,.0f}", f"{short(values[-1])}"
            words += [f"{title}, {label}: {first}, {last} at step {steps[-1]:,.0f}"]
    return (
        f"{image(png, 'png', 'Curves over the steps. ' + '; '.join(words) + '.', 'curve')}\n"
        "<p>Each loss is shown as it is, before its weight. Where a pale line lies behind a strong "
        "one, it is every batch that was logged, and the strong one their moving mean. The dotted "
        "line marks the step whose validation was best.</p>"
    )


def _grids(folder: Path) -> str:
    """The last and the first grid."""
    steps = {
        int(path.stem[5:]): path for path in folder.glob("step-*.jpg") if path.stem[5:].isdigit()
    }
    figures = []
    for step in sorted({max(steps), min(steps)}, reverse=True) if steps else ():
        words = f"After step {step:,}. Each row: grey, coloured by the model, in its true colours."
        shown = image(steps[step].read_bytes(), "jpeg", f"Photographs. {words}", "grid")
        figures += [f"<figure>\n{shown}\n<figcaption>{words}</figcaption>\n</figure>"]
    return "\n".join(figures)


def _validations(rows: list[Row], by: str, best: Row | None) -> str:
    found = [row for row in rows if is_validation(row)]
    names = list(dict.fromkeys(key for row in found for key in row if key[:4] == "val_"))
    if not found:
        return ""
    lines = []
    for row in found:
        step = f"{row['step']:,}" + (" <b>best</b>" if row is best else "")
        cells = "".join(f"<td>{_four(row[n]) if n in row else ''}</td>" for n in names)
        mark = ' class="best"' if row is best else ""
        lines += [f'<tr{mark}><th scope="row">{step}</th>{cells}</tr>']
    heads = [text(NO_LOSS.get(name, name[4:])) for name in ("step", *names)]
    heads[0] = "step"
    notes = f"The best step has the least {text(NO_LOSS.get(f'val_{by}', by))}."
    if "val_ab_rmse" in names:
        notes += " Colour error is the root mean square of what a and b are off, in units of Lab."
    if "val_grey_rmse" in names:
        notes += " A picture left grey has the error of grey."
    if "val_colour_ratio" in names:
        notes += " Colourfulness 1 is that of the true photographs."
    return f"<p>{notes}</p>\n{fold(table_of(heads, lines), len(found), 'validations')}"


def _recipe(recipe: dict[str, Any]) -> str:
    """The main points, and the whole folded up."""
    whole = {key: _words(value) for key, value in recipe.items()}
    main = {word: whole[key] for key, word in MAIN.items() if whole.get(key, "none") != "none"}
    if not whole:
        return ""
    folded = f"<details><summary>the whole recipe</summary>\n{pairs(whole)}\n</details>"
    return f"{pairs(main)}\n{folded}"


def _skipped(rows: list[Row]) -> str:
    if not rows:
        return ""
    lines = [
        f"<tr><td>{text(row.get('file', ''))}</td><td>{text(row.get('why', ''))}</td></tr>"
        for row in rows[:SKIPPED_SHOWN]
    ]
    more = f"; the first {SKIPPED_SHOWN} of them" if len(rows) > SKIPPED_SHOWN else ""
    word = "file was" if len(rows) == 1 else "files were"
    return (
        f"<p>{len(rows):,} {word} skipped{more}:</p>\n{table_of(['file', 'why'], lines, 'words')}"
    )


def _table(path: Path) -> dict[str, Any]:
    """A .json or .toml file's object; an empty one where there is no file."""
    try:
        content = path.read_text("utf-8")
        table = json.loads(content) if path.suffix == ".json" else tomllib.loads(content)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:  # neither syntax nor UTF-8
        raise DataCorrupt(f"this file cannot be read: {error}", file=path) from error
    if not isinstance(table, dict):
        raise DataCorrupt("this file holds no table", file=path)
    return table


def _flat(table: dict[str, Any], above: str = "") -> dict[str, str]:
    """Tables inside tables as "looks.vivid": words."""
    flat: dict[str, str] = {}
    for key, value in table.items():
        deep = isinstance(value, dict) and any(isinstance(v, dict | list) for v in value.values())
        flat |= _flat(value, f"{above}{key}.") if deep else {above + key: _words(value)}
    return flat


def _words(value: Any) -> str:
    """A value of a recipe or card for a reader."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(v)}" for key, v in value.items()) or "none"
    if isinstance(value, list):
        many = len(value) > 20
        return f"{len(value)} values" if many else ", ".join(map(_words, value)) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _four(value: float) -> str:
    """A number in four digits, zeros at its end included, so that a column can be compared."""
    return f"{value:#.4g}".removesuffix(".") if math.isfinite(value) else short(value)
