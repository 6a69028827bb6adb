// What the node sees of the network.

import { el, fill, icon } from "./dom.js";
import { plural } from "./format.js";
import { to } from "./route.js";
import { state, watch } from "./state.js";

/** One line below every list: how the node is connected. */
export function networkLine(signal) {
  const line = el("a.network-line", { href: to("network") });
  function draw() {
    const peers = state.net?.peers.length ?? 0;
    const kind = !state.online ? "away" : peers ? "good" : "alone";
    const words = { away: "Your node is away", alone: "Connected with nobody", good: `Connected with ${plural(peers, "device")}` }[kind];
    const waiting = state.status?.outbox ? ` · ${state.status.outbox} waiting` : "";
    fill(line, el(`span.dot.${kind}`, { "aria-hidden": "true" }), words + waiting);
  }
  watch(["net", "online", "status"], draw, signal);
  draw();
  return line;
}

/** Addresses, peers and counters. */
export function networkPlace(_, signal) {
  const box = el("div.page");
  function draw() {
    const { status, net } = state;
    if (!net) return;
    fill(
      box,
      el(
        "section.card",
        {},
        el("h3", {}, "This node"),
        facts([
          ["Network", status.network ?? "none"],
          ["Others can dial it", { public: "yes", private: "no: through relays and holes", unknown: "not known yet", offline: "no: it is kept off every network" }[net.reachability] ?? net.reachability],
          ["Waiting to be delivered", String(status.outbox)],
          ["Store", `${(status.store_bytes / 1e6).toFixed(1)} MB`],
          ["Version", status.version],
        ]),
      ),
      el("section.card", {}, el("h3", {}, "Listening"), net.listening.length ? el("ul.plain", {}, net.listening.map((one) => el("li.code", {}, one))) : el("p.hint", {}, "Nowhere.")),
      el("section.card", {}, el("h3", {}, plural(net.peers.length, "device")), el("ul.peers", {}, net.peers.map(peer))),
      net.absent.length > 0 && el("section.card", {}, el("h3", {}, "Looked for"), el("ul.peers", {}, net.absent.map(absent))),
      el("details.card", {}, el("summary", {}, "Counters"), facts(Object.entries(net.counters).sort().map(([name, count]) => [name, String(count)]))),
    );
  }
  watch(["net", "status"], draw, signal);
  draw();
  return el("div.talk", {}, el("header.sheet-head", {}, el("a.icon-button.back", { href: to("you"), "aria-label": "Back" }, icon("chevron-left")), el("h2.head-name", {}, "Network")), el("div.scroller", {}, box));
}

const facts = (rows) => el("dl.facts", {}, rows.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

function absent(one) {
  const next = one.retry_s === null ? "dialling now" : `next try in ${Math.ceil(one.retry_s)} s`;
  return el("li.peer", {}, el("span.peer-name", {}, one.name ?? one.device.slice(0, 8), el("small", {}, ` ${one.bootstrap ? "bootstrap, " : ""}${next}`)), one.reason && el("small.muted", {}, one.reason));
}

function peer(one) {
  return el(
    "li.peer",
    {},
    el("span.peer-name", {}, one.name ?? one.device.slice(0, 8), el("small", {}, ` ${one.bootstrap ? "bootstrap, " : ""}${one.direction}`)),
    one.addresses.map((address) => el("span.code", {}, address)),
  );
}
