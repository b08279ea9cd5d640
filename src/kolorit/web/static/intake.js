// Photographs come in: chosen, dropped, pasted.

import { $ } from "./dom.js";
import { addFiles } from "./pictures.js";
import { complain } from "./say.js";

let depth = 0; // of elements that what is dragged has entered

export function startIntake() {
  const files = $("files");
  for (const id of ["add", "choose"]) $(id).addEventListener("click", () => files.click());
  files.addEventListener("change", () => {
    take(files.files);
    files.value = "";
  });
  addEventListener("paste", (event) => take(event.clipboardData?.files ?? []));
  startDrop();
}

function startDrop() {
  const show = (shown) => ($("dropping").hidden = !shown);
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    show(true);
  });
  addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    show(depth > 0);
  });
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener(
    "drop",
    () => {
      depth = 0;
      show(false);
    },
    { capture: true },
  );
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.());
    const found = [...event.dataTransfer.files].filter((file, k) => !entries[k]?.isDirectory);
    if (found.length < event.dataTransfer.files.length) {
      complain({ message: "Folders are not opened.", remedy: "Drop the photographs in them." });
    }
    take(found);
  });
}

const hasFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;

function take(files) {
  if (files.length) addFiles(files);
}
