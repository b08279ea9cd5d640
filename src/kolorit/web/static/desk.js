// What lies on the desk: photographs, the one that is looked at, the tool in hand; and who is
// told when something of it changes.

import { step } from "./edits.js";

/** current: one of pictures, or null. chosen: key of a mark. spot: a place {x, y} still without
 *  colour. colour: what the brush paints. radius: of the long side. taking: what the next click
 *  does is take a colour. */
export const desk = {
  pictures: [],
  current: null,
  tool: "compare",
  chosen: null,
  spot: null,
  colour: "#8a3324",
  radius: 0.02,
  taking: false,
};

const listeners = new Map();

/** Runs when one of these happens.
 *
 *  pictures: the list, or the state of one. current: another is looked at. view: what is there of
 *  it. coloured, drawn: new colours have come, are seen. edits: other colours are wanted. tool.
 *  hints: what is chosen. colour: one was used. laid: place or size on the screen. hover: a place.
 */
export function on(names, run) {
  for (const name of names.split(" ")) {
    if (!listeners.has(name)) listeners.set(name, []);
    listeners.get(name).push(run);
  }
}

export function tell(name, detail) {
  for (const run of listeners.get(name) ?? []) run(detail);
}

export const isReady = () => desk.current?.state === "ready";
export const edits = () => desk.current?.history.now ?? null;
export const marks = () => edits()?.marks ?? [];
export const chosenMark = () => marks().find((mark) => mark.key === desk.chosen) ?? null;

export function choosePicture(picture) {
  if (desk.current === picture) return;
  Object.assign(desk, { current: picture, chosen: null, spot: null, taking: false });
  tell("current");
}

export function chooseTool(tool) {
  Object.assign(desk, { tool, spot: null, taking: false });
  if (tool !== "point") desk.chosen = null;
  tell("tool");
}

/** Edits that are shown but no step yet: a slider on its way, a hint that is dragged. */
export function preview(patch) {
  desk.current.history.now = { ...edits(), ...patch };
  tell("edits", { atOnce: false });
}

/** One step that can be undone. since: where an undo goes, if previews came before. name: of steps
 *  that may melt into one; the picture then need not hurry. */
export function commit(patch, { since, name } = {}) {
  step(desk.current.history, patch, { since, name });
  tell("edits", { atOnce: !name });
}
