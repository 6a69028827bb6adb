// Why somebody is not reached: each way to them, tried by itself.

import { call } from "./api.js";
import { open } from "./dialog.js";
import { el, fill } from "./dom.js";

/** Try every way to `who` and show what came of it. */
export async function trace(who) {
  const box = el("div.form", { "aria-live": "polite" }, el("p.muted", {}, "Trying each address. This takes up to a minute …"));
  open(`The way to ${who.name}`, box);
  const found = await call("node.trace", { who: who.about }).catch((error) => ({ error }));
  if (found.error) return fill(box, el("p.problem", {}, found.error.message));
  return fill(box, found.devices.map(device));
}

function device(one) {
  return el(
    "section.card",
    {},
    el("h3", {}, one.connected ? "Connected now" : "Not reached"),
    one.tries.length > 0 && el("ul.peers", {}, one.tries.map((tried) => el("li.peer", {}, el("span.code", {}, tried.address), el("small.muted", {}, tried.reason || "answered", tried.found ? ", found just now" : "")))),
    !one.connected && el("p.hint", {}, advice(one)),
  );
}

function advice(one) {
  if (!one.tries.length) return "No address is known, and nobody in the network says one. Ask for a new link.";
  if (one.tries.every((tried) => tried.reason === "timed out")) return "Nothing answers: their node is off, or a firewall is in between and no relay helps.";
  return "Their node is off, or has moved. Yours goes on trying; what you write waits.";
}
