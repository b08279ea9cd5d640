// Colours, shares and places in words.

const HUES = [
  [12, "red"],
  [24, "red-brown"],
  [38, "orange"],
  [52, "ochre"],
  [66, "yellow"],
  [90, "yellow-green"],
  [150, "green"],
  [185, "blue-green"],
  [205, "sky blue"],
  [245, "blue"],
  [275, "violet"],
  [320, "purple"],
  [345, "pink"],
  [361, "red"],
];

/** "#8a3324" -> "dark red-brown". */
export function nameColour(colour) {
  const [r, g, b] = toRgb(colour).map((n) => n / 255);
  const most = Math.max(r, g, b);
  const least = Math.min(r, g, b);
  const light = (most + least) / 2;
  const chroma = most - least;
  const depth = light < 0.3 ? "dark " : light > 0.72 ? "light " : "";
  if (chroma < 0.06) return `${depth}grey`;
  const [first, second, sixths] = most === r ? [g, b, 6] : most === g ? [b, r, 2] : [r, g, 4];
  const turn = (first - second) / chroma + sixths;
  let hue = HUES.find(([end]) => 60 * (turn % 6) < end)[1];
  if (hue === "orange" && light < 0.5) hue = "brown";
  if (hue === "ochre" && light > 0.6) hue = "sand";
  const pale = chroma < 0.2 && !["brown", "sand"].includes(hue) ? "greyish " : "";
  return `${depth}${pale}${hue}`;
}

export const percent = (share) => `${Math.round(100 * share)} %`;

/** {x, y} -> "left, top". */
export function namePlace({ x, y }) {
  const across = x < 0.36 ? "left" : x > 0.64 ? "right" : "";
  const down = y < 0.36 ? "top" : y > 0.64 ? "bottom" : "";
  return [down, across].filter(Boolean).join(" ") || "middle";
}

export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

/** "#rrggbb" or "#rgb" -> [r, g, b] in 0..255. */
function toRgb(colour) {
  const digits = colour.slice(1);
  const pairs = digits.length === 3 ? [...digits].map((d) => d + d) : digits.match(/../g);
  return pairs.map((pair) => parseInt(pair, 16));
}

export const toHex = (rgb) =>
  `#${rgb.map((n) => Math.round(n).toString(16).padStart(2, "0")).join("")}`;
