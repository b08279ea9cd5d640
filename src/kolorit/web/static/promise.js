// Where photographs go, told as it is: the page may come from another computer than this one.

import { $ } from "./dom.js";

const OWN = /^(127\.[0-9.]+|\[::1\]|localhost)$/;

export function startPromise() {
  if (OWN.test(location.hostname)) return;
  $("promise").textContent = `Your photographs go to ${location.host} and no further.`;
  $("promise-more").textContent = `It goes to ${location.host}, where this page comes from, and nowhere else.`;
}
