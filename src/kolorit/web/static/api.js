// Calls to the server: the only file that knows addresses.

const PATIENCE = 3; // times to try again when the server is busy
const token = takeToken();

/** What the server, or the way to it, refused: a sentence, a remedy, a code. */
export class Problem extends Error {
  constructor(message, { remedy = "", code = "unknown", status = 0 } = {}) {
    super(sentence(message));
    Object.assign(this, { name: "Problem", remedy: sentence(remedy), code, status });
  }
}

/** Opens a photograph: {id, width, height, view, format, notes, confidence, coloured, looks}. */
export const openView = async (file, signal) =>
  whole(await post("/v1/views", file, signal), "json");

/** The photograph as it was, small enough for the screen. */
export const fetchGrey = async (id, signal) =>
  whole(await call(`/v1/views/${id}/grey`, { signal }), "blob");

/** Whether the server still has it: a Problem if not. */
export const checkView = (id, signal) => call(`/v1/views/${id}/grey`, { method: "HEAD", signal });

/** The same in colour. */
export const fetchColoured = async (id, wanted, signal) =>
  whole(await post(`/v1/views/${id}/picture`, wanted, signal), "blob");

/** How sure the colours are: a grey picture, white where sure. */
export const fetchSureness = async (id, hints, signal) =>
  whole(await post(`/v1/views/${id}/confidence`, { hints }, signal), "blob");

/** Likely colours of one place: [{colour, share}]. */
export const fetchSuggestions = async (id, place, hints, signal) => {
  const wanted = { ...place, hints, count: 6 };
  const answer = await post(`/v1/views/${id}/suggestions`, wanted, signal);
  return (await whole(answer, "json")).suggestions;
};

/** The photograph in full size: {blob, name}. */
export const fetchResult = (id, wanted, signal) =>
  post(`/v1/views/${id}/result`, wanted, signal).then(asFile);

/** Several of them in one file: {blob, name}. */
export const fetchZip = (pictures, signal) => post("/v1/zip", { pictures }, signal).then(asFile);

/** Tells the server that a photograph is no longer looked at; no answer matters. */
export const forgetView = (id) =>
  call(`/v1/views/${id}`, { method: "DELETE", keepalive: true }).catch(() => {});

function post(path, content, signal) {
  if (content instanceof Blob) return call(path, { method: "POST", body: content, signal });
  const headers = { "Content-Type": "application/json" };
  return call(path, { method: "POST", body: JSON.stringify(content), headers, signal });
}

async function call(path, options, patience = PATIENCE) {
  const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server does not answer", {
      remedy: "See whether kolorit serve is still running",
      code: "no-answer",
    });
  }
  if (answer.ok) return answer;
  const busy = answer.status === 429 || answer.status === 503;
  const wait = Number(answer.headers.get("Retry-After"));
  if (busy && wait && wait <= 30 && patience) {
    await pause(1000 * wait, options.signal);
    return call(path, options, patience - 1);
  }
  throw await readProblem(answer);
}

async function readProblem(answer) {
  const { status } = answer;
  if (status === 401) {
    return new Problem("This page was opened without its token", {
      remedy: "Open the whole address that kolorit serve printed",
      code: "unauthorized",
      status,
    });
  }
  const { detail, title, remedy, code } = await answer.json().catch(() => ({}));
  return new Problem(detail || title || `The server answered ${status}`, { remedy, code, status });
}

/** All of an answer, as "blob" or "json"; it may break off although it began well. */
async function whole(answer, kind) {
  try {
    return await answer[kind]();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The connection broke off before everything had come", {
      remedy: "Try again; if it breaks off again, see whether kolorit serve is still running",
      code: "broke-off",
    });
  }
}

async function asFile(answer) {
  const said = answer.headers.get("Content-Disposition") ?? "";
  const coded = /filename\*=UTF-8''([^;]+)/i.exec(said)?.[1];
  const plain = /filename="([^"]+)"/i.exec(said)?.[1];
  const name = coded ? decodeURIComponent(coded) : (plain ?? "kolorit");
  return { blob: await whole(answer, "blob"), name };
}

/** The token stands behind the # of the address, where no server sees it; this tab keeps it. */
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("kolorit-token", given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem("kolorit-token");
}

function pause(milliseconds, signal) {
  return new Promise((done, stopped) => {
    const stop = () => stopped(new DOMException("stopped", "AbortError"));
    if (signal?.aborted) return stop();
    setTimeout(done, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

function sentence(words) {
  if (!words) return "";
  const text = words[0].toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
