// Messages that are to be sent later.

import { call } from "./api.js";
import { ask, attempt, choice, moment, toast } from "./dialog.js";
import { el, iconButton } from "./dom.js";
import { exactly } from "./format.js";
import { onEvent } from "./live.js";
import { live, sheet } from "./sheet.js";

const LASTS = [["", "As the chat has it"], ["300", "5 minutes"], ["3600", "1 hour"], ["86400", "1 day"], ["604800", "7 days"]];

/** What waits for its time. */
export function laterPlace(_, signal) {
  const box = el("div.page");
  const show = live(box, () => call("message.scheduled"), draw, signal, (again) => onEvent((event) => event.type === "message.scheduled" && again(), signal));

  function draw({ scheduled }) {
    if (!scheduled.length) return el("p.hint", {}, "Nothing waits for its time. The clock beside the line where you write sends a message later.");
    return el("div.ledger", {}, scheduled.map((one) => line(one, show)));
  }

  return sheet("chats", "To be sent later", box);
}

function line(one, show) {
  return el(
    "div.entry.wide",
    {},
    el("span.entry-text", {}, el("span", { dir: "auto" }, one.text), el("small", {}, `${one.chat} · ${exactly(one.at_ms)}`), one.refused && el("small.warn", {}, `not sent: ${one.refused}`)),
    el("span"),
    iconButton("x", "Do not send it", () => attempt(() => call("message.unschedule", { id: one.id }).then(show), "It is not sent.")),
  );
}

/** Ask when `text` is to be sent and how long it lasts; `done(sent)` gets the message if that is at once. */
export function sendOtherwise(chat, text, reply, done) {
  ask({
    title: "Send it otherwise",
    lead: "At a time that lies ahead: by your node, or when it runs again after that.",
    fields: [moment("at", "When", "Empty: now."), choice("expire", "It vanishes after", LASTS, "")],
    verb: "Send",
    done: async ({ at, expire }) => {
      const said = { chat: chat.key, text, reply, expire_s: expire ? Number(expire) : null };
      if (!at) return void done(await call("message.send", said));
      const planned = await call("message.schedule", { ...said, at_ms: at });
      toast(`It is sent ${exactly(planned.at_ms)}.`);
      done(null);
      return undefined;
    },
  });
}
