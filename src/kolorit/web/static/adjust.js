// Look, strength, saturation and warmth; undo and redo.

import { $, fillTrack, make } from "./dom.js";
import { commit, desk, edits, isReady, on, preview, tell } from "./desk.js";
import { FRESH, redo, undo } from "./edits.js";
import { say } from "./say.js";
import { count, percent } from "./words.js";

const SLIDERS = ["strength", "saturation", "warmth"];
const WORDS = {
  strength: (share) => percent(share),
  saturation: (share) => percent(share),
  warmth: (share) =>
    share ? `${percent(Math.abs(share))} ${share < 0 ? "cooler" : "warmer"}` : "as it is",
};

export function startAdjust() {
  on("current view edits", show);
  on("current view", showLooks);
  SLIDERS.forEach(startSlider);
  $("reset").addEventListener("click", () => {
    const { marks, ...rest } = FRESH;
    commit({ ...rest, look: $("looks").querySelector("input").value });
  });
  startUndo();
}

function startSlider(name) {
  const slider = $(name);
  let since = null;
  slider.addEventListener("input", () => {
    if (!isReady()) return;
    since ??= edits();
    preview({ [name]: slider.valueAsNumber / 100 });
  });
  slider.addEventListener("change", () => {
    if (isReady()) commit({ [name]: slider.valueAsNumber / 100 }, { since, name });
    since = null;
  });
}

function show() {
  const { past, future } = desk.current?.history ?? { past: [], future: [] };
  $("undo").disabled = !past.length;
  $("redo").disabled = !future.length;
  if (!desk.current) return;
  const now = edits();
  for (const name of SLIDERS) {
    const slider = $(name);
    const share = now[name];
    slider.value = Math.round(100 * share);
    slider.setAttribute("aria-valuetext", WORDS[name](share));
    $(`${name}-says`).textContent = WORDS[name](share);
    fillTrack(slider);
  }
  for (const radio of $("looks").querySelectorAll("input")) {
    radio.checked = radio.value === now.look;
  }
  const untouched = [...SLIDERS, "alternative"].every((name) => now[name] === FRESH[name]);
  const first = $("looks").querySelector("input")?.value ?? now.look;
  $("reset").disabled = untouched && now.look === first;
}

/** The looks of the model that the server has. */
function showLooks() {
  const names = desk.current?.view?.looks ?? [];
  const shown = [...$("looks").querySelectorAll("input")].map((radio) => radio.value);
  if (!names.length || names.join() === shown.join()) return;
  const choices = names.map((name) => {
    const radio = make("input", { type: "radio", name: "look", value: name });
    radio.addEventListener("change", () => commit({ look: name }));
    return make("label", {}, radio, make("span", {}, name[0].toUpperCase() + name.slice(1)));
  });
  $("looks").replaceChildren(...choices);
  show();
}

function startUndo() {
  $("undo").addEventListener("click", () => go(undo, "Undone"));
  $("redo").addEventListener("click", () => go(redo, "Done again"));
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "z") go(event.shiftKey ? redo : undo, event.shiftKey ? "Done again" : "Undone");
    else if (key === "y") go(redo, "Done again");
    else return;
    event.preventDefault();
  });
}

function go(way, words) {
  if (!isReady() || !way(desk.current.history)) return;
  Object.assign(desk, { spot: null });
  tell("edits", { atOnce: true });
  tell("hints");
  const left = desk.current.history.past.length;
  say(`${words}. ${count(left, "step")} can be undone.`, { quiet: true });
}
