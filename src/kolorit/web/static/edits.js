// What is wanted for one photograph, and the way back: plain values, each step a new one.
//
// A mark is what a person put down: one click, or one stroke of the brush with many points. The
// server and the command line know only single hints, so marks are laid out as such.

const STEPS = 200; // that can be undone
const TOGETHER = 1000; // ms

/** Where every photograph starts; strength, saturation and warmth as the server takes them. */
export const FRESH = Object.freeze({
  look: "vivid",
  strength: 1,
  saturation: 1,
  warmth: 0,
  alternative: 0,
  marks: Object.freeze([]), // {key, colour, radius, points: [{x, y}]}
});

export const makeHistory = () => ({ now: FRESH, past: [], future: [], name: null, time: 0 });

/** One step: what changes. since: the state that an undo goes back to, where `now` already moved.
 *  name: steps of one name that follow each other quickly are one, as when a key is held. */
export function step(history, patch, { since, name = null } = {}) {
  const time = performance.now();
  const same = name !== null && name === history.name && time - history.time < TOGETHER;
  if (!same || !history.past.length) history.past.push(since ?? history.now);
  Object.assign(history, { name, time });
  history.past.splice(0, history.past.length - STEPS);
  history.future = [];
  history.now = { ...history.now, ...patch };
}

/** Whether there was a step to go back to. */
export function undo(history) {
  return shift(history, history.past, history.future);
}

export function redo(history) {
  return shift(history, history.future, history.past);
}

function shift(history, from, to) {
  if (!from.length) return false;
  to.push(history.now);
  history.name = null;
  history.now = from.pop();
  return true;
}

/** Marks as single hints: [{x, y, radius, colour}], all relative, as in the file of hints. */
export function layOut(marks) {
  return marks.flatMap(({ points, radius, colour }) =>
    points.map(({ x, y }) => ({ x: tidy(x), y: tidy(y), radius: tidy(radius), colour })),
  );
}

/** The options of a request. */
export function wanted({ marks, ...options }) {
  return { ...options, hints: layOut(marks) };
}

const tidy = (number) => Math.round(number * 1e5) / 1e5;

let keys = 0;

export function makeMark(points, colour, radius) {
  keys += 1;
  return { key: keys, points, colour, radius };
}

/** Marks with one of them changed; a mark without points is left out. */
export function withMark(marks, key, change) {
  return marks
    .map((mark) => (mark.key === key ? { ...mark, ...change } : mark))
    .filter((mark) => mark.points.length);
}

/** A mark moved by a share of width and height, kept inside. */
export function moved(mark, dx, dy) {
  const inside = (n) => Math.min(1, Math.max(0, n));
  return { points: mark.points.map(({ x, y }) => ({ x: inside(x + dx), y: inside(y + dy) })) };
}
