// The photographs: taken in, opened one after the other, and coloured again when edits change.

import { fetchColoured, fetchGrey, forgetView, openView } from "./api.js";
import { choosePicture, desk, isReady, on, tell } from "./desk.js";
import { makeHistory, wanted } from "./edits.js";
import { makeLane } from "./lane.js";
import { complain, whileWorking } from "./say.js";
import { stopSending, withView } from "./views.js";

const KEPT = 5000; // ms that the address of a replaced picture stays good

let opening = null; // the AbortController of what is read just now
let keys = 0;

export function startPictures() {
  on("edits", ({ atOnce = true } = {}) => recolour(desk.current, atOnce));
}

/** Takes files in; those that wait are opened one after the other. */
export function addFiles(files) {
  const added = [...files].map(makePicture);
  if (!added.length) return;
  desk.pictures.push(...added);
  if (!desk.current) choosePicture(added[0]);
  tell("pictures");
  work();
}

export function removePicture(picture) {
  stopPicture(picture);
  stopSending(picture);
  const place = desk.pictures.indexOf(picture);
  desk.pictures.splice(place, 1);
  if (picture.view) forgetView(picture.view.id);
  for (const url of [picture.grey, picture.coloured]) if (url) URL.revokeObjectURL(url);
  if (desk.current === picture) choosePicture(desk.pictures[place] ?? desk.pictures.at(-1) ?? null);
  tell("pictures");
}

export function stopPicture(picture) {
  if (picture.state === "working") opening?.abort();
  else if (picture.state === "waiting") change(picture, { state: "stopped" });
  picture.lane.stop();
}

/** Waits in the queue again. */
export function retryPicture(picture) {
  change(picture, { state: "waiting", problem: null });
  work();
}

function makePicture(file) {
  keys += 1;
  return {
    key: keys,
    file,
    name: file.name || "photograph",
    state: "waiting", // working, ready, failed, stopped
    view: null, // what the server says of it
    grey: null, // addresses of what is shown
    coloured: null,
    problem: null,
    history: makeHistory(),
    asked: null, // the edits that were sent last
    lane: makeLane(complain),
  };
}

function change(picture, facts) {
  Object.assign(picture, facts);
  tell("pictures");
  if (picture === desk.current && facts.state) tell("view");
}

async function work() {
  if (opening) return;
  const waiting = desk.pictures.filter((picture) => picture.state === "waiting");
  const next = waiting.find((picture) => picture === desk.current) ?? waiting[0];
  if (!next) return;
  opening = new AbortController();
  await open(next, opening.signal);
  opening = null;
  work();
}

async function open(picture, signal) {
  change(picture, { state: "working" });
  try {
    picture.view = await openView(picture.file, signal);
    const { looks } = picture.view;
    if (looks && !looks.includes(picture.history.now.look)) {
      picture.history.now = { ...picture.history.now, look: looks[0] };
    }
    const { id } = picture.view;
    picture.grey = URL.createObjectURL(await fetchGrey(id, signal));
    if (picture === desk.current) tell("view");
    const coloured = await fetchColoured(id, wanted(picture.history.now), signal);
    picture.coloured = URL.createObjectURL(coloured);
    change(picture, { state: "ready" });
    if (picture === desk.current) tell("coloured", { first: true });
  } catch (error) {
    if (error.name === "AbortError") change(picture, { state: "stopped" });
    else change(picture, { state: "failed", problem: error });
  }
}

function recolour(picture, atOnce) {
  if (!isReady()) return;
  if (picture.lane.busy && picture.asked === picture.history.now) return;
  picture.lane.run(
    async (signal) => {
      picture.asked = picture.history.now;
      const ask = (id) => fetchColoured(id, wanted(picture.asked), signal);
      const done = whileWorking("Colouring …");
      const blob = await withView(picture, ask, signal).finally(done);
      const old = picture.coloured;
      picture.coloured = URL.createObjectURL(blob);
      setTimeout(() => URL.revokeObjectURL(old), KEPT);
      tell("pictures");
      if (picture === desk.current) tell("coloured", { first: false });
    },
    { atOnce },
  );
}
