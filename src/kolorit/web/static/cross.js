// A cross that the arrow keys move over a picture, so that whatever a click does, Enter does too.

import { arrow } from "./dom.js";

const FAR = 10; // pixels with Shift

/** element covers the picture. size(): its pixels [width, height]. use(place): Enter was pressed.
 *  moved(place): after each step. Places are {x, y} as shares of width and height. */
export function makeCross(element, { size, use, moved }) {
  const place = { x: 0.5, y: 0.5 };
  const inside = (n) => Math.min(1, Math.max(0, n));

  const put = ({ x, y }) => {
    Object.assign(place, { x: inside(x), y: inside(y) });
    element.style.setProperty("--x", `${100 * place.x}%`);
    element.style.setProperty("--y", `${100 * place.y}%`);
  };

  element.addEventListener("keydown", (event) => {
    const step = arrow(event);
    if (step && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const [width, height] = size();
      const far = event.shiftKey ? FAR : 1;
      put({ x: place.x + (step[0] * far) / width, y: place.y + (step[1] * far) / height });
      moved({ ...place });
    } else if (event.key === "Enter" || event.key === " ") {
      use({ ...place });
    } else {
      return;
    }
    event.preventDefault();
  });
  put(place);
  return { put };
}
