// The photograph on its stage: which one, how large, and where on it things are.

import { $, showImage } from "./dom.js";
import { desk, isReady, on, tell } from "./desk.js";

const MARGIN = 24; // around the whole photograph, px
const LARGEST_FIT = 2; // a small photograph is not blown up beyond this,
const SEEN = 200; // unless its short side is still smaller than this, px
const BLOCKS = 8; // screen pixels for one of the photograph from which it is shown as a square
const SLIM = 48; // px of width below which the line between before and after hides too much

const stage = $("stage");
const scroller = $("scroller");
const sheet = $("sheet");
let zoom = "fit"; // or screen pixels for one of the photograph
let scale = 1; // px for one of the photograph

export function startStage() {
  on("current", () => {
    zoom = "fit";
    showPicture();
  });
  on("view", showPicture);
  on("coloured", ({ first }) => showColoured(first));
  new ResizeObserver(lay).observe(scroller);
  scroller.addEventListener("scroll", () => tell("laid"));
  showPicture();
}

/** Size of the photograph on the screen, px. */
export const sheetSize = () => [sheet.clientWidth, sheet.clientHeight];

/** Size of the whole photograph in its own pixels. */
export const fullSize = () => [desk.current?.view?.width ?? 1, desk.current?.view?.height ?? 1];

/** Where on the screen a place is: {x, y} in px of the stage. */
export function onStage({ x, y }) {
  const box = sheet.getBoundingClientRect();
  const frame = stage.getBoundingClientRect();
  return { x: box.left - frame.left + x * box.width, y: box.top - frame.top + y * box.height };
}

/** The part of the photograph that is seen, in shares: {left, right, top, bottom}. */
export function seenPart() {
  const window = scroller.getBoundingClientRect();
  const start = placeAt({ x: window.left, y: window.top });
  const end = placeAt({ x: window.right, y: window.bottom });
  return { left: start.x, right: end.x, top: start.y, bottom: end.y };
}

/** Scrolls so that a place of the enlarged photograph is seen. */
export function reveal({ x, y }) {
  const at = onStage({ x, y });
  const off = (n, size) => (n < 40 ? n - 40 : n > size - 40 ? n - size + 40 : 0);
  scroller.scrollBy(off(at.x, scroller.clientWidth), off(at.y, scroller.clientHeight));
}

/** Screen pixels for one pixel of the photograph. */
export const magnification = () => scale * devicePixelRatio;

/** The same where the whole photograph is seen. */
export const fitMagnification = () => fitScale() * devicePixelRatio;

function showPicture() {
  const picture = desk.current;
  const seen = Boolean(picture?.grey) && ["working", "ready"].includes(picture.state);
  scroller.hidden = !seen;
  $("shown").hidden = !isReady();
  sheet.classList.toggle("uncoloured", !isReady());
  $("grey").alt = $("shown").alt = "";
  if (!seen) return;
  $("grey").src = picture.grey;
  if (isReady()) {
    $("shown").src = picture.coloured;
    $("shown").alt = `${picture.name}, coloured`;
    $("grey").alt = `${picture.name} as it was`;
  }
  lay();
}

async function showColoured(first) {
  const picture = desk.current;
  await showImage($("shown"), picture.coloured);
  if (picture === desk.current) tell("drawn", { first });
}

const inside = (n) => Math.min(1, Math.max(0, n));

/** The place under a point of the window. */
export function placeAt({ x, y }) {
  const box = sheet.getBoundingClientRect();
  return { x: inside((x - box.left) / box.width), y: inside((y - box.top) / box.height) };
}

/** Another size: "fit", or screen pixels for one of the photograph. The place under `anchor`, a
 *  point of the window, stays where it is. */
export function zoomTo(next, anchor) {
  if (!isReady()) return;
  const box = scroller.getBoundingClientRect();
  const point = anchor ?? { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  const place = placeAt(point);
  zoom = next;
  lay();
  const now = sheet.getBoundingClientRect();
  scroller.scrollBy(
    now.left + place.x * now.width - point.x,
    now.top + place.y * now.height - point.y,
  );
}

function fitScale() {
  const [width, height] = fullSize();
  const room = [scroller.clientWidth - 2 * MARGIN, scroller.clientHeight - 2 * MARGIN];
  const most = Math.max(LARGEST_FIT, SEEN / Math.min(width, height));
  return Math.max(0.01, Math.min(room[0] / width, room[1] / height, most));
}

function lay() {
  if (!desk.current?.view) return;
  const [width, height] = fullSize();
  scale = zoom === "fit" ? fitScale() : zoom / devicePixelRatio;
  sheet.style.setProperty("width", `${Math.max(1, width * scale)}px`);
  sheet.style.setProperty("height", `${Math.max(1, height * scale)}px`);
  sheet.classList.toggle("slim", width * scale < SLIM);
  sheet.classList.toggle("blocks", magnification() >= BLOCKS);
  $("fit").setAttribute("aria-pressed", zoom === "fit");
  $("whole").setAttribute("aria-pressed", zoom === 1);
  tell("laid");
}
