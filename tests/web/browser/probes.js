// What the tests ask of a page, as functions that give the elements that fall short, in words.

globalThis.probes = (() => {
  const seen = (e) =>
    e.checkVisibility({ visibilityProperty: true }) &&
    e.getBoundingClientRect().width > 1 &&
    !e.closest("[inert]");
  const controls = () =>
    [...document.querySelectorAll("button, input, select, summary, a, [tabindex='0']")].filter(seen);
  const words = (e) => `${e.localName}#${e.id}.${e.className} ${e.textContent.trim().slice(0, 30)}`;

  /** Controls of less than 24 x 24 px. What covers the photograph is as large as it. */
  function small() {
    const own = controls().filter((e) => !e.closest(".sheet, .reference-sheet, .skip"));
    return own
      .filter((e) => {
        const box = (e.closest(".check, .segments label") ?? e).getBoundingClientRect();
        return box.width < 24 || box.height < 24;
      })
      .map(words);
  }

  /** Controls without a name. */
  function nameless() {
    const name = (e) => e.ariaLabel || e.labels?.[0]?.textContent.trim() || e.textContent.trim();
    return controls().filter((e) => !name(e)).map(words);
  }

  /** Text with less contrast than 4.5 : 1 against all that is painted behind it. */
  function pale() {
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const e = texts.currentNode.parentElement;
      if (!texts.currentNode.data.trim() || !seen(e)) continue;
      if (e.closest(":disabled, .unseen, .status, option, noscript")) continue;
      const under = grounds(e);
      const light = [paint(under), paint([...under, getComputedStyle(e).color])].map(luminance);
      const ratio = (Math.max(...light) + 0.05) / (Math.min(...light) + 0.05);
      if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${words(e)}`);
    }
    return found;
  }

  /** Background colours behind an element, from the last opaque one on. */
  function grounds(e) {
    const found = [];
    for (let at = e; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      const alpha = paint([colour])[3];
      if (alpha) found.unshift(colour);
      if (alpha === 255) return found;
    }
    return ["white", ...found];
  }

  /** What colours give over each other: [r, g, b, a]. */
  function paint(colours) {
    const context = new OffscreenCanvas(1, 1).getContext("2d");
    for (const colour of colours) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
    }
    return [...context.getImageData(0, 0, 1, 1).data];
  }

  function luminance(rgb) {
    const linear = (n) => (n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.slice(0, 3).map((n) => linear(n / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  /** The element with the focus: who it is, whether that is seen and inside the window. */
  function focus() {
    const e = document.activeElement;
    const stage = e.closest(".scroller")?.parentElement;
    const drawn = stage ?? e.closest(".segments, .reference-sheet") ?? e;
    const { top, right, bottom, left } = drawn.getBoundingClientRect();
    const { outlineStyle, outlineWidth } = getComputedStyle(drawn, stage && "::after");
    return {
      id: e.id || e.dataset.tool || e.classList[0] || e.localName,
      outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
      inside: bottom > 0 && top < innerHeight && right > 0 && left < innerWidth,
    };
  }

  /** The pixels of an image: {width, height, data}, three bytes each, as base64. */
  function pixels(id) {
    const image = document.getElementById(id);
    const { naturalWidth: width, naturalHeight: height } = image;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const rgb = data.filter((_, k) => k % 4 < 3);
    let text = "";
    for (let k = 0; k < rgb.length; k += 32768) {
      text += String.fromCharCode(...rgb.subarray(k, k + 32768));
    }
    return { width, height, data: btoa(text) };
  }

  /** Gives a file to the page as the hand (drop) or the keyboard (paste) does. */
  function give([way, name, text]) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
    const stage = document.getElementById("stage");
    const options = { bubbles: true, cancelable: true };
    if (way === "paste") {
      const clipboardData = dataTransfer;
      stage.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData }));
      return;
    }
    for (const kind of ["dragenter", "dragover", "drop"]) {
      stage.dispatchEvent(new DragEvent(kind, { ...options, dataTransfer }));
    }
  }

  return { small, nameless, pale, focus, pixels, give };
})();

addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
);
