// Photographs that the server has forgotten, as when it was started again: each gets there once
// more, and only once, however many calls find out at the same time.

import { openView, Problem } from "./api.js";

const sendings = new Map(); // picture -> {done, waiting: how many calls, stop}

/** What `use(id)` gives; where the server has forgotten the photograph, it gets it once more. */
export async function withView(picture, use, signal) {
  if (sendings.has(picture)) await sent(picture, signal);
  const { id } = picture.view;
  try {
    return await use(id);
  } catch (error) {
    if (!(error instanceof Problem) || ![404, 410].includes(error.status)) throw error;
    if (picture.view.id === id) await sent(picture, signal); // else it came while we asked
    return use(picture.view.id);
  }
}

/** Nobody wants the photograph any more. */
export function stopSending(picture) {
  sendings.get(picture)?.stop();
}

/** Waits until the photograph is there again. A call that is cancelled stops waiting; the sending
 *  ends with the last of them. */
async function sent(picture, signal) {
  const sending = sendings.get(picture) ?? send(picture);
  sending.waiting += 1;
  try {
    await unlessAborted(sending.done, signal);
  } finally {
    sending.waiting -= 1;
    // Later, for a call that gives way to a newer one: the newer one comes at once.
    if (signal?.aborted) setTimeout(() => sending.waiting || sending.stop());
  }
}

function send(picture) {
  const control = new AbortController();
  const forget = () => sendings.get(picture) === sending && sendings.delete(picture);
  const stop = () => {
    forget(); // at once, so that nobody joins what is stopped
    control.abort();
  };
  const open = async () => {
    picture.view = await openView(picture.file, control.signal);
  };
  const sending = { done: open().finally(forget), waiting: 0, stop };
  sendings.set(picture, sending);
  return sending;
}

function unlessAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    promise.then(resolve, reject);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
