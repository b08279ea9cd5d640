"""Pieces of HTML for a report, escaped, and the page around them: light and dark."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape

MANY = 25  # rows of a table that is folded up


def page(title: str, body: str, style: str = "", script: str = "") -> str:
    """The whole page around ready HTML. style, script: more of them; no other script can run."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    filling = {
        "TITLE": title,
        "BODY": body,
        "STYLE": style,
        "ALLOWED": f"; script-src 'sha256-{digest}'" if script else "",
        "SCRIPT": f"<script>{script}</script>\n" if script else "",
    }
    return re.sub(r"@([A-Z]+)@", lambda blank: filling[blank[1]], PAGE)


def plain(text: str) -> str:
    """What would turn the text's direction or is no character, spelt out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def text(value: object) -> str:
    return escape(plain(str(value)))


def source(content: bytes, kind: str) -> str:
    """A picture's bytes as an address. kind: png or jpeg."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def image(content: bytes, kind: str, words: str, name: str) -> str:
    return f'<img class="{name}" src="{source(content, kind)}" alt="{text(words)}">'


def pairs(table: dict[str, str]) -> str:
    lines = [f'<tr><th scope="row">{text(k)}</th><td>{text(v)}</td></tr>' for k, v in table.items()]
    return table_of([], lines, "words") if lines else ""


def table_of(heads: list[str], lines: list[str], kind: str = "numbers", caption: str = "") -> str:
    """An HTML table of ready rows; it scrolls sideways where it is wider than the page.

    caption: ready HTML; with one, the keyboard can scroll the table too.
    """
    head = "".join(f'<th scope="col">{word}</th>' for word in heads)
    head = f"<thead><tr>{head}</tr></thead>\n" if heads else ""
    rows = "\n".join(lines)
    reach = f' tabindex="0" role="region" aria-label="{caption}"' if caption else ""
    caption = f"<caption>{caption}</caption>\n" if caption else ""
    return (
        f'<div class="wide"{reach}><table class="{kind}">\n{caption}{head}<tbody>\n{rows}\n'
        f"</tbody></table></div>"
    )


def fold(content: str, count: int, what: str) -> str:
    if count <= MANY:
        return content
    return f"<details><summary>all {count:,} {what}</summary>\n{content}\n</details>"


PAGE = """<!doctype html>
<html lang="en-GB">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
 style-src 'unsafe-inline'@ALLOWED@">
<title>@TITLE@</title>
<style>
:root { color-scheme: light dark; --back: #fff; --ink: #1c1d20; --soft: #5c5f66; --line: #dcdde0;
  --card: #f4f5f6; --mark: #e3f0e4 }
@media (prefers-color-scheme: dark) {
  :root { --back: #1a1a1a; --ink: #e4e5e7; --soft: #a3a6ad; --line: #3a3c40; --card: #252628;
    --mark: #23382a }
  .curve { filter: invert(.9) hue-rotate(180deg) } /* its white becomes --back */
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 50rem; padding: 1rem; background: var(--back);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0 1rem }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .7rem }
pre, .figures div { background: var(--card); border-radius: 6px; padding: .6rem .8rem; margin: 0 }
pre { overflow-x: auto }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .6rem;
  margin: 1rem 0 }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end }
dt, figcaption { color: var(--soft); font-size: .85rem }
dd { margin: 0; font-size: 1.25rem }
img { display: block; max-width: 100%; height: auto }
.curve { width: 100%; max-width: 38rem }
.grid { width: 100%; max-width: 36rem; border-radius: 4px }
figure { margin: 0 0 1.4rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; font-weight: 400 }
thead th, .words th { color: var(--soft) }
.numbers th, .numbers td { text-align: right; padding: .3rem .6rem; white-space: nowrap;
  font-variant-numeric: tabular-nums }
.words td { overflow-wrap: anywhere }
.best th, .best td { background: var(--mark) }
summary { cursor: pointer; padding: .4rem 0 }
@STYLE@</style>
<body>
<main>
@BODY@
</main>
@SCRIPT@</body>
</html>
"""
