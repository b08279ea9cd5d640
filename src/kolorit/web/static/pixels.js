// Pixels read back from a picture: for the eyedropper, and for how sure a place is.

import { toHex } from "./words.js";

const NEAR = 2; // pixels around the one that is asked for, so that grain does not decide

/** All pixels of a bitmap. */
export function readPixels(bitmap) {
  const { width, height } = bitmap;
  return read(bitmap, [0, 0, width, height]);
}

/** The mean colour "#rrggbb" of an image or a canvas around a place {x, y}, in shares. */
export function colourAt(source, { x, y }) {
  const width = source.naturalWidth ?? source.width;
  const height = source.naturalHeight ?? source.height;
  const left = Math.max(0, Math.min(width - 1, Math.floor(x * width)) - NEAR);
  const top = Math.max(0, Math.min(height - 1, Math.floor(y * height)) - NEAR);
  const size = [width - left, height - top].map((room) => Math.min(2 * NEAR + 1, room));
  const { data } = read(source, [left, top, ...size]);
  const mean = [0, 1, 2].map((k) => {
    let sum = 0;
    for (let at = k; at < data.length; at += 4) sum += data[at];
    return sum / (data.length / 4);
  });
  return toHex(mean);
}

/** The first channel at a place, 0..1. */
export function valueAt({ data, width, height }, { x, y }) {
  const column = Math.min(width - 1, Math.floor(x * width));
  const row = Math.min(height - 1, Math.floor(y * height));
  return data[4 * (row * width + column)] / 255;
}

function read(source, [left, top, width, height]) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, left, top, width, height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}
