"""``--compare slider``: one page that holds both pictures and needs nothing else."""

from __future__ import annotations

import base64
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
    """HTML in UTF-8 that opens anywhere, offline too. name: of the photograph, for the title.

    The line follows mouse, finger and arrow keys; without scripts both halves are shown.
    """
    from kolorit.picture.compare import shrink_picture
    from kolorit.picture.encode import encode

    pictures = [shrink_picture(picture, LONGEST) for picture in (before, after)]
    places = [
        "data:image/jpeg;base64," + base64.b64encode(encode(p, "JPEG", QUALITY)).decode()
        for p in pictures
    ]
    title = escape(plain(os.path.basename(name)) or "photograph")
    filling = {
        "TITLE": title,
        "WIDTH": str(pictures[0].width),
        "HEIGHT": str(pictures[0].height),
        "BEFORE": places[0],
        "AFTER": places[1],
    }
    return re.sub(r"@([A-Z]+)@", lambda blank: filling[blank[1]], _PAGE).encode()


# The range input carries keyboard and screen reader; the stage carries mouse and finger, since an
# input's own thumb would lag behind the finger near the edges.
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
 style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>@TITLE@ - before and after</title>
<style>
:root { color-scheme: dark; --at: 50% }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-content: center;
  justify-items: center; gap: 12px; padding: 12px; background: #17181a; color: #d9dadc;
  font: 15px/1.4 system-ui, sans-serif }
h1 { margin: 0; font-size: 15px; font-weight: 500; max-width: 100%; overflow-wrap: anywhere;
  text-align: center }
#stage { position: relative; overflow: hidden; border-radius: 6px; touch-action: pan-y;
  cursor: ew-resize; user-select: none; -webkit-user-select: none;
  aspect-ratio: @WIDTH@ / @HEIGHT@;
  width: min(100vw - 24px, @WIDTH@px, (100vh - 90px) * @WIDTH@ / @HEIGHT@) }
#stage img { position: absolute; inset: 0; width: 100%; height: 100%; display: block }
#before { clip-path: inset(0 calc(100% - var(--at)) 0 0) }
#line { position: absolute; inset: 0 auto 0 var(--at); width: 2px; margin-left: -1px;
  background: #fff; box-shadow: 0 0 6px #000a; pointer-events: none }
#line::after { content: "\\2039\\2009\\203a"; position: absolute; top: 50%; left: 50%;
  translate: -50% -50%; width: 40px; height: 40px; border-radius: 50%; background: #fff;
  color: #222; font-size: 24px; line-height: 35px; text-align: center; box-shadow: 0 1px 6px #0008 }
.word { position: absolute; bottom: 10px; padding: 2px 10px; border-radius: 12px;
  background: #000a; color: #fff; font-size: 13px; pointer-events: none }
#range { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  pointer-events: none }
#stage:has(#range:focus-visible) { outline: 3px solid #7ab8ff; outline-offset: 3px }
p { margin: 0; color: #9a9ca0; font-size: 13px; text-align: center }
</style>
<h1>@TITLE@</h1>
<div id="stage">
<img src="@AFTER@" alt="The photograph, coloured by Kolorit" draggable="false">
<img id="before" src="@BEFORE@" alt="The photograph as it was" draggable="false">
<div id="line"></div>
<span class="word" style="left:10px">before</span>
<span class="word" style="right:10px">after</span>
<input id="range" type="range" min="0" max="100" step="1" value="50"
 aria-label="How much of the photograph is shown as it was, in percent">
</div>
<p>Drag the line, or use the arrow keys. The colours were guessed by a model.</p>
<script>
"use strict";
const stage = document.getElementById("stage"), range = document.getElementById("range");
const show = at => document.documentElement.style.setProperty("--at", at + "%");
const follow = event => {
  const box = stage.getBoundingClientRect();
  const at = Math.min(100, Math.max(0, 100 * (event.clientX - box.left) / box.width));
  range.value = at;
  show(at);
};
range.addEventListener("input", () => show(range.value));
stage.addEventListener("pointerdown", event => {
  stage.setPointerCapture(event.pointerId);
  range.focus({ preventScroll: true });
  follow(event);
});
stage.addEventListener("pointermove", event => { if (event.buttons) follow(event); });
</script>
</html>
"""
