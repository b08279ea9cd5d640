// A colour photograph beside, to take colours from. It never leaves the page.

import { $ } from "./dom.js";
import { makeCross } from "./cross.js";
import { useColour } from "./marks.js";
import { colourAt } from "./pixels.js";
import { complain, say } from "./say.js";
import { nameColour } from "./words.js";

const LONGEST = 1200; // px of its long side that are kept

const canvas = $("reference-picture");
const sheet = $("reference-sheet");

export function startReference() {
  const well = $("reference-drop");
  $("reference-choose").addEventListener("click", () => $("reference-file").click());
  $("reference-file").addEventListener("change", () => load($("reference-file").files[0]));
  well.addEventListener("dragover", (event) => event.preventDefault());
  well.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation(); // it is not one to be coloured
    load(event.dataTransfer.files[0]);
  });
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    take({ x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height });
  });
  makeCross($("reference-cross"), {
    size: () => [canvas.clientWidth, canvas.clientHeight],
    use: take,
    moved: (place) => say(nameColour(colourAt(canvas, place)), { quiet: true }),
  });
}

async function load(file) {
  if (!file) return;
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    sheet.hidden = false;
    $("reference-none").hidden = true;
    say("The other photograph is there. Click a place in it to take its colour.", { quiet: true });
  } catch {
    complain({ message: `${file.name} is no picture that the browser shows.` });
  }
}

function take(place) {
  const colour = colourAt(canvas, place);
  useColour(colour);
  say(`Took ${nameColour(colour)}.`);
}
