// What the page says: a line that screen readers hear, and that is seen for a moment.

import { $ } from "./dom.js";

const SEEN = 5000; // ms
const SLOW = 400; // ms from which work is spoken of

let timer = 0;

/** Something that happened. quiet: heard only, for what can be seen anyway. */
export function say(words, { quiet = false } = {}) {
  const line = $("status");
  line.textContent = words;
  line.classList.toggle("seen", !quiet);
  line.classList.remove("wrong");
  clearTimeout(timer);
  timer = setTimeout(() => line.classList.remove("seen"), SEEN);
}

/** Something that went wrong, with what to do about it. */
export function complain({ message, remedy }) {
  say([message, remedy].filter(Boolean).join(" "));
  $("status").classList.add("wrong");
}

/** Shows words over the photograph if work takes long; gives the function that ends it. */
export function whileWorking(words) {
  const chip = $("busy");
  const slow = setTimeout(() => {
    chip.textContent = words;
    chip.hidden = false;
  }, SLOW);
  return () => {
    clearTimeout(slow);
    chip.hidden = true;
  };
}
