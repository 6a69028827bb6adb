// IOUs in a chat, as slips of paper: what it is about, how it stands, and the decision if it is mine.

import { call } from "./api.js";
import { attempt } from "./dialog.js";
import { el, icon } from "./dom.js";
import { clock, dueDay, exactly } from "./format.js";
import { contactById, refresh, state } from "./state.js";

const OVER = new Set(["void", "withdrawn", "declined"]); // it never counts

/** The slip of a message that makes an IOU or a request. */
export function slip(message, iou) {
  return el(
    `div.slip${OVER.has(iou.state) ? ".over" : ""}`,
    {},
    el("span.slip-who", {}, sentence(iou)),
    el("span.slip-amount", {}, iou.amount),
    iou.note && el("span.slip-note", { dir: "auto" }, iou.note),
    iou.due && el("span.slip-who", {}, `due ${dueDay(iou.due)}`),
    el("span.slip-foot", {}, el(`span.stamp.${iou.state}`, {}, words(iou)), el("time", { title: exactly(message.sent_ms) }, clock(message.sent_ms))),
  );
}

/** A line about money in words; after "You", the words that were made for a third person. */
export function spokenOf(message) {
  if (!message.mine) return `${message.sender} ${message.text}`;
  return `You ${message.text.replace(/^owes /, "owe ").replace(/^asks /, "ask ").replace(/^was /, "were ").replace(/^lets /, "let ")}`;
}

/** Who owes whom, in a sentence. */
export function sentence(iou) {
  const repaid = iou.reason === "repayment";
  if (iou.kind === "request") {
    if (iou.direction === "owes-me") return repaid ? `You ask ${iou.who} for a receipt` : `You ask ${iou.who} for`;
    return repaid ? `${iou.who} asks for a receipt` : `${iou.who} asks you for`;
  }
  if (repaid) return iou.direction === "i-owe" ? `${iou.who} paid you back` : `You paid ${iou.who} back`;
  return iou.direction === "i-owe" ? `You owe ${iou.who}` : `${iou.who} owes you`;
}

const WORDS = {
  offered: "not signed by both yet",
  requested: "waits for an answer",
  binding: "signed by both",
  answered: "signed by both",
  fulfilled: "settled",
  held: "held",
  void: "void",
  withdrawn: "withdrawn",
  declined: "declined",
};

/** How an IOU stands. */
export const words = (iou) => (iou.disputed ? "disputed" : iou.mine_to_decide ? "waits for you" : (WORDS[iou.state] ?? iou.state));

/** What waits for a decision of mine in this chat: a request of the person, or IOUs. */
export function decisions(chat) {
  const asking = state.requests.find((one) => one.person === chat.about);
  if (asking) {
    return decision(
      "user-plus",
      [el("b", {}, asking.name), " asks to be your contact", asking.message && el("span.decision-note", { dir: "auto" }, asking.message)],
      () => call("request.accept", { who: asking.person }),
      () => call("request.reject", { who: asking.person }),
      ["people", "chats"],
    );
  }
  const name = contactById(chat.about)?.name;
  return state.ious.filter((one) => one.mine_to_decide && one.who === name && !chat.group).slice(0, 3).map(iouDecision);
}

/** Accept or reject one IOU. */
export function iouDecision(iou) {
  return decision(
    "receipt-text",
    [`${sentence(iou)} `, el("b.figure", {}, iou.amount), iou.note && el("span.decision-note", { dir: "auto" }, iou.note)],
    () => call("iou.accept", { id: iou.id }),
    () => call("iou.reject", { id: iou.id }),
    ["money"],
    iou.kind === "request" ? "Sign" : "Accept",
    iou.same_as && { label: "Same as the other one", do: () => call("iou.same", { id: iou.id, other: iou.same_as }) },
  );
}

function decision(sign, what, yes, no, parts, verb = "Accept", third = null) {
  const run = (job) => async (event) => {
    const buttons = event.currentTarget.parentNode.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    await attempt(job);
    for (const button of buttons) button.disabled = false;
    refresh(...parts).catch(() => {});
  };
  return el(
    "section.decision",
    {},
    icon(sign),
    el("p", {}, what),
    el(
      "span.decision-buttons",
      {},
      third && el("button.button.small", { type: "button", onclick: run(third.do) }, third.label),
      el("button.button.small", { type: "button", onclick: run(no) }, "Reject"),
      el("button.button.small.primary", { type: "button", onclick: run(yes) }, verb),
    ),
  );
}
