// What stands behind a chat: a person with the safety number, or a group with its members.

import { call } from "./api.js";
import { avatar } from "./avatar.js";
import { ask, attempt, choice, text } from "./dialog.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { groupDetails } from "./groups.js";
import { balanceLine } from "./money.js";
import { chatSettings } from "./settings.js";
import { setLimit, write } from "./pay.js";
import { trace } from "./trace.js";
import { go, to } from "./route.js";
import { chatById, chatOf, contactById, refresh, state, watch } from "./state.js";

/** The column beside a chat. */
export function details(about, signal, close) {
  const box = el("div.details-body");
  const draw = () => fill(box, chatOf(about).group ? groupDetails(about) : contactById(about) ? person(about, true) : "");
  watch(["contacts", "groups", "chats", "balances"], draw, signal);
  draw();
  return [el("header.details-head", {}, el("h2", {}, "Details"), iconButton("x", "Close the details", close)), box];
}

/** A person; `beside` the chat there is no need for a way to it. */
export function person(id, beside = false) {
  const contact = contactById(id);
  const who = { about: id, name: contact.name };
  const change = (method) => () => attempt(() => call(method, { who: id }).then(() => refresh("people", "chats")));
  const standing = state.balances.filter((one) => one.who === contact.name);
  return el(
    "div.card-stack",
    {},
    el(
      "header.who",
      {},
      avatar({ ...contact, id }, "large"),
      el("h2", {}, contact.name, contact.verified && icon("shield-check", "verified")),
      contact.claimed_name !== contact.name && el("p.muted", {}, `calls themselves ${contact.claimed_name}`),
      el("p.muted", {}, STATES[contact.state] ?? (contact.connected ? "connected now" : "not connected"), !contact.connected && ["accepted", "requested"].includes(contact.state) && [" · ", el("button.link.inline", { type: "button", onclick: () => trace(who) }, "why?")]),
      el(
        "div.who-buttons",
        {},
        !beside && contact.state !== "blocked" && el("a.button.primary", { href: to("chat", id) }, icon("message-circle"), "Write"),
        contact.state === "accepted" && el("button.button", { type: "button", onclick: () => write("pay", who) }, icon("hand-coins"), "I owe"),
        contact.state === "accepted" && el("button.button", { type: "button", onclick: () => write("request", who) }, icon("receipt-text"), "Request"),
      ),
    ),
    standing.length > 0 && el("section.card", {}, el("h3", {}, "Between you"), standing.map((one) => balanceLine(one, who)), el("button.link", { type: "button", onclick: () => setLimit(who) }, "Set a limit")),
    safety(contact, change),
    chatById(id) && chatSettings(chatOf(id)),
    el(
      "section.card.quiet-card",
      {},
      el("button.line-button", { type: "button", onclick: () => rename(contact) }, icon("pencil"), "Call them otherwise"),
      contact.state === "accepted" && el("button.line-button", { type: "button", onclick: () => introduce(contact) }, icon("users"), "Introduce to another contact"),
      ["accepted", "requested"].includes(contact.state) && el("button.line-button.danger", { type: "button", onclick: () => remove(contact) }, icon("x"), "Remove from contacts"),
      contact.state === "blocked"
        ? el("button.line-button", { type: "button", onclick: change("contact.unblock") }, icon("ban"), "Take messages again")
        : el("button.line-button.danger", { type: "button", onclick: () => block(contact) }, icon("ban"), "Block"),
    ),
  );
}

const STATES = { requested: "has not accepted yet", pending: "asks to be your contact", blocked: "blocked", rejected: "rejected" };

function safety(contact, change) {
  const number = el("div.safety", { role: "group", "aria-label": "Safety number" });
  attempt(() => call("contact.show", { who: contact.person })).then((whole) => {
    if (whole) fill(number, whole.safety_number.split(" ").map((group) => el("span", {}, group)));
  });
  return el(
    "section.card",
    {},
    el("h3", {}, "Safety number"),
    contact.undecided && el("p.problem", {}, `${contact.name} uses a new device since you compared. Nothing is sent until you decide.`),
    el("p.hint", {}, "Read it to each other, face to face or on the phone. If both see the same, nobody stands between you."),
    number,
    el(
      "div.card-foot",
      {},
      contact.verified && !contact.undecided
        ? el("span.good", {}, icon("shield-check"), "You compared it")
        : el("button.button.small.primary", { type: "button", onclick: change("contact.verify") }, icon("shield-check"), "It is the same"),
      contact.undecided && el("button.button.small", { type: "button", onclick: change("contact.trust") }, "Go on without comparing"),
    ),
  );
}

function remove(contact) {
  const owed = state.balances.some((one) => one.who === contact.name && (one.minor || one.open_offers));
  ask({
    title: `Remove ${contact.name}?`,
    lead: `They are not told. Nothing goes to them or comes from them until one of you asks the other anew; the chat moves into the archive${owed ? ", and what is owed or undecided between you stays so" : ""}.`,
    verb: "Remove",
    danger: true,
    done: async () => {
      await call("contact.remove", { who: contact.person, with_debts: owed });
      go("people");
      await refresh("people", "chats");
    },
  });
}

function rename(contact) {
  ask({
    title: "Call them otherwise",
    fields: [text("name", "Name", { value: contact.name, hint: "Only you see it." })],
    verb: "Rename",
    done: async ({ name }) => {
      await call("contact.rename", { who: contact.person, name });
      await refresh("people", "chats");
    },
  });
}

function introduce(contact) {
  const others = state.contacts.filter((one) => one.state === "accepted" && one.person !== contact.person);
  ask({
    title: `Introduce ${contact.name}`,
    lead: "Both see a request with your name on it, and decide themselves.",
    fields: [choice("to", "To", others.map((one) => [one.person, one.name]), others[0]?.person)],
    verb: "Introduce",
    done: ({ to: other }) => call("contact.introduce", { who: contact.person, to: other }),
  });
}

function block(contact) {
  ask({
    title: `Block ${contact.name}?`,
    lead: "Nothing more comes from them, and they are not told.",
    verb: "Block",
    danger: true,
    done: async () => {
      await call("contact.block", { who: contact.person });
      await refresh("people", "chats");
    },
  });
}
