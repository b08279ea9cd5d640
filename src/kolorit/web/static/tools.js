// The tools: which is in hand, and which clicks and strokes on the photograph go to it.

import { $, arrow } from "./dom.js";
import { chooseTool, desk, isReady, on, tell } from "./desk.js";
import { placeAt } from "./stage.js";
import { zoomBy } from "./zoom.js";

const scroller = $("scroller");
const sheet = $("sheet");
const tools = {};
const pointers = new Map(); // those that are down: id -> {x, y} in the window
let pinch = null; // distance and middle of two fingers
let last = null; // where the tool that moves the photograph was

/** A tool: down(place, event), move, up; cancel when it turns out to be a pinch; hover(place) and
 *  leave() without a button. Places are {x, y} as shares of width and height. */
export function defineTool(name, handlers) {
  tools[name] = handlers;
}

export const toolInHand = () => tools[desk.tool];

export function startTools() {
  on("tool", showTool);
  startChoice();
  startPointers();
  showTool();
}

function showTool() {
  for (const button of $("tool-choice").children) {
    const chosen = button.dataset.tool === desk.tool;
    button.setAttribute("aria-checked", chosen);
    button.tabIndex = chosen ? 0 : -1;
  }
  $("stage").dataset.hand = desk.tool;
  $("cross").hidden = desk.tool === "compare";
}

function startChoice() {
  const choice = $("tool-choice");
  choice.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tool]");
    if (button) chooseTool(button.dataset.tool);
  });
  choice.addEventListener("keydown", (event) => {
    const move = arrow(event);
    if (!move) return;
    event.preventDefault();
    const buttons = [...choice.children];
    const at = buttons.indexOf(document.activeElement) + move[0] + move[1];
    const next = buttons.at(at % buttons.length);
    next.focus();
    chooseTool(next.dataset.tool);
  });
}

const pointOf = (event) => ({ x: event.clientX, y: event.clientY });

function startPointers() {
  sheet.addEventListener("pointerdown", (event) => {
    if (!isReady() || event.button === 1) return;
    pointers.set(event.pointerId, pointOf(event));
    sheet.setPointerCapture(event.pointerId);
    if (pointers.size === 2) {
      toolInHand()?.cancel?.();
      pinch = spread();
    } else if (pointers.size === 1) {
      toolInHand()?.down?.(placeAt(pointOf(event)), event);
    }
  });
  sheet.addEventListener("pointermove", (event) => {
    const tool = toolInHand();
    const place = placeAt(pointOf(event));
    tell("hover", place);
    if (!pointers.has(event.pointerId)) return tool?.hover?.(place, event);
    pointers.set(event.pointerId, pointOf(event));
    if (pinch) follow();
    else if (pointers.size === 1) tool?.move?.(place, event);
  });
  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    const tool = toolInHand();
    if (pinch) pinch = pointers.size ? pinch : null;
    else if (event.type === "pointerup") tool?.up?.(placeAt(pointOf(event)), event);
    else tool?.cancel?.();
  };
  sheet.addEventListener("pointerup", release);
  sheet.addEventListener("pointercancel", release);
  sheet.addEventListener("pointerleave", () => {
    toolInHand()?.leave?.();
    tell("hover", null);
  });
}

/** Distance and middle of two fingers. */
function spread() {
  const [a, b] = [...pointers.values()];
  return {
    distance: Math.hypot(a.x - b.x, a.y - b.y),
    middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
  };
}

function follow() {
  if (pointers.size < 2) return;
  const now = spread();
  zoomBy(now.distance / Math.max(1, pinch.distance), now.middle);
  scroller.scrollBy(pinch.middle.x - now.middle.x, pinch.middle.y - now.middle.y);
  pinch = now;
}

defineTool("move", {
  down: (place, event) => {
    last = pointOf(event);
  },
  move: (place, event) => {
    const now = pointOf(event);
    scroller.scrollBy(last.x - now.x, last.y - now.y);
    last = now;
  },
});
