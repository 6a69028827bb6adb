// The list of chats.

import { avatar } from "./avatar.js";
import { attempt } from "./dialog.js";
import { el, icon, iconButton, keyed } from "./dom.js";
import { when } from "./format.js";
import { createGroup } from "./groups.js";
import { addContact } from "./people.js";
import { spokenOf } from "./slip.js";
import { place, to, go } from "./route.js";
import { contactById, groupById, listAllChats, state, watch } from "./state.js";

let archived = false;

/** The chats, the most recently used first; invitations above them. */
export function chatList(signal) {
  const invitations = el("div.invitations");
  const rows = el("div.rows", {});
  const none = el("p.muted.pad");
  const fold = el("button.fold", { type: "button", onclick: () => ((archived = !archived), draw()) });
  const more = el("button.fold", { type: "button", onclick: () => attempt(listAllChats) }, "Show older chats");
  const search = el("input.input.search", {
    type: "search",
    placeholder: "Search messages",
    "aria-label": "Search messages",
    onkeydown: (event) => event.key === "Enter" && event.target.value.trim() && go("search", event.target.value.trim()),
  });

  function draw() {
    const here = place()[0] === "chat" ? place()[1] : "";
    const all = state.chats.map((chat) => ({ ...summary(chat), here: chat.about === here }));
    const shown = all.filter((chat) => archived || !chat.archived);
    keyed(rows, shown, (chat) => chat.about, row);
    const hidden = all.filter((chat) => chat.archived).length;
    fold.hidden = !hidden;
    fold.textContent = archived ? "Hide archived chats" : `${hidden} archived`;
    more.hidden = !state.moreChats;
    none.hidden = all.length > 0;
    none.textContent = "No chat yet. Add a contact with the link they gave you, or share yours.";
    keyed(invitations, state.groups.filter((one) => one.state === "invited"), (one) => one.group, invitation);
  }

  watch(["chats", "contacts", "groups"], draw, signal);
  addEventListener("hashchange", draw, { signal });
  draw();
  return [
    el(
      "header.list-head",
      {},
      el("h1", {}, "Chats"),
      el(
        "div.actions",
        {},
        el("a.icon-button", { href: to("later"), "aria-label": "To be sent later", title: "To be sent later" }, icon("calendar-clock")),
        iconButton("user-plus", "Add a contact", () => addContact()),
        iconButton("plus", "New group", () => createGroup()),
      ),
    ),
    el("div.list-search", {}, icon("search"), search),
    el("div.scroll", {}, invitations, rows, none, more, fold),
  ];
}

/** What the list shows of a chat. */
function summary(chat) {
  const group = groupById(chat.about);
  const contact = contactById(chat.about);
  const { last } = chat;
  return {
    about: chat.about,
    name: chat.chat.slice(1),
    group: Boolean(group) || chat.chat.startsWith("#"),
    connected: contact?.connected ?? false,
    verified: contact?.verified ?? false,
    unread: chat.unread,
    muted: chat.muted,
    archived: chat.archived,
    draft: chat.draft,
    at: last?.sent_ms ?? 0,
    text: last ? preview(last, Boolean(group)) : "",
    state: last?.mine && last.kind === "text" ? last.state : "",
  };
}

/** One line that says what a message says. */
export function preview(message, named) {
  if (message.kind === "deleted") return "Deleted";
  if (message.kind === "sealed" || message.kind === "missing") return "Waiting for this message";
  if (message.kind === "iou") return spokenOf(message);
  const who = message.kind !== "text" ? `${message.mine ? "You" : message.sender} ` : message.mine ? "You: " : named ? `${message.sender}: ` : "";
  return who + message.text;
}

function row(chat) {
  return el(
    "a.row",
    { href: to("chat", chat.about), "aria-current": chat.here ? "true" : null },
    avatar({ ...chat, id: chat.about }),
    el(
      "span.row-text",
      {},
      el(
        "span.row-line",
        {},
        el("span.row-name", {}, chat.name),
        chat.muted && icon("bell-off", "muted"),
        el("time.row-time", {}, chat.at ? when(chat.at) : ""),
      ),
      el(
        "span.row-line",
        {},
        el("span.row-preview", {}, chat.draft ? [el("em.draft", {}, "Draft: "), chat.draft] : chat.text),
        chat.state.startsWith("queued") && icon("clock", "not sent yet"),
        chat.unread > 0 && el(`span.count${chat.muted ? ".quiet" : ""}`, {}, String(chat.unread), el("span.unseen", {}, " unread")),
      ),
    ),
  );
}

function invitation(group) {
  return el(
    "a.row.asking",
    { href: to("group", group.group) },
    avatar({ id: group.group, name: group.name, group: true }),
    el("span.row-text", {}, el("span.row-name", {}, group.name), el("span.row-preview", {}, `${group.invited_by || "Somebody"} invites you`)),
  );
}
