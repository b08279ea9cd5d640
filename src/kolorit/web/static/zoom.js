// How large the photograph is shown: buttons, keys, wheel.

import { $ } from "./dom.js";
import { fitMagnification, magnification, zoomTo } from "./stage.js";

// Screen pixels for one of the photograph; with the last, a finger meets a single pixel.
const STEPS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32];
const stage = $("stage");
const scroller = $("scroller");

/** Larger by a factor, around a point of the window; never smaller than the whole photograph. */
export function zoomBy(factor, anchor) {
  const now = magnification();
  const top = STEPS.at(-1);
  const next = Math.min(top, now * factor);
  zoomTo(next <= fitMagnification() ? "fit" : next, anchor);
}

function stepZoom(direction) {
  const now = magnification();
  const next =
    direction > 0
      ? STEPS.find((step) => step > now * 1.01)
      : STEPS.findLast((step) => step < now * 0.99);
  zoomBy((next ?? now) / now);
}

export function startZoom() {
  const acts = {
    smaller: () => stepZoom(-1),
    larger: () => stepZoom(1),
    fit: () => zoomTo("fit"),
    whole: () => zoomTo(1),
  };
  for (const [id, act] of Object.entries(acts)) $(id).addEventListener("click", act);
  const keys = { "+": "larger", "=": "larger", "-": "smaller", 0: "fit", 1: "whole" };
  stage.addEventListener("keydown", (event) => {
    const name = event.ctrlKey || event.metaKey || event.altKey ? null : keys[event.key];
    if (!name || event.target.closest(".palette")) return;
    event.preventDefault();
    acts[name]();
  });
  scroller.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls
      event.preventDefault();
      zoomBy(Math.exp(-event.deltaY / 300), { x: event.clientX, y: event.clientY });
    },
    { passive: false },
  );
}
