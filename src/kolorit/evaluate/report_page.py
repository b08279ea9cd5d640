"""report.html: one page that needs nothing beside it, with tables, plots and pictures."""

from __future__ import annotations

from typing import Any

from kolorit.evaluate import page as html
from kolorit.evaluate import sentences, sheets, tables
from kolorit.evaluate.judge import BASELINES
from kolorit.evaluate.page import fold, image, pairs, table_of, text
from kolorit.evaluate.plots import plots
from kolorit.evaluate.sheets import Shots
from kolorit.evaluate.slider import SCRIPT
from kolorit.evaluate.slider import STYLE as SLIDER
from kolorit.evaluate.tables import Cell, Head, Table


def page(record: dict[str, Any], pictures: dict[str, Shots]) -> str:
    """The whole page. pictures: set -> stem -> row -> rgb (h,w,3) uint8, see sheets.py.

    The same record and pictures give the same text. Without matplotlib it says what is missing.
    """
    sections = [("What was judged", _judged(record)), ("How to read it", _how(record))]
    sections += [(s["name"], _set(record, s, pictures.get(s["name"], {}))) for s in record["sets"]]
    sections += [("Columns", pairs(sentences.legend(record)))]
    if record["missing"]:
        sections += [("Not measured", pairs(record["missing"]))]
    links, blocks = "", ""
    for k, (title, content) in enumerate(sections):
        links += f'<li><a href="#s{k}">{text(title)}</a></li>\n'
        blocks += f'<section id="s{k}">\n<h2>{text(title)}</h2>\n{content}\n</section>\n'
    body = (
        f"<h1>Evaluation</h1>\n<p>{text(sentences.summary_line(record))}</p>\n"
        f'<nav aria-label="Contents"><ul>\n{links}</ul></nav>\n{blocks}'
    )
    title = "Evaluation: " + ", ".join(text(s["name"]) for s in record["sets"])
    script = SCRIPT if 'class="slider"' in body else ""
    return html.page(title, body, SLIDER + STYLE, script)


def _judged(record: dict[str, Any]) -> str:
    """What, how and where."""
    facts = sentences.about(record)
    command = f"<pre><code>{text(facts.pop('command'))}</code></pre>"
    return "\n".join(
        [
            command,
            _table(tables.systems_table(record)),
            _table(tables.sets_table(record)),
            pairs(facts),
        ]
    )


def _how(record: dict[str, Any]) -> str:
    return "\n".join(f"<p>{text(words)}</p>" for words in sentences.how_to_read(record))


def _set(record: dict[str, Any], of_set: dict[str, Any], shots: Shots) -> str:
    """One set: words, tables, plots, pictures."""
    words = "\n".join(f"<li>{text(sentence)}</li>" for sentence in sentences.findings(of_set))
    parts = [f"<ul>\n{words}\n</ul>" if words else "", _table(tables.main_table(record, of_set))]
    other = _table(tables.other_table(record, of_set))
    parts += [f"<details><summary>further columns</summary>\n{other}\n</details>"]
    parts += [f"<p>{text(sentences.policy(of_set))}</p>", _named(of_set)]
    for title, content in (
        ("Compared picture by picture", _paired(record, of_set)),
        ("Curves", _plots(of_set)),
        ("With hints", _table(tables.hints_table(of_set))),
        ("Before and after: the median pictures", sheets.sliders(of_set, shots)),
        ("Best, median, worst", sheets.extremes(of_set, shots)),
        ("The pictures with most red", sheets.reds(of_set, shots)),
    ):
        parts += [f"<h3>{title}</h3>\n{content}"] if content else []
    if shots:
        parts += [f"<p>{SHOTS_NOTE}</p>"]
    return "\n".join(filter(None, parts))


SHOTS_NOTE = (
    "Numbers under pictures are their CIEDE2000, by which best, median and worst are chosen. The "
    "pictures on this page are made smaller, and are JPEG; all numbers come from those that were "
    "judged."
)


def _named(of_set: dict[str, Any]) -> str:
    """Every picture that was left out or failed, and why."""
    blocks = []
    if left := of_set["left_out"]:
        lines = [_line("", x["picture"], x["why"]) for x in left]
        blocks += [
            fold(table_of(["picture", "why"], lines, "words", "Left out"), len(left), "left out")
        ]
    if failures := of_set["failures"]:
        lines = [_line(x["row"], x["picture"], x["why"]) for x in failures]
        table = table_of(["row", "picture", "why"], lines, "words", "Failures, scored as grey")
        blocks += [fold(table, len(failures), "failures, scored as grey")]
    return "\n".join(blocks)


def _line(*values: str) -> str:
    return f"<tr>{''.join(f'<td>{text(value)}</td>' for value in values if value)}</tr>"


def _paired(record: dict[str, Any], of_set: dict[str, Any]) -> str:
    table = tables.paired_table(record, of_set)
    if table is None:
        return ""
    shown = fold(_table(table, "findings"), len(table.rows), "comparisons")
    return f"<p>{sentences.PAIRED_NOTE}</p>\n{shown}"


def _plots(of_set: dict[str, Any]) -> str:
    try:
        found = plots(of_set)
    except ImportError:
        return (
            "<p>The curves are missing, since matplotlib is not installed: "
            "<code>pip install 'kolorit[evaluate]'</code></p>"
        )
    figures = [
        f"<figure>\n<figcaption><b>{plot.title}.</b> {plot.note}</figcaption>\n"
        f"{image(plot.png, 'png', plot.words, 'curve')}\n</figure>\n"
        for plot in found
    ]
    return f'<div class="blocks">\n{"".join(figures)}</div>' if figures else ""


def _table(table: Table | None, name: str = "") -> str:
    if table is None:
        return ""
    lines = [
        f'<tr class="{"base" if name in BASELINES else "system"}"><th scope="row">{text(name)}</th>'
        f"{''.join(map(_cell, cells))}</tr>"
        for name, cells in table.rows
    ]
    kind = f"{table.kind} {name or 'scores' if table.kind == 'numbers' else name}".rstrip()
    return table_of([*map(_head, table.heads)], lines, kind, text(table.caption))


def _head(head: Head) -> str:
    return f"{text(head.text)} <b>{text(head.aim)}</b>" if head.aim else text(head.text)


def _cell(cell: Cell) -> str:
    shown = text(cell.text)
    if cell.best:
        shown = f'<b>{shown}</b><span class="unseen"> best</span>'
    if cell.interval:
        shown += f" <small>{text(cell.interval)}</small>"
    return f'<td class="top">{shown}</td>' if cell.best else f"<td>{shown}</td>"


STYLE = """
body { max-width: 76rem }
h2 { font-size: 1.4rem; border-top: 1px solid var(--line); padding-top: 1.2rem }
h3 { font-size: 1.1rem; margin: 2rem 0 .6rem }
h4 { font-size: 1rem; margin: 0 0 .6rem; overflow-wrap: anywhere }
p, ul { max-width: 46rem }
a { color: inherit }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: 0; list-style: none }
.wide, pre { margin: 0 0 1.2rem }
.wide:focus-visible { outline: 3px solid #7ab8ff; outline-offset: 3px }
caption { text-align: left; color: var(--soft); font-size: .85rem; padding-bottom: .3rem }
.scores thead th { white-space: normal; vertical-align: bottom; hyphens: auto }
.scores { font-size: .84rem }
.scores th, .scores td { padding: .3rem .25rem }
.scores tr > :first-child { padding-left: 0 }
thead b { white-space: nowrap }
.findings td { white-space: nowrap }
.findings td:nth-child(2) { white-space: normal; min-width: 14rem }
[role] .words td { overflow-wrap: break-word } /* a hash or a path may be as wide as it is */
.scores tr > :first-child { position: sticky; left: 0; background: var(--back); text-align: left;
  white-space: normal; min-width: 5.5rem; max-width: 9rem; overflow-wrap: anywhere }
.scores .base td, .scores .base th { color: var(--soft) }
.scores .base + .system > * { border-top: 2px solid var(--soft) }
.scores small { display: block; color: var(--soft); font-size: .75rem }
.scores .top { background: var(--mark) }
.words small { color: var(--soft) }
.blocks { display: grid; gap: 1.2rem 2rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)) }
.blocks figure { margin: 0 0 .8rem; min-width: 0 }
figcaption { margin: 0 0 .3rem; overflow-wrap: anywhere }
.strip { display: grid; gap: .4rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(6.4rem, 1fr)) }
.strip small { display: block; font-size: .8rem; line-height: 1.3; overflow-wrap: anywhere }
.shot { width: 100%; max-height: 12rem; object-fit: contain; object-position: left top }
.slider { width: min(100%, var(--w) * 1.25px, 26rem * var(--w) / var(--h)) }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap }
"""
