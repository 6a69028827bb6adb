// Nodes that keep messages for me while mine is off.

import { call } from "./api.js";
import { ask, attempt, choice, text } from "./dialog.js";
import { el, iconButton } from "./dom.js";
import { plural } from "./format.js";
import { live, sheet } from "./sheet.js";
import { state } from "./state.js";

/** My mailboxes, and how full they are. */
export function mailboxesPlace(_, signal) {
  const box = el("div.page");
  const show = live(box, () => call("mailbox.usage"), draw, signal);

  function draw({ mailboxes }) {
    return [
      el("p.hint", {}, "They see neither what is written nor by whom. Contacts leave messages there when your node does not answer."),
      mailboxes.length ? el("div.card-stack", {}, mailboxes.map((one) => card(one, show))) : el("p.muted", {}, "None yet: who writes to you has to wait until both nodes are on."),
    ];
  }

  return sheet("you", "Mailboxes", box, iconButton("plus", "Use one more", () => use(show)));
}

function card(one, show) {
  const room = one.limit_bytes ? one.bytes / one.limit_bytes : 0;
  return el(
    "section.card",
    {},
    el("header.card-head", {}, el("span.entry-text", {}, el("h3", {}, one.name || "A node"), el("small", {}, one.state === "ready" ? "ready" : one.state || "not asked yet")), iconButton("x", `Use ${one.name || "it"} no longer`, () => drop(one, show))),
    el("span.code", {}, one.address),
    one.limit_bytes > 0 && el("meter.meter", { min: 0, max: 1, low: 0.7, high: 0.9, optimum: 0, value: room, "aria-label": "How full it is" }),
    one.limit_bytes > 0 && el("small.hint", {}, `${plural(one.messages, "message")} wait there, ${kb(one.bytes)} of ${kb(one.limit_bytes)}`),
  );
}

const kb = (bytes) => (bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function use(show) {
  const people = state.contacts.filter((one) => one.state === "accepted").map((one) => [one.person, one.name]);
  const where = choice("where", "Where", [["", "The first bootstrap node of the network"], ["address", "A node with an address"], ...people], "");
  const address = text("address", "Address", { placeholder: "/dns4/…/tcp/4001/p2p/12D3KooW…" });
  const token = text("token", "Token", { hint: "If the node's operator gave you one." });
  const draw = () => {
    address.node.hidden = where.value() !== "address";
    token.node.hidden = people.some(([id]) => id === where.value());
  };
  where.input.addEventListener("change", draw);
  draw();
  ask({
    title: "Use a mailbox",
    lead: "At a node that is mostly on: an operator's, or a contact's.",
    fields: [where, address, token],
    verb: "Use it",
    done: async (values) => {
      const chosen = values.where === "address" ? values.address : values.where;
      await call("mailbox.use", { where: chosen || null, token: values.token });
      await show();
    },
  });
}

function drop(one, show) {
  ask({
    title: "Use it no longer?",
    lead: "Your contacts hear of it with your next card; until then they may still leave something there.",
    verb: "Use it no longer",
    danger: true,
    done: async () => {
      await call("mailbox.drop", { where: one.address });
      await attempt(show);
    },
  });
}
