// What the stage shows when there is no coloured photograph to show: nothing yet, work, an error.

import { $, make } from "./dom.js";
import { desk, on } from "./desk.js";
import { removePicture, retryPicture, stopPicture } from "./pictures.js";
import { say } from "./say.js";
import { percent } from "./words.js";

export function startStates() {
  on("current view pictures", show);
  $("working-cancel").addEventListener("click", () => {
    stopPicture(desk.current);
    $("failed-again").focus();
  });
  $("failed-again").addEventListener("click", () => retryPicture(desk.current));
  $("failed-remove").addEventListener("click", () => {
    removePicture(desk.current);
    (desk.current ? $("stage") : $("choose")).focus();
  });
  on("coloured", ({ first }) => first && say(`${desk.current.name} is coloured.`, { quiet: true }));
  show();
}

function show() {
  const picture = desk.current;
  const state = picture?.state ?? "empty";
  document.querySelector(".desk").dataset.state = state;
  $("empty").hidden = state !== "empty";
  $("working").hidden = !["waiting", "working"].includes(state);
  $("failed").hidden = !["failed", "stopped"].includes(state);
  $("tools").hidden = $("panel").hidden = state === "empty";
  $("settings").inert = $("tools").inert = state !== "ready";
  $("stage").setAttribute("aria-busy", !$("working").hidden);
  document.title = picture ? `${picture.name} – Kolorit` : "Kolorit";
  if (state === "waiting") $("working-says").textContent = "Waiting for its turn …";
  if (state === "working") {
    $("working-says").textContent = picture.view ? "Colouring …" : "Reading the photograph …";
  }
  if (state === "failed") showProblem(picture);
  if (state === "stopped") fill("Stopped", `${picture.name} was not coloured.`, "");
  showAbout(picture);
}

function showProblem({ name, problem }) {
  const remedy = problem.remedy ?? "";
  if ($("failed-says").textContent !== `${name}: ${problem.message}`) {
    $("alert").textContent = `${name}: ${problem.message} ${remedy}`;
  }
  fill("This did not work", `${name}: ${problem.message}`, remedy);
}

function fill(title, words, remedy) {
  $("failed-title").textContent = title;
  $("failed-says").textContent = words;
  $("failed-remedy").textContent = remedy;
}

function showAbout(picture) {
  const view = picture?.state === "ready" ? picture.view : null;
  const sure = view && typeof view.confidence === "number";
  const share = sure ? ` On the whole it is ${percent(view.confidence)} sure.` : "";
  $("about").textContent = view ? `A guess.${share}` : "";
  const upper = (note) => note[0].toUpperCase() + note.slice(1);
  const notes = (view?.notes ?? []).map((note) => make("li", {}, upper(note)));
  $("notes").replaceChildren(...notes);
}
