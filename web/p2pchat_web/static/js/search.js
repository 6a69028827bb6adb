// Messages that hold all the words.

import { call } from "./api.js";
import { avatar } from "./avatar.js";
import { attempt } from "./dialog.js";
import { el, fill, icon } from "./dom.js";
import { plural, when } from "./format.js";
import { to } from "./route.js";
import { state } from "./state.js";

/** What was found for `words`. */
export function searchPlace([words = ""], signal) {
  const box = el("div.page", {}, el("p.muted", {}, "Searching …"));
  attempt(() => call("message.search", { text: words, limit: 100 })).then((found) => {
    if (signal.aborted || !found) return;
    const count = found.messages.length;
    fill(box, el("p.hint", {}, count ? `${plural(count, "message")}${count === 100 ? ", the newest ones" : ""}` : "No message holds all these words."), el("div.rows.results", {}, found.messages.map((one) => result(one, words))));
  });
  const head = el("header.sheet-head", {}, el("a.icon-button.back", { href: to("chats"), "aria-label": "Back to the chats" }, icon("chevron-left")), el("h2.head-name", {}, `“${words}”`));
  return el("div.talk", {}, head, el("div.scroller", {}, box));
}

function result(message, words) {
  const chat = state.chats.find((one) => one.chat === message.chat);
  return el(
    "a.row",
    { href: to("chat", chat?.about ?? "", message.id) },
    avatar({ id: chat?.about ?? message.person, name: message.chat.slice(1), group: message.chat.startsWith("#") }),
    el(
      "span.row-text",
      {},
      el("span.row-line", {}, el("span.row-name", {}, message.mine ? `You, in ${message.chat.slice(1)}` : message.chat.startsWith("#") ? `${message.sender}, in ${message.chat.slice(1)}` : message.sender), el("time.row-time", {}, when(message.sent_ms))),
      el("span.row-preview.wrap", { dir: "auto" }, marked(message.text, words)),
    ),
  );
}

/** The text with the words that were looked for marked. */
function marked(text, words) {
  const wanted = words.split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const parts = text.slice(0, 400).split(new RegExp(`(${wanted.join("|")})`, "giu"));
  return parts.map((part, at) => (at % 2 ? el("mark", {}, part) : part));
}
