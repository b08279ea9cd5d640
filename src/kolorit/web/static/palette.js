// The colours to choose from: likely ones of the place, used ones, any one, one from the picture.

import { fetchSuggestions } from "./api.js";
import { $, fillTrack, make } from "./dom.js";
import { chosenMark, desk, edits, isReady, marks, on, tell } from "./desk.js";
import { layOut } from "./edits.js";
import { makeLane } from "./lane.js";
import { useColour, useRadius } from "./marks.js";
import { complain } from "./say.js";
import { onStage } from "./stage.js";
import { withView } from "./views.js";
import { nameColour, percent } from "./words.js";

const GAP = 28; // px between the place and the palette
const RECENT = 8;

const palette = $("palette");
const lane = makeLane((problem) => {
  asked = ""; // the next look asks again
  $("suggested").replaceChildren(); // those that are shown are another place's
  complain(problem);
});
const recent = [];
let asked = ""; // the place that the suggestions are for

export function startPalette() {
  on("current tool hints view", show);
  on("edits", suggest);
  on("laid", putBeside);
  on("colour", ({ settled }) => settled && remember());
  $("palette-close").addEventListener("click", close);
  palette.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  startPicker();
  startRadius();
  $("take").addEventListener("click", () => {
    desk.taking = !desk.taking;
    tell("hints");
  });
}

/** To the first colour, for whoever works by keyboard. */
export function focusPalette() {
  (palette.querySelector("#suggested button") ?? $("picker")).focus();
}

/** The place that the palette speaks of, or null. */
function placeInHand() {
  return desk.spot ?? chosenMark()?.points.at(-1) ?? null;
}

function show() {
  const place = placeInHand();
  const open = isReady() && (desk.tool === "brush" || (desk.tool === "point" && place !== null));
  palette.hidden = !open;
  $("stage").classList.toggle("taking", desk.taking);
  $("take").setAttribute("aria-pressed", desk.taking);
  if (!open) return;
  $("palette-title").textContent = place ? "Which colour is it here?" : "Colour of the brush";
  $("suggested-part").hidden = !place;
  $("radius").value = 100 * desk.radius;
  sayRadius();
  $("picker").value = long(chosenMark()?.colour ?? desk.colour);
  showRecent();
  suggest();
  putBeside();
}

function close() {
  if (desk.tool === "brush") {
    palette.hidden = true;
  } else {
    Object.assign(desk, { spot: null, chosen: null, taking: false });
    tell("hints");
  }
  $("cross").focus({ preventScroll: true });
}

/** Likely colours of the place, as the network sees it without the hint that stands there. */
function suggest() {
  const place = placeInHand();
  if (palette.hidden || !place) return;
  const picture = desk.current;
  const others = layOut(marks().filter((mark) => mark.key !== desk.chosen));
  const key = JSON.stringify([picture.key, place, others]);
  if (key === asked) return markPressed();
  asked = key;
  lane.run(async (signal) => {
    const ask = (id) => fetchSuggestions(id, place, others, signal);
    const found = await withView(picture, ask, signal);
    if (key !== asked) return;
    const swatches = found.map(({ colour, share }) => swatch(colour, percent(share)));
    $("suggested").replaceChildren(...swatches);
    markPressed();
  });
}

function swatch(colour, share = "") {
  const words = [nameColour(colour), share].filter(Boolean).join(", ");
  const button = make("button", { type: "button", className: "swatch", title: words });
  button.setAttribute("aria-label", words);
  button.dataset.colour = colour;
  button.style.setProperty("--colour", colour);
  button.addEventListener("click", () => useColour(colour));
  return make("li", {}, button, ...(share ? [make("span", { "aria-hidden": "true" }, share)] : []));
}

function markPressed() {
  const colour = desk.tool === "brush" ? desk.colour : chosenMark()?.colour;
  for (const button of palette.querySelectorAll(".swatch")) {
    button.setAttribute("aria-pressed", button.dataset.colour === colour);
  }
}

function showRecent() {
  $("recent-part").hidden = !recent.length;
  const shown = [...$("recent").querySelectorAll("button")].map((b) => b.dataset.colour);
  if (shown.join() !== recent.join()) {
    $("recent").replaceChildren(...recent.map((colour) => swatch(colour)));
  }
  markPressed();
}

function remember() {
  if (recent.includes(desk.colour)) return;
  recent.unshift(desk.colour);
  recent.splice(RECENT);
  showRecent();
}

function startPicker() {
  let since = null;
  $("picker").addEventListener("input", () => {
    since ??= edits();
    if (chosenMark() || !desk.spot) useColour($("picker").value, { settled: false });
  });
  $("picker").addEventListener("change", () => {
    useColour($("picker").value, desk.spot ? {} : { since: since ?? edits() });
    since = null;
  });
}

function startRadius() {
  let since = null;
  const radius = () => $("radius").valueAsNumber / 100;
  $("radius").addEventListener("input", () => {
    since ??= edits();
    useRadius(radius(), { settled: false });
    sayRadius();
  });
  $("radius").addEventListener("change", () => {
    useRadius(radius(), { since: since ?? edits() });
    since = null;
  });
}

function sayRadius() {
  const words = `${(2 * $("radius").valueAsNumber).toFixed(1)} %`;
  fillTrack($("radius"));
  $("radius-says").textContent = words;
  $("radius").setAttribute("aria-valuetext", `${words} of the long side`);
}

/** On the side of the place that has more room; the style decides otherwise on small screens. */
function putBeside() {
  if (palette.hidden) return;
  const place = placeInHand();
  const stage = $("stage");
  const [width, height] = [palette.offsetWidth, palette.offsetHeight];
  const within = (n, size) => Math.max(8, Math.min(n, size - 8));
  let at = { x: 16, y: stage.clientHeight - height - 16 };
  if (place) {
    const spot = onStage(place);
    const right = spot.x + GAP + width < stage.clientWidth - 8;
    at = { x: right ? spot.x + GAP : spot.x - GAP - width, y: spot.y - height / 3 };
  }
  palette.style.setProperty("left", `${within(at.x, stage.clientWidth - width)}px`);
  palette.style.setProperty("top", `${within(at.y, stage.clientHeight - height)}px`);
}

/** "#rgb" as the picker wants it. */
const long = (colour) =>
  colour.length === 4 ? `#${[...colour.slice(1)].map((d) => d + d).join("")}` : colour;
