// What a person settles for one chat: quiet, vanishing messages, archive.

import { call } from "./api.js";
import { ask, attempt, choice } from "./dialog.js";
import { el, icon } from "./dom.js";
import { chatById, refresh } from "./state.js";

const TIMES = [["0", "Off"], ["300", "5 minutes"], ["3600", "1 hour"], ["86400", "1 day"], ["604800", "7 days"], ["2592000", "30 days"]];
const MUTES = [["3600", "1 hour"], ["28800", "8 hours"], ["604800", "7 days"], ["31536000", "1 year"]];

/** Quiet, vanishing messages, archive. */
export function chatSettings(chat) {
  const summary = chatById(chat.about);
  const set = (method, params) => attempt(() => call(method, { chat: chat.key, ...params }).then(() => refresh("chats")));
  const mute = () =>
    summary.muted
      ? set("chat.mute", { seconds: 0 })
      : ask({ title: "Do not notify", fields: [choice("seconds", "For", MUTES, "28800")], verb: "Be quiet", done: ({ seconds }) => set("chat.mute", { seconds: Number(seconds) }) });
  const vanish = () =>
    ask({
      title: "Vanishing messages",
      lead: "From now on, texts of both sides vanish this long after they arrived. Nothing stops the other side from keeping a copy.",
      fields: [choice("seconds", "After", TIMES, String(summary.timer_s))],
      verb: "Set",
      done: ({ seconds }) => call("chat.timer", { chat: chat.key, seconds: Number(seconds) }),
    });
  return el(
    "section.card.quiet-card",
    {},
    el("button.line-button", { type: "button", onclick: mute }, icon(summary.muted ? "bell" : "bell-off"), summary.muted ? "Notify again" : "Do not notify"),
    el("button.line-button", { type: "button", onclick: vanish }, icon("timer"), "Vanishing messages"),
    el("button.line-button", { type: "button", onclick: () => set("chat.archive", { on: !summary.archived }) }, icon("archive"), summary.archived ? "Back into the list" : "Archive"),
  );
}
