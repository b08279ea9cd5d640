// The tools for hints: click a place, paint, rub out, drag.

import { $ } from "./dom.js";
import { commit, desk, edits, isReady, marks, on, preview, tell } from "./desk.js";
import { makeCross } from "./cross.js";
import { makeMark, moved, withMark } from "./edits.js";
import { chooseMark, chooseSpot, removeMark, useColour } from "./marks.js";
import { colourAt } from "./pixels.js";
import { say } from "./say.js";
import { drawRing } from "./spots.js";
import { fullSize, reveal, sheetSize } from "./stage.js";
import { defineTool, toolInHand } from "./tools.js";
import { nameColour } from "./words.js";

const NEAR = 14; // px: as near to a hint as a finger comes
const DRAG = 4; // px that a hint must move before it counts as dragged
const CLOSE = 1.2; // radii between two points of a stroke

let drag = null; // {since, mark, from, far} of the stroke or the hint under way

export function startHintTools() {
  $("sheet").addEventListener("contextmenu", (event) => {
    const found = desk.tool !== "compare" && isReady() && nearest(placeOf(event));
    if (!found) return;
    event.preventDefault();
    removeMark(found.mark.key);
  });
  const cross = makeCross($("cross"), {
    size: fullSize,
    use: (place) => {
      const tool = toolInHand();
      tool.down?.(place, {});
      tool.up?.(place, {});
    },
    moved: (place) => {
      reveal(place);
      tell("hover", place);
    },
  });
  on("hints", () => desk.spot && cross.put(desk.spot));
}

/** The colour that the photograph shows at a place, for whatever is chosen. */
function take(place) {
  const colour = colourAt($("shown"), place);
  desk.taking = false;
  useColour(colour);
  say(`Took ${nameColour(colour)}.`);
}

function placeOf(event) {
  const box = $("sheet").getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

/** px on the screen between two places. */
function far(a, b) {
  const [width, height] = sheetSize();
  return Math.hypot((a.x - b.x) * width, (a.y - b.y) * height);
}

/** Places on the way to another, the first after one step; the hand is quicker than its events.
 *  step: of the long side. */
function between(from, to, step) {
  const count = Math.floor(far(from, to) / (step * Math.max(...sheetSize())));
  const share = (k) => (k * step * Math.max(...sheetSize())) / far(from, to);
  return Array.from({ length: count }, (_, k) => ({
    x: from.x + share(k + 1) * (to.x - from.x),
    y: from.y + share(k + 1) * (to.y - from.y),
  }));
}

/** The hint under a place: {mark, point}, or null. */
function nearest(place) {
  let found = null;
  let least = NEAR;
  for (const mark of marks()) {
    for (const point of mark.points) {
      const distance = far(point, place);
      if (distance > least) continue;
      least = distance;
      found = { mark, point };
    }
  }
  return found;
}

function begin(mark, place) {
  drag = { since: edits(), mark, from: place, far: false };
}

function forget() {
  if (drag) preview({ marks: drag.since.marks });
  drag = null;
}

defineTool("point", {
  down: (place) => {
    if (desk.taking) return;
    const found = nearest(place);
    drag = null;
    if (found) begin(found.mark, place);
  },
  move: (place) => {
    if (!drag || (!drag.far && far(place, drag.from) < DRAG)) return;
    drag.far = true;
    const change = moved(drag.mark, place.x - drag.from.x, place.y - drag.from.y);
    preview({ marks: withMark(drag.since.marks, drag.mark.key, change) });
  },
  up: (place, event) => {
    if (event.button === 2) return;
    if (desk.taking) return take(place);
    if (!drag) return chooseSpot(place);
    const { mark, far: dragged, since } = drag;
    drag = null;
    chooseMark(mark.key);
    if (dragged) commit({}, { since });
  },
  cancel: forget,
});

defineTool("brush", {
  down: (place) => {
    if (desk.taking) return;
    begin(makeMark([place], desk.colour, desk.radius), place);
    preview({ marks: [...marks(), drag.mark] });
  },
  move: (place) => {
    drawRing(place);
    if (!drag) return;
    const { mark, since } = drag;
    const points = between(mark.points.at(-1), place, CLOSE * mark.radius);
    if (!points.length) return;
    drag.mark = { ...mark, points: [...mark.points, ...points] };
    preview({ marks: [...since.marks, drag.mark] });
  },
  up: (place) => {
    if (desk.taking) return take(place);
    if (!drag) return;
    const { since } = drag;
    drag = null;
    commit({}, { since });
    tell("colour", { settled: true });
  },
  cancel: forget,
  hover: drawRing,
  leave: () => drawRing(null),
});

defineTool("erase", {
  down: (place) => {
    begin(null, place);
    rub(place);
  },
  move: rub,
  up: () => {
    if (!drag) return;
    const { since } = drag;
    drag = null;
    if (marks() !== since.marks) commit({}, { since });
  },
  cancel: forget,
  hover: drawRing,
  leave: () => drawRing(null),
});

/** Takes away the points of all hints that the rubber touches. */
function rub(place) {
  drawRing(place);
  if (!drag) return;
  const longest = Math.max(...sheetSize());
  const reach = Math.max(NEAR, desk.radius * longest);
  const way = [place, ...between(drag.from, place, reach / 2 / longest)];
  const isLeft = (point) => way.every((one) => far(point, one) > reach);
  drag.from = place;
  const left = marks()
    .map((mark) => ({ ...mark, points: mark.points.filter(isLeft) }))
    .filter((mark) => mark.points.length);
  const size = (list) => list.reduce((sum, mark) => sum + mark.points.length, 0);
  if (size(left) !== size(marks())) preview({ marks: left });
}
