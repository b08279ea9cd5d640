// Elements of the page: found by id, made from a description.

export const $ = (id) => document.getElementById(id);

/** An element with properties, attributes (names with a dash, and role) and children.
 *  Text goes in as text nodes, so whatever a file is called stays text. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Makes these the children of a list. Those that are there already stay untouched, since an
 *  element that is put in again loses the focus. */
export function keepRows(list, rows) {
  for (const old of [...list.children]) if (!rows.includes(old)) old.remove();
  rows.forEach((row, k) => list.children[k] !== row && list.insertBefore(row, list.children[k]));
}

/** A drawing from the head of the page. */
export function drawing(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** Shows a picture once it is ready to be shown, so that nothing flickers. */
export async function showImage(image, url) {
  const ready = new Image();
  ready.src = url;
  await ready.decode();
  image.src = url;
}

/** Colours the track of a slider from its zero, or its start, to where it stands. */
export function fillTrack(slider) {
  const share = (value) => (100 * (value - slider.min)) / (slider.max - slider.min);
  const ends = [share(Math.max(0, slider.min)), share(slider.value)].sort((a, b) => a - b);
  slider.style.setProperty("--from", `${ends[0]}%`);
  slider.style.setProperty("--to", `${ends[1]}%`);
}

/** Steps of an arrow key as [dx, dy], or null for another key. */
export function arrow(event) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  return steps[event.key] ?? null;
}
