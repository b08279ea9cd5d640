// Every pixel: the photograph in full size, once it is shown so large that the view would be soft.

import { fetchResult } from "./api.js";
import { $, showImage } from "./dom.js";
import { desk, isReady, on } from "./desk.js";
import { FRESH, wanted } from "./edits.js";
import { makeLane } from "./lane.js";
import { complain, whileWorking } from "./say.js";
import { sheetSize } from "./stage.js";
import { withView } from "./views.js";

const SOFT = 1.15; // screen pixels for one of the view from which it looks soft
const REST = 500; // ms without a change before it is fetched
const GREY = { ...wanted(FRESH), strength: 0 };

const lane = makeLane(complain);
const urls = []; // of what is shown in full size
let timer = 0;
let shown = ""; // what the coloured picture in full size is of
let grey = null; // the photograph whose grey picture is there in full size

export function startSharp() {
  on("laid drawn", plan);
  on("edits current", forget);
  on("current", () => {
    grey = null;
    for (const url of urls.splice(0)) URL.revokeObjectURL(url);
  });
}

/** The coloured picture is the small view again. */
function forget() {
  shown = "";
  clearTimeout(timer);
  lane.stop();
}

function plan() {
  clearTimeout(timer);
  if (isSoft()) timer = setTimeout(load, REST);
}

function isSoft() {
  if (!isReady()) return false;
  const { width, view } = desk.current.view;
  return view.width < width && sheetSize()[0] * devicePixelRatio > SOFT * view.width;
}

function load() {
  const picture = desk.current;
  const options = wanted(picture.history.now);
  const key = JSON.stringify([picture.key, options]);
  if (key === shown || lane.busy) return;
  lane.run(async (signal) => {
    const done = whileWorking("Fetching every pixel …");
    try {
      if (!(await put($("shown"), picture, options, signal))) return;
      shown = key;
      if (grey !== picture && (await put($("grey"), picture, GREY, signal))) grey = picture;
    } finally {
      done();
    }
  });
}

/** Whether the picture was still wanted when it came. */
async function put(image, picture, options, signal) {
  const file = { ...options, format: "jpeg", quality: 90, mark: false };
  const { blob } = await withView(picture, (id) => fetchResult(id, file, signal), signal);
  if (signal.aborted || picture !== desk.current) return false;
  const url = URL.createObjectURL(blob);
  urls.push(url);
  await showImage(image, url);
  return true;
}
