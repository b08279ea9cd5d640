"""Before and after as one picture with a line to drag: HTML, its style and its script.

The line follows mouse, finger and arrow keys; without the script both halves are shown. A page
may hold any number of them, and decides how wide they are.
"""

from __future__ import annotations

from kolorit.evaluate.page import text


def slider(
    before: str, after: str, *, size: tuple[int, int], alts: tuple[str, str], what: str
) -> str:
    """HTML of one slider. before, after: addresses of two pictures of one size (height, width).

    alts: what the two show. what: of which the slider shows a part, for screen readers.
    """
    height, width = size
    return f"""<div class="slider" style="--w: {width}; --h: {height}">
<img src="{after}" alt="{text(alts[1])}" draggable="false">
<img class="before" src="{before}" alt="{text(alts[0])}" draggable="false">
<div class="line"></div>
<span class="word" style="left:10px">before</span>
<span class="word" style="right:10px">after</span>
<input type="range" min="0" max="100" step="1" value="50"
 aria-label="How much of {text(what)} is shown as it was, in percent">
</div>"""


# The range input carries keyboard and screen reader; the stage carries mouse and finger, since an
# input's own thumb would lag behind the finger near the edges.
STYLE = """
.slider { --at: 50%; position: relative; overflow: hidden; border-radius: 6px;
  touch-action: pan-y; cursor: ew-resize; user-select: none; -webkit-user-select: none;
  aspect-ratio: var(--w) / var(--h) }
.slider img { position: absolute; inset: 0; width: 100%; height: 100%; display: block }
.slider .before { clip-path: inset(0 calc(100% - var(--at)) 0 0) }
.slider .line { position: absolute; inset: 0 auto 0 var(--at); width: 2px; margin-left: -1px;
  background: #fff; box-shadow: 0 0 6px #000a; pointer-events: none }
.slider .line::after { content: "\\2039\\2009\\203a"; position: absolute; top: 50%; left: 50%;
  translate: -50% -50%; width: 40px; height: 40px; border-radius: 50%; background: #fff;
  color: #222; font-size: 24px; line-height: 35px; text-align: center; box-shadow: 0 1px 6px #0008 }
.slider .word { position: absolute; bottom: 10px; padding: 2px 10px; border-radius: 12px;
  background: #000a; color: #fff; font-size: 13px; pointer-events: none }
.slider input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  pointer-events: none }
.slider:has(input:focus-visible) { outline: 3px solid #7ab8ff; outline-offset: 3px }
"""

SCRIPT = """
"use strict";
for (const stage of document.querySelectorAll(".slider")) {
  const range = stage.querySelector("input");
  const show = at => stage.style.setProperty("--at", at + "%");
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
  show(range.value);
}
"""
