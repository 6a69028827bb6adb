// One chat: who, what was said, what waits for a decision, and the line to write in.

import { call } from "./api.js";
import { avatar } from "./avatar.js";
import { composer } from "./composer.js";
import { attempt } from "./dialog.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { details } from "./details.js";
import { plural, span } from "./format.js";
import { onEvent } from "./live.js";
import { chatById, chatOf, refreshChat, state, watch } from "./state.js";
import { place, to } from "./route.js";
import { decisions } from "./slip.js";
import { timeline } from "./timeline.js";

const TYPING_MS = 10_000; // as long as one word of it counts
const TOLD = ["message.received", "message.sent", "message.state", "message.edited", "message.deleted", "message.reaction", "message.pinned", "message.vanished", "file.done", "file.broken"];

/** The chat with the person or group `about`; `jump` is a message to show. */
export function conversation([about, jump], signal) {
  const chat = chatOf(about);
  const head = el("header.sheet-head");
  const pinned = el("div.pinned", { hidden: true });
  const tray = el("div.tray");
  const lines = timeline(chat, {
    signal,
    grouped: chat.group,
    onReply: (message) => line.reply(message),
    onEdit: (message) => line.edit(message),
  });
  const line = composer(chat, { signal, lastOfMine: lines.lastOfMine, onSent: (message) => lines.add(message, true) });
  const aside = el("aside.details", { "aria-label": "Details", hidden: true });
  let open = false;
  let typing = 0; // the timer that ends it

  function drawHead() {
    const now = chatOf(about);
    fill(
      head,
      el("a.icon-button.back", { href: to("chats"), "aria-label": "Back to the chats" }, icon("chevron-left")),
      el(
        "button.head-who",
        { type: "button", onclick: toggle, "aria-expanded": String(open), title: "Details" },
        avatar({ ...now, id: about }),
        el("span.head-text", {}, el("span.head-name", {}, now.name), el("span.head-sub", {}, typing ? "is typing …" : subtitle(now))),
      ),
      el("span.spring"),
      iconButton("panel-right", "Details", toggle, { "aria-pressed": String(open) }),
    );
  }

  function toggle() {
    open = !open;
    aside.hidden = !open;
    box.classList.toggle("with-details", open);
    if (open) fill(aside, details(about, signal, toggle));
    drawHead();
    if (open) aside.querySelector("button")?.focus();
  }

  async function drawPinned() {
    const found = (await attempt(() => call("message.marked", { mark: "pinned", chat: chat.key })))?.messages ?? [];
    pinned.hidden = !found.length;
    const one = found.at(-1);
    if (one) {
      fill(
        pinned,
        icon("pin"),
        el("button.pinned-text", { type: "button", onclick: () => lines.jump(one.id) }, el("b", {}, one.sender), ` ${one.text}`),
        found.length > 1 && el("span.muted", {}, `and ${found.length - 1} more`),
      );
    }
  }

  const drawTray = () => fill(tray, decisions(chat));
  drawHead();
  drawTray();
  drawPinned();
  watch(["contacts", "groups", "chats", "requests"], drawHead, signal);
  watch(["ious", "contacts", "requests", "chats"], drawTray, signal);
  watch(["online"], () => state.online && lines.catchUp(), signal);
  function drawTyping(on) {
    clearTimeout(typing);
    typing = on ? setTimeout(() => drawTyping(false), TYPING_MS) : 0;
    drawHead();
  }

  onEvent((event) => {
    if (!chat.group && event.type === "chat.typing" && event.data.name === chatOf(about).name) drawTyping(event.data.typing);
    if (!TOLD.includes(event.type)) return;
    if (event.type === "message.received" && typing) drawTyping(false);
    if (event.type === "message.pinned" || event.type === "message.deleted") drawPinned();
    lines.told(event);
  }, signal);
  addEventListener("hashchange", () => place()[1] === about && place()[2] && lines.jump(place()[2]), { signal });
  if (!chatById(about)) refreshChat(chat.key).catch(() => {}); // of long ago, or none yet
  lines.begin(jump);
  const box = el("div.conversation", {}, el("div.talk", {}, head, pinned, lines.node, tray, line.node), aside);
  return box;
}

function subtitle(chat) {
  const parts = [];
  if (chat.group) parts.push(chat.state === "joined" ? plural(chat.members, "member") : chat.state);
  else if (chat.state !== "accepted") parts.push(chat.state === "requested" ? "has not accepted yet" : chat.state);
  else parts.push(chat.connected ? "connected now" : "not connected");
  if (chat.timer) parts.push(`vanishes after ${span(chat.timer)}`);
  return parts.join(" · ");
}
