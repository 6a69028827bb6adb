// What can be done to a message.

import { call } from "./api.js";
import { ask, attempt, open } from "./dialog.js";
import { el } from "./dom.js";
import { exactly } from "./format.js";

export const act = {
  toggle: (message, emoji) => {
    const mine = message.reactions.some((one) => one.me && one.emoji === emoji);
    return attempt(() => call("message.react", { id: message.id, emoji: mine ? "" : emoji }));
  },
  pin: (message) => attempt(() => call("message.pin", { id: message.id, on: !message.pinned })),
  star: (message) => attempt(() => call("message.star", { id: message.id, on: !message.starred })),
  remove: (message) =>
    ask({
      title: "Delete this message?",
      lead: "It disappears for everybody in the chat. Whoever has read it already has read it.",
      verb: "Delete",
      danger: true,
      done: () => call("message.delete", { id: message.id }),
    }),
  copy: (message) => attempt(() => navigator.clipboard.writeText(message.text), "Copied."),
  inspect,
};

/** How far a message has come, to whom. */
async function inspect(message) {
  const now = await attempt(() => call("message.show", { id: message.id }));
  if (!now) return;
  const rows = [
    ["Written", exactly(now.sent_ms)],
    !now.mine && ["Arrived", exactly(now.received_ms)],
    now.edited_ms && ["Edited", exactly(now.edited_ms)],
    now.expires_ms && ["Vanishes", exactly(now.expires_ms)],
    ["Id", now.id.slice(0, 16)],
  ].filter(Boolean);
  open(
    "Message",
    el("dl.facts", {}, rows.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    now.mine && el("h3", {}, "How far it has come"),
    now.mine && el("ul.deliveries", {}, now.deliveries.map((one) => el("li", {}, el("span", {}, one.name), el(`span.state.${one.state}`, {}, one.state), el("time", {}, exactly(one.at_ms))))),
  );
}

