// The queue: which photographs are there, which are done, how far it is.

import { $, drawing, keepRows, make } from "./dom.js";
import { choosePicture, desk, on } from "./desk.js";
import { removePicture, stopPicture } from "./pictures.js";
import { count } from "./words.js";

const STATES = {
  waiting: "waits",
  working: "is being coloured",
  ready: "coloured",
  failed: "did not work",
  stopped: "stopped",
};

const items = new Map(); // picture -> li

export function startStrip() {
  on("pictures current", show);
  on("current", reveal);
  $("queue-stop").addEventListener("click", () => {
    for (const picture of desk.pictures) {
      if (["waiting", "working"].includes(picture.state)) stopPicture(picture);
    }
  });
}

function show() {
  const { pictures } = desk;
  $("queue").hidden = pictures.length < 2;
  for (const picture of items.keys()) if (!pictures.includes(picture)) items.delete(picture);
  const rows = pictures.map((picture) => {
    if (!items.has(picture)) items.set(picture, item(picture));
    return filled(items.get(picture), picture);
  });
  keepRows($("strip"), rows);
  showProgress();
}

function item(picture) {
  const image = make("img", { alt: "", draggable: false, hidden: true });
  const main = make("button", { type: "button", className: "thumb", title: picture.name }, image);
  main.append(make("span", { className: "mark", "aria-hidden": "true" }));
  main.addEventListener("click", () => choosePicture(picture));
  const away = make("button", { type: "button", className: "icon" }, drawing("close"));
  away.setAttribute("aria-label", `Take ${picture.name} away`);
  away.addEventListener("click", () => {
    removePicture(picture);
    ($("strip").querySelector("[aria-current=true]") ?? $("add")).focus();
  });
  return make("li", {}, main, away);
}

function filled(row, picture) {
  const [main] = row.children;
  const [image] = main.children;
  row.dataset.state = picture.state;
  main.setAttribute("aria-current", picture === desk.current);
  main.setAttribute("aria-label", `${picture.name}, ${STATES[picture.state]}`);
  const url = picture.coloured ?? picture.grey;
  image.hidden = !url;
  if (url && image.src !== url) image.src = url;
  return row;
}

/** Scrolls the strip, and nothing but the strip, to the photograph that is looked at. */
function reveal() {
  const row = items.get(desk.current);
  if (!row) return;
  const strip = $("strip");
  const start = row.offsetLeft - strip.offsetLeft;
  if (start < strip.scrollLeft || start + row.offsetWidth > strip.scrollLeft + strip.clientWidth) {
    strip.scrollTo({ left: start - strip.clientWidth / 2 });
  }
}

function showProgress() {
  const { pictures } = desk;
  const left = pictures.filter(({ state }) => state === "waiting" || state === "working").length;
  const running = pictures.length > 1 && left > 0;
  $("queue-progress").hidden = !running;
  if (!running) return;
  const done = pictures.length - left;
  $("queue-bar").max = pictures.length;
  $("queue-bar").value = done;
  $("queue-says").textContent = `${done} of ${count(pictures.length, "photograph")}`;
}
