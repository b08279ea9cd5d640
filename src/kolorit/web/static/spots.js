// Hints drawn on the photograph, and the ring of the brush.

import { $, make } from "./dom.js";
import { desk, marks, on } from "./desk.js";
import { sheetSize } from "./stage.js";

export function startSpots() {
  on("edits current tool hints laid view", drawSpots);
}

/** The ring shows how large brush and rubber are; null takes it away. */
export function drawRing(place) {
  const ring = $("ring");
  ring.hidden = !place;
  if (!place) return;
  const size = 2 * desk.radius * Math.max(...sheetSize());
  ring.style.setProperty("--x", `${100 * place.x}%`);
  ring.style.setProperty("--y", `${100 * place.y}%`);
  ring.style.setProperty("--size", `${Math.max(6, size)}px`);
}

function drawSpots() {
  const longest = Math.max(...sheetSize());
  const spots = marks().flatMap((mark) =>
    mark.points.map((point) => {
      const lone = mark.points.length === 1;
      const spot = make("div", { className: lone ? "spot" : "spot dab" });
      spot.classList.toggle("chosen", mark.key === desk.chosen);
      return placed(spot, point, mark.radius * longest, mark.colour);
    }),
  );
  if (desk.spot) {
    const spot = make("div", { className: "spot open chosen" });
    spots.push(placed(spot, desk.spot, desk.radius * longest));
  }
  $("spots").replaceChildren(...spots);
  if (desk.tool !== "brush" && desk.tool !== "erase") drawRing(null);
}

function placed(spot, { x, y }, radius, colour) {
  spot.style.setProperty("--x", `${100 * x}%`);
  spot.style.setProperty("--y", `${100 * y}%`);
  spot.style.setProperty("--size", `${Math.max(8, 2 * radius)}px`);
  if (colour) spot.style.setProperty("--colour", colour);
  return spot;
}
