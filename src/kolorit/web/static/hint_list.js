// The hints as a list that the keyboard reaches, and as the file that the command line takes.

import { $, arrow, drawing, keepRows, make } from "./dom.js";
import { chooseTool, commit, desk, isReady, marks, on } from "./desk.js";
import { layOut, makeMark } from "./edits.js";
import { chooseMark, chooseSpot, moveMark, removeMark } from "./marks.js";
import { focusPalette } from "./palette.js";
import { offer } from "./save.js";
import { complain, say } from "./say.js";
import { count, nameColour, namePlace } from "./words.js";

const FAR = 10; // pixels with Shift
const LARGEST_FILE = 4 * 1024 * 1024; // bytes, as for the command line
const EXAMPLE = '{"version": 1, "hints": [{"x": 0.3, "y": 0.6, "colour": "#8a3324"}]}';
const MOST = 10_000; // hints that the server takes

export function startHintList() {
  on("edits current view hints", show);
  $("hint-add").addEventListener("click", addOne);
  $("hint-clear").addEventListener("click", () => commit({ marks: [] }));
  $("hint-save").addEventListener("click", saveFile);
  $("hint-load").addEventListener("click", () => $("hint-file").click());
  $("hint-file").addEventListener("change", () => {
    const [file] = $("hint-file").files;
    $("hint-file").value = "";
    if (file) loadFile(file);
  });
}

function show() {
  const list = marks();
  $("hints-none").hidden = list.length > 0;
  $("hint-clear").disabled = $("hint-save").disabled = !list.length;
  $("hint-add").disabled = $("hint-load").disabled = !isReady();
  const rows = new Map([...$("hint-list").children].map((row) => [Number(row.dataset.key), row]));
  keepRows(
    $("hint-list"),
    list.map((mark) => filled(rows.get(mark.key) ?? row(mark), mark)),
  );
}

function row(mark) {
  const main = make("button", { type: "button", className: "hint" });
  main.setAttribute("aria-describedby", "hints-keys");
  main.append(make("span", { className: "chip" }), make("span", { className: "words" }));
  const away = make("button", { type: "button", className: "icon" }, drawing("close"));
  const item = make("li", {}, main, away);
  item.dataset.key = mark.key;
  main.addEventListener("click", () => edit(mark.key));
  main.addEventListener("focus", () => desk.tool === "point" && chooseMark(mark.key));
  main.addEventListener("keydown", (event) => takeKey(event, mark.key, item));
  away.addEventListener("click", () => remove(mark.key, item));
  return item;
}

function filled(item, mark) {
  const [main, away] = item.children;
  const [chip, words] = main.children;
  const size = mark.points.length > 1 ? `, ${count(mark.points.length, "spot")}` : "";
  const name = `${nameColour(mark.colour)}, ${namePlace(mark.points[0])}${size}`;
  chip.style.setProperty("--colour", mark.colour);
  words.textContent = name;
  main.setAttribute("aria-current", mark.key === desk.chosen);
  away.setAttribute("aria-label", `Take away: ${name}`);
  return item;
}

function edit(key) {
  if (desk.tool !== "point") chooseTool("point");
  chooseMark(key);
  focusPalette();
}

function takeKey(event, key, item) {
  const step = arrow(event);
  const far = event.shiftKey ? FAR : 1;
  if (step) moveMark(key, far * step[0], far * step[1]);
  else if (event.key === "Delete" || event.key === "Backspace") remove(key, item);
  else return;
  event.preventDefault();
}

/** Takes a hint away and leaves the focus on a neighbour. */
function remove(key, item) {
  const next = item.nextElementSibling ?? item.previousElementSibling;
  removeMark(key);
  (next?.querySelector("button") ?? $("hint-add")).focus();
}

function addOne() {
  chooseTool("point");
  chooseSpot({ x: 0.5, y: 0.5 });
  $("cross").focus();
  say("A hint in the middle. Arrow keys move the cross, Enter sets it, Tab goes to the colours.");
}

function saveFile() {
  const text = `${JSON.stringify({ version: 1, hints: layOut(marks()) }, null, 1)}\n`;
  const stem = desk.current.name.replace(/\.[^.]*$/, "");
  offer(new Blob([text], { type: "application/json" }), `${stem}.hints.json`);
}

async function loadFile(file) {
  try {
    if (file.size > LARGEST_FILE) throw new Error("The file is too large.");
    const read = parse(await file.text());
    commit({ marks: read });
    say(`${count(read.length, "hint")} loaded.`);
  } catch (error) {
    complain({
      message: `${file.name} holds no hints. ${error.message}`,
      remedy: `It should look like ${EXAMPLE}.`,
    });
  }
}

/** Marks from the text of a file; an Error says what is wrong, in the words of the command line. */
function parse(text) {
  let table;
  try {
    table = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    throw new Error("It is no JSON.");
  }
  if (table?.version !== 1 || !Array.isArray(table.hints)) {
    throw new Error('It needs "version": 1 and a list "hints".');
  }
  if (table.hints.length > MOST) throw new Error(`It has more than ${MOST} hints.`);
  return table.hints.map((hint, k) => {
    const { x, y, colour, radius = 0.01 } = hint ?? {};
    const within = (n, top) => typeof n === "number" && n >= 0 && n <= top;
    const good = within(x, 1) && within(y, 1) && within(radius, 0.5);
    if (!good || !/^#([0-9a-f]{6}|[0-9a-f]{3})$/i.test(colour)) {
      throw new Error(`Hint ${k + 1} is not understood.`);
    }
    return makeMark([{ x, y }], colour.toLowerCase(), radius);
  });
}
