"""``--compare slider``: one page that holds both pictures and needs nothing else."""

from __future__ import annotations

import os
import re
from html import escape
from typing import TYPE_CHECKING

from kolorit.cli.words import plain

if TYPE_CHECKING:
    from kolorit.picture.picture import Picture

LONGEST = 1600  # pixels of the long side of each picture in the page
QUALITY = 86


def slider_page(name: str, before: Picture, after: Picture) -> bytes:
    """HTML in UTF-8 that opens anywhere, offline too. name: of the photograph, for the title."""
    from kolorit.evaluate.page import source
    from kolorit.evaluate.slider import SCRIPT, STYLE, slider
    from kolorit.picture.compare import shrink_picture
    from kolorit.picture.encode import encode

    pictures = [shrink_picture(picture, LONGEST) for picture in (before, after)]
    places = [source(encode(picture, "JPEG", QUALITY), "jpeg") for picture in pictures]
    filling = {
        "TITLE": escape(plain(os.path.basename(name)) or "photograph"),
        "SLIDER": slider(
            places[0],
            places[1],
            size=(pictures[0].height, pictures[0].width),
            alts=("The photograph as it was", "The photograph, coloured by Kolorit"),
            what="the photograph",
        ),
        "STYLE": STYLE,
        "SCRIPT": SCRIPT,
    }
    return re.sub(r"@([A-Z]+)@", lambda blank: filling[blank[1]], _PAGE).encode()


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
 style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>@TITLE@ - before and after</title>
<style>
:root { color-scheme: dark }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-content: center;
  justify-items: center; gap: 12px; padding: 12px; background: #17181a; color: #d9dadc;
  font: 15px/1.4 system-ui, sans-serif }
h1 { margin: 0; font-size: 15px; font-weight: 500; max-width: 100%; overflow-wrap: anywhere;
  text-align: center }
p { margin: 0; color: #9a9ca0; font-size: 13px; text-align: center }
@STYLE@
.slider { width: min(100vw - 24px, var(--w) * 1px, (100vh - 90px) * var(--w) / var(--h)) }
</style>
<h1>@TITLE@</h1>
@SLIDER@
<p>Drag the line, or use the arrow keys. The colours were guessed by a model.</p>
<script>@SCRIPT@</script>
</html>
"""
