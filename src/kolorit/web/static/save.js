// Full size out of the page: one file, all as a ZIP, the clipboard.

import { checkView, fetchResult, fetchZip } from "./api.js";
import { $, make } from "./dom.js";
import { desk, isReady, on } from "./desk.js";
import { wanted } from "./edits.js";
import { complain, say } from "./say.js";
import { withView } from "./views.js";
import { count } from "./words.js";

const MOST = 50; // photographs that the server packs into one file
const NOT_ALLOWED = { message: "The browser did not allow it." };

let stop = null; // the AbortController of what is under way

export function startSave() {
  on("current view pictures", show);
  $("download").addEventListener("click", () => during("Making it in full size", download));
  $("download-all").addEventListener("click", () => during("Packing all of them", downloadAll));
  $("copy").addEventListener("click", () => during("Copying it in full size", copy));
  $("saving-stop").addEventListener("click", () => stop?.abort());
  $("copy").hidden = !canCopy();
}

/** Hands a file to the person, who finds it where downloads go. */
export function offer(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const ready = () => desk.pictures.filter((picture) => picture.state === "ready");

function show() {
  for (const id of ["download", "copy"]) $(id).disabled = !isReady() || stop !== null;
  $("download-all").hidden = desk.pictures.length < 2;
  $("download-all").disabled = ready().length < 2 || stop !== null;
}

/** Options of a file; `format` as chosen beside the button, if none is given. */
function options(picture, format = $("format").value) {
  return {
    ...wanted(picture.history.now),
    ...(format && { format }),
    metadata: $("keep").checked ? "all" : "safe",
    name: picture.name,
  };
}

async function download(signal) {
  const picture = desk.current;
  const ask = (id) => fetchResult(id, options(picture), signal);
  const { blob, name } = await withView(picture, ask, signal);
  offer(blob, name);
  say(`${name} is in your downloads.`);
}

async function downloadAll(signal) {
  const pictures = ready();
  for (let first = 0; first < pictures.length; first += MOST) {
    const some = pictures.slice(first, first + MOST);
    for (const picture of some) await withView(picture, (id) => checkView(id, signal), signal);
    const entries = some.map((picture) => ({ view: picture.view.id, ...options(picture) }));
    const { blob, name } = await fetchZip(entries, signal);
    offer(blob, name);
  }
  say(`${count(pictures.length, "photograph")} in your downloads.`);
}

async function copy(signal) {
  const picture = desk.current;
  const ask = (id) => fetchResult(id, options(picture, "png"), signal);
  const made = withView(picture, ask, signal).then(({ blob }) => blob);
  await navigator.clipboard.write([new ClipboardItem({ "image/png": made })]);
  say("Copied.");
}

/** Browsers give the clipboard to pages of this computer, and not to others over plain HTTP. */
const canCopy = () => Boolean(navigator.clipboard?.write) && "ClipboardItem" in window;

async function during(words, task) {
  if (stop) return;
  stop = new AbortController();
  $("saving-says").textContent = `${words} …`;
  $("saving").hidden = false;
  say(`${words}.`, { quiet: true });
  show();
  try {
    await task(stop.signal);
  } catch (error) {
    if (error.name === "AbortError" || stop.signal.aborted) say("Stopped.");
    else complain(error.name === "NotAllowedError" ? NOT_ALLOWED : error);
  } finally {
    stop = null;
    $("saving").hidden = true;
    show();
  }
}
