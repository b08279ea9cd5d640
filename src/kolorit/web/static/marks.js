// What can be done with hints: chosen, given a colour and a size, moved, taken away.

import { chosenMark, commit, desk, marks, preview, tell } from "./desk.js";
import { makeMark, moved, withMark } from "./edits.js";
import { say } from "./say.js";
import { fullSize } from "./stage.js";
import { nameColour, namePlace } from "./words.js";

/** Gives the colour to the place or the hint that is chosen; the brush takes it too. */
export function useColour(colour, { since, settled = true } = {}) {
  desk.colour = colour;
  if (desk.spot) {
    const mark = makeMark([desk.spot], colour, desk.radius);
    Object.assign(desk, { spot: null, chosen: mark.key });
    commit({ marks: [...marks(), mark] });
    say(`Hint: ${nameColour(colour)}, ${namePlace(mark.points[0])}.`, { quiet: true });
  } else if (chosenMark()) {
    const patch = { marks: withMark(marks(), desk.chosen, { colour }) };
    if (settled) commit(patch, { since });
    else preview(patch);
  }
  tell("colour", { settled });
  tell("hints");
}

/** Another size for what comes next, and for the hint that is chosen. */
export function useRadius(radius, { since, settled = true } = {}) {
  desk.radius = radius;
  if (chosenMark()) {
    const patch = { marks: withMark(marks(), desk.chosen, { radius }) };
    if (settled) commit(patch, { since });
    else preview(patch);
  }
  tell("hints");
}

export function removeMark(key) {
  if (desk.chosen === key) desk.chosen = null;
  commit({ marks: marks().filter((mark) => mark.key !== key) });
  say("Hint taken away.", { quiet: true });
}

export function chooseMark(key) {
  Object.assign(desk, { chosen: key, spot: null });
  const mark = chosenMark();
  if (mark) Object.assign(desk, { colour: mark.colour, radius: mark.radius });
  tell("hints");
}

export function chooseSpot(place) {
  Object.assign(desk, { spot: place, chosen: null });
  tell("hints");
}

/** Moves a mark by pixels of the photograph. */
export function moveMark(key, dx, dy) {
  const [width, height] = fullSize();
  const mark = marks().find((one) => one.key === key);
  const change = moved(mark, dx / width, dy / height);
  commit({ marks: withMark(marks(), key, change) }, { name: `move ${key}` });
}
