// How sure the colours are: hatched where they are a guess, and a number for each place.

import { fetchSureness } from "./api.js";
import { $ } from "./dom.js";
import { desk, isReady, marks, on } from "./desk.js";
import { layOut } from "./edits.js";
import { makeLane } from "./lane.js";
import { readPixels, valueAt } from "./pixels.js";
import { complain, say } from "./say.js";
import { withView } from "./views.js";
import { percent } from "./words.js";

const GUESS = 0.5; // below this a place is hatched,
const HARDLY = 0.3; // below this both ways
const PERIOD = 9; // of the hatching, in pixels of the view
const TINT = [255, 92, 184]; // a hue that old photographs hardly have
const DARK = [24, 12, 20];

const canvas = $("doubt");
const lane = makeLane((problem) => {
  shown = ""; // the next look asks again
  complain(problem);
});
let map = null; // pixels: white where sure
let shown = ""; // what the map is of

export function startSureness() {
  $("sureness").addEventListener("click", () => {
    const on = $("sureness").getAttribute("aria-pressed") !== "true";
    $("sureness").setAttribute("aria-pressed", on);
    say(on ? "Hatched: here it guesses." : "Guesses hidden.", { quiet: true });
    show();
  });
  on("current view edits", show);
  on("hover", tellOf);
}

const isOn = () => $("sureness").getAttribute("aria-pressed") === "true";

function show() {
  const seen = isOn() && isReady();
  $("sure-says").hidden = !seen;
  canvas.hidden = !seen || !map;
  if (!seen) return;
  const picture = desk.current;
  const hints = layOut(marks());
  const key = JSON.stringify([picture.key, hints]);
  if (key === shown) return;
  shown = key;
  if (!key.startsWith(`[${picture.key},`) || !map) canvas.hidden = true;
  lane.run(
    async (signal) => {
      const blob = await withView(picture, (id) => fetchSureness(id, hints, signal), signal);
      const bitmap = await createImageBitmap(blob);
      if (key !== shown) return;
      map = readPixels(bitmap);
      draw();
      canvas.hidden = !isOn();
      tellOf(null);
    },
    { atOnce: false },
  );
}

/** Tint and hatching: one way where it guesses, both ways where it hardly knows. */
function draw() {
  const { width, height } = map;
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const sure = map.data[at] / 255;
      if (sure >= GUESS) continue;
      const down = (x + y) % PERIOD;
      const up = (x - y + height * PERIOD) % PERIOD;
      const way = sure < HARDLY ? Math.min(down, up) : down;
      const line = way < 2 ? TINT : way < 3 ? DARK : null;
      image.data.set(line ?? TINT, at);
      image.data[at + 3] = line ? 220 : 40 + 110 * (GUESS - sure);
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** The number under the pointer, or the mean of the picture. */
function tellOf(place) {
  if (!isOn() || !map || !isReady()) return;
  const words = $("sure-here");
  if (!place) {
    words.textContent = `Hatched: here it guesses. ${percent(mean())} sure on the whole.`;
    return;
  }
  words.textContent = `${percent(valueAt(map, place))} sure here.`;
  if (document.activeElement === $("cross")) say(words.textContent, { quiet: true });
}

function mean() {
  let sum = 0;
  for (let at = 0; at < map.data.length; at += 4) sum += map.data[at];
  return sum / (map.data.length / 4) / 255;
}
