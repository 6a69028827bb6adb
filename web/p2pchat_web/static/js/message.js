// One message as it is shown.

import { act } from "./acts.js";
import { avatar } from "./avatar.js";
import { el, icon } from "./dom.js";
import { clock, exactly } from "./format.js";
import { fileNode } from "./files.js";
import { slip, spokenOf } from "./slip.js";
import { iouById } from "./state.js";

const LINK = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}]/g;

/** `first` and `last`: its place in a run of messages of one person. */
export function messageNode(message, place) {
  const { first, last } = place;
  const iou = message.iou && iouById(message.iou);
  if (message.kind === "group" || (message.kind === "iou" && !iou)) return remark(message);
  const side = message.mine ? "mine" : "theirs";
  const bubble = iou ? slip(message, iou) : words(message, place);
  const classes = ["article.message", side, first && "first", last && "last", `kind-${message.kind}`].filter(Boolean).join(".");
  return el(
    classes,
    { "data-id": message.id, tabindex: "-1", "aria-label": spoken(message) },
    place.grouped && !message.mine && el("span.gutter", {}, first && avatar({ id: message.person, name: message.sender }, "small")),
    el(
      "div.body",
      {},
      place.grouped && !message.mine && first && message.kind !== "iou" && el("span.sender", {}, message.sender),
      el("div.hold", {}, bubble),
      message.reactions.length > 0 && reactions(message),
      message.mine && last && message.kind === "text" && el(`span.state.${stateWord(message)}`, {}, stateIcon(message), message.state),
    ),
  );
}

/** A line that says what happened in the chat. */
function remark(message) {
  const text = message.kind === "iou" ? spokenOf(message) : `${message.mine ? "You" : message.sender} ${message.text}`;
  return el("p.remark", { "data-id": message.id, dir: "auto" }, text, " ", el("time", { title: exactly(message.sent_ms) }, clock(message.sent_ms)));
}

function words(message, { find, jump }) {
  const quoted = message.reply && find(message.reply);
  return el(
    "div.bubble",
    {},
    message.reply &&
      el(
        "button.quote",
        { type: "button", onclick: () => jump(message.reply) },
        el("b", {}, quoted ? (quoted.mine ? "You" : quoted.sender) : "Earlier"),
        el("span", {}, quoted ? quoted.text || "…" : "Show the message that this answers"),
      ),
    !message.wordless && el("div.text", { dir: "auto" }, said(message)),
    (message.files ?? []).map(fileNode),
    el(
      "span.meta",
      {},
      message.pinned && icon("pin", "pinned"),
      message.starred && icon("star", "starred"),
      message.expires_ms > 0 && icon("timer", `vanishes ${exactly(message.expires_ms)}`),
      message.edited_ms > 0 && el("span", { title: exactly(message.edited_ms) }, "edited "),
      el("time", { datetime: new Date(message.sent_ms).toISOString(), title: exactly(message.sent_ms) }, clock(message.sent_ms)),
    ),
  );
}

function said(message) {
  const quiet = { deleted: "Deleted", sealed: "Waiting for its key", missing: "Waiting for this message", unknown: "Your p2pchat is too old for this" };
  if (message.kind in quiet) return el("em.quiet", {}, quiet[message.kind]);
  return linked(message.text);
}

/** The text, in which http addresses are links. */
function linked(text) {
  const parts = [];
  let end = 0;
  for (const { 0: address, index } of text.matchAll(LINK)) {
    parts.push(text.slice(end, index));
    parts.push(el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, address));
    end = index + address.length;
  }
  parts.push(text.slice(end));
  return parts;
}

function reactions(message) {
  const byEmoji = Map.groupBy ? Map.groupBy(message.reactions, (one) => one.emoji) : grouped(message.reactions);
  return el(
    "span.reactions",
    {},
    [...byEmoji].map(([emoji, those]) =>
      el(
        `button.reaction${those.some((one) => one.me) ? ".own" : ""}`,
        { type: "button", title: those.map((one) => one.name).join(", "), onclick: () => act.toggle(message, emoji) },
        emoji,
        those.length > 1 && el("span", {}, String(those.length)),
        el("span.unseen", {}, ` by ${those.map((one) => one.name).join(", ")}`),
      ),
    ),
  );
}

function grouped(all) {
  const found = new Map();
  for (const one of all) found.set(one.emoji, [...(found.get(one.emoji) ?? []), one]);
  return found;
}

const stateWord = (message) => message.state.split(" ")[0];

function stateIcon(message) {
  return icon({ queued: "clock", stored: "clock", handed: "send", delivered: "check", read: "check", failed: "circle-alert" }[stateWord(message)] ?? "clock");
}

function spoken(message) {
  const who = message.mine ? "You" : message.sender;
  return `${who}, ${clock(message.sent_ms)}: ${message.text || message.kind}${message.mine ? `, ${message.state}` : ""}`;
}
