// A link to hand on: as text, and as a QR code that the node draws.

import { call } from "./api.js";
import { attempt, open } from "./dialog.js";
import { el, fill, icon, svg } from "./dom.js";

/** Show `text` under a title, with whatever else there is to say. */
export async function showText(title, text, lead = "", ...notes) {
  const code = el("div.qr");
  open(
    title,
    lead && el("p.lead", {}, lead),
    code,
    el("output.link-text", { tabindex: "0" }, text),
    notes,
    el("div.form-foot", {}, el("button.button.primary", { type: "button", onclick: () => attempt(() => navigator.clipboard.writeText(text), "Copied.") }, icon("copy"), "Copy")),
  );
  const drawn = await call("qr.draw", { text }).catch(() => null); // too long for a code: the text will do
  if (drawn) fill(code, image(drawn));
}

function image({ size, path }) {
  return svg(
    "svg",
    { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": "The link as a QR code", "shape-rendering": "crispEdges" },
    svg("rect", { width: size, height: size, fill: "#fff" }),
    svg("path", { d: path, fill: "#000" }),
  );
}
