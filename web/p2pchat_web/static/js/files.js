// A file that goes with a message: an image to see, or a name to save it by.

import { call } from "./api.js";
import { attempt } from "./dialog.js";
import { el } from "./dom.js";

const SHOWN = ["image/png", "image/jpeg", "image/gif", "image/webp"]; // as the node sends them inline
const MOST_SHOWN = 16_000_000;

export function fileNode(file) {
  const href = `/api/v1/files/${file.id}`;
  const about = el("span.about", {}, el("b", { dir: "auto" }, file.name), el("span", {}, ` ${sizeOf(file.size)}${file.state === "here" ? "" : `, ${stateOf(file)}`}`));
  if (file.state !== "here") {
    const can = file.state === "offered" || file.state === "gone";
    return el("div.file", {}, about, can && el("button.quiet", { type: "button", onclick: () => fetchIt(file) }, "Get"));
  }
  const save = el("a", { href, download: file.name }, "Save");
  if (!SHOWN.includes(file.type) || file.size > MOST_SHOWN) return el("div.file", {}, about, save);
  return el("div.file", {}, el("img", { src: href, alt: file.name, loading: "lazy" }), about, save);
}

async function fetchIt(file) {
  await attempt(() => call("file.fetch", { id: file.id }));
}

function stateOf(file) {
  if (file.state === "gone") return file.reason;
  if (file.state === "fetching" || file.state === "waiting") return `${file.state} ${sizeOf(file.done)}`;
  return file.state;
}

function sizeOf(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let amount = bytes;
  let unit = 0;
  while (amount >= 1000 && unit < units.length - 1) [amount, unit] = [amount / 1000, unit + 1];
  return `${unit ? amount.toFixed(1) : amount} ${units[unit]}`;
}
