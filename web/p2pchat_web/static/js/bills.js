// Bills that I paid: who bears what, entered anew, or given up.

import { call } from "./api.js";
import { ask, attempt, toast } from "./dialog.js";
import { el, icon, iconButton } from "./dom.js";
import { exactly, when } from "./format.js";
import { onEvent } from "./live.js";
import { menu } from "./menu.js";
import { live, sheet } from "./sheet.js";
import { editBill, split } from "./split.js";
import { refresh, state } from "./state.js";

/** All my bills, the newest first. */
export function billsPlace(_, signal) {
  const box = el("div.page");
  const show = live(box, () => call("bill.list"), draw, signal, (again) => onEvent((event) => event.type === "iou.changed" && again(), signal));

  function draw({ bills }) {
    if (!bills.length) return el("p.hint", {}, "No bill yet. Pay one for a group and split it: the plus above, or the coins in the group's chat.");
    return el("div.card-stack", {}, bills.map((bill) => card(bill, show)));
  }

  const groups = () => state.groups.filter((one) => one.state === "joined" && one.members.length > 1);
  const add = iconButton("plus", "Split a bill", (event) => {
    const items = groups().map((one) => ({ label: one.name, icon: "hash", do: () => split(one.group) }));
    if (items.length) menu(event.currentTarget, items);
    else toast("A bill is split in a group: found one first.");
  });
  return sheet("money", "Bills", box, add);
}

function card(bill, show) {
  const items = [
    { label: "Enter it anew", icon: "pencil", do: () => editBill(bill, show) },
    { label: "Let nothing be owed", icon: "x", danger: true, do: () => drop(bill, show) },
  ];
  return el(
    "section.card",
    {},
    el(
      "header.card-head",
      {},
      el("span.entry-text", {}, el("h3", {}, bill.note || "A bill"), el("small", {}, `#${bill.group} · `, el("time", { title: exactly(bill.at_ms) }, when(bill.at_ms)))),
      el("b.figure.big", {}, bill.total),
      el("button.icon-button", { type: "button", "aria-label": `More about ${bill.note || bill.total}`, onclick: (event) => menu(event.currentTarget, items) }, icon("ellipsis")),
    ),
    el("dl.facts", {}, Object.entries(bill.shares).map(([who, part]) => [el("dt", {}, who === "me" ? "You" : who), el("dd", {}, part)])),
  );
}

function drop(bill, show) {
  ask({
    title: "Let nothing be owed for it?",
    lead: `${bill.total}${bill.note ? `, ${bill.note}` : ""}: what was signed for it is given up, what was asked is withdrawn.`,
    verb: "Give it up",
    danger: true,
    done: async () => {
      await call("bill.delete", { id: bill.id });
      await Promise.all([show(), attempt(() => refresh("money"))]);
    },
  });
}
