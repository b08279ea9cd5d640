// Three other colourings side by side.

import { fetchColoured } from "./api.js";
import { $, make } from "./dom.js";
import { commit, desk, edits, isReady, on } from "./desk.js";
import { wanted } from "./edits.js";
import { makeLane } from "./lane.js";
import { say } from "./say.js";
import { withView } from "./views.js";

const COUNT = 3;

const dialog = $("others-dialog");
const lane = makeLane((problem) => fail(problem));

export function startOthers() {
  $("others").addEventListener("click", open);
  $("others-close").addEventListener("click", () => dialog.close());
  $("others-first").addEventListener("click", () => choose(0));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    lane.stop();
    free();
  });
  on("current view", () => ($("others").disabled = !isReady()));
}

function open() {
  const picture = desk.current;
  const { width, height } = picture.view;
  const items = Array.from({ length: COUNT }, (_, k) => {
    const image = make("img", { alt: "", width, height, className: "coming" });
    const button = make("button", { type: "button" }, image, make("span", {}, `Choose ${k + 1}`));
    button.setAttribute("aria-pressed", edits().alternative === k + 1);
    button.addEventListener("click", () => choose(k + 1));
    return make("li", {}, button);
  });
  $("others-list").replaceChildren(...items);
  dialog.showModal();
  lane.run(async (signal) => {
    for (const [k, item] of items.entries()) {
      const options = { ...wanted(edits()), alternative: k + 1 };
      const ask = (id) => fetchColoured(id, options, signal);
      const image = item.querySelector("img");
      image.src = URL.createObjectURL(await withView(picture, ask, signal));
      image.classList.remove("coming");
    }
    say("Three others are there.", { quiet: true });
  });
}

function choose(alternative) {
  dialog.close();
  if (edits().alternative !== alternative) commit({ alternative });
  say(alternative ? `Number ${alternative} of the others.` : "The first guess.");
}

function fail(problem) {
  const words = `${problem.message} ${problem.remedy ?? ""}`;
  $("others-list").replaceChildren(make("li", { role: "alert" }, words));
}

function free() {
  for (const image of $("others-list").querySelectorAll("img")) URL.revokeObjectURL(image.src);
}
