// Before and after: a line over the photograph that follows mouse, finger and keys.

import { $ } from "./dom.js";
import { desk, on } from "./desk.js";
import { seenPart } from "./stage.js";
import { defineTool } from "./tools.js";

const REST = 33; // where the line stands at first, in per cent from the left
const SWEEP = 900; // ms that the colours take to come in
const STEP = 10; // per cent, with Shift and for the page keys

const divider = $("divider");
const sheet = $("sheet");
let at = REST;
let sweeping = 0;

export function startCompare() {
  divider.addEventListener("input", () => put(divider.valueAsNumber));
  divider.addEventListener("keydown", takeKey);
  on("coloured", ({ first }) => first && put(100));
  on("drawn", ({ first }) => first && sweep());
  on("tool current", showLine);
  on("laid", lay);
  startOriginal();
  put(REST);
}

/** Puts the line at so many per cent from the left of what is seen. */
function put(wish) {
  cancelAnimationFrame(sweeping);
  at = Math.min(100, Math.max(0, wish));
  const value = Math.round(at);
  divider.value = value;
  divider.setAttribute("aria-valuetext", `${100 - value} % coloured`);
  lay();
}

/** Where that is on the whole photograph, which may be larger than its window. */
function lay() {
  const { left, right, top, bottom } = seenPart();
  sheet.style.setProperty("--at", `${100 * left + at * (right - left)}%`);
  sheet.style.setProperty("--middle", `${50 * (top + bottom)}%`);
}

function sweep() {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return put(REST);
  const began = performance.now();
  const frame = (now) => {
    const share = Math.min(1, (now - began) / SWEEP);
    put(100 - (100 - REST) * (1 - (1 - share) ** 3));
    if (share < 1) sweeping = requestAnimationFrame(frame);
  };
  sweeping = requestAnimationFrame(frame);
}

function takeKey(event) {
  const { key, shiftKey } = event;
  const size = shiftKey ? STEP : 1;
  const steps = {
    ArrowLeft: -size,
    ArrowDown: -size,
    ArrowRight: size,
    ArrowUp: size,
    PageDown: -STEP,
    PageUp: STEP,
    Home: -100,
    End: 100,
  };
  if (!(key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  put(divider.valueAsNumber + steps[key]);
}

function showLine() {
  const comparing = desk.tool === "compare";
  divider.hidden = $("line").hidden = !comparing;
  sheet.classList.toggle("comparing", comparing);
}

/** The button is held; a click without a pointer, as assistive software sends it, switches. */
function startOriginal() {
  const button = $("original");
  const show = (shown) => {
    button.setAttribute("aria-pressed", shown);
    sheet.classList.toggle("original", shown);
  };
  const isShown = () => button.getAttribute("aria-pressed") === "true";
  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    show(true);
  });
  for (const end of ["pointerup", "pointercancel", "blur"]) {
    button.addEventListener(end, () => show(false));
  }
  button.addEventListener("keydown", (event) => {
    if (![" ", "Enter"].includes(event.key)) return;
    event.preventDefault();
    show(true);
  });
  button.addEventListener("keyup", () => show(false));
  button.addEventListener("click", (event) => {
    if (event.detail === 0 && event.isTrusted) show(!isShown());
  });
}

function follow({ x }) {
  const { left, right } = seenPart();
  put((100 * (x - left)) / (right - left));
}

defineTool("compare", {
  down: (place) => {
    divider.focus({ preventScroll: true });
    follow(place);
  },
  move: follow,
});
