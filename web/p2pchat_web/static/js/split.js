// Splitting a bill that I paid in a group: equally, by parts, or by the lines of the bill.

import { call } from "./api.js";
import { amount, ask, choice, several, text, toast } from "./dialog.js";
import { el, iconButton } from "./dom.js";
import { groupById, refresh, state } from "./state.js";
import { remember, unit } from "./unit.js";

const MODES = [
  ["equal", "Equally"],
  ["itemised", "By the lines of the bill"],
  ["exact", "By exact amounts"],
  ["percent", "By percent"],
  ["shares", "By shares"],
];

/** Split a bill that I paid in a group. */
export function split(about) {
  const group = groupById(about);
  form({
    title: `Split a bill in ${group.name}`,
    lead: "Everybody gets a request for their part. Nothing counts before they sign it.",
    names: namesIn(group),
    verb: "Ask them",
    done: async (divided) => {
      const result = await call("iou.split", { group: `#${about}`, ...divided });
      toast(`${result.ious.length} requests sent. Your own part: ${result.own_share}.`);
    },
  });
}

/** Enter a bill of mine anew; `done` is called afterwards. */
export function editBill(bill, done) {
  const group = state.groups.find((one) => one.name === bill.group);
  const names = group ? namesIn(group) : Object.keys(bill.shares).filter((one) => one !== "me");
  form({
    title: "Enter the bill anew",
    lead: "Whose part changes is asked anew, and owes nothing for it until they sign.",
    names,
    bill,
    verb: "Enter it",
    done: async (divided) => {
      await call("bill.edit", { id: bill.id, ...divided });
      await done();
    },
  });
}

const namesIn = (group) => group.members.filter((one) => !one.me).map((one) => one.name);

function form({ title, lead, names, bill, verb, done }) {
  const [number = "", ...rest] = (bill?.total ?? "").split(" ");
  const sum = amount("amount", "I paid", rest.join(" ") || unit(), number);
  const people = several("people", "For", names.map((one) => [one, one]));
  if (bill) for (const box of people.node.querySelectorAll("input")) box.checked = box.value in bill.shares;
  const mode = choice("mode", "Divide it", MODES, bill && !isEqual(bill) ? "exact" : "equal");
  const parts = text("parts", "Who how much", { value: bill ? written(bill.shares) : "", placeholder: names.map((one) => `${one}=10`).join(", "), hint: "Such as Ben=20, me=40. It has to add up." });
  const items = lines("items", "Lines of the bill", names);
  const show = () => {
    people.node.hidden = mode.value() !== "equal";
    items.node.hidden = mode.value() !== "itemised";
    parts.node.hidden = !people.node.hidden || !items.node.hidden;
  };
  mode.input.addEventListener("change", show);
  show();
  ask({
    title,
    lead,
    fields: [sum, text("note", "What for", { value: bill?.note ?? "", placeholder: "Dinner" }), mode, people, parts, items],
    verb,
    done: async (values) => {
      const its = values.amount.split(" ").slice(1).join(" ");
      await done({
        amount: values.amount,
        note: values.note,
        mode: values.mode,
        people: values.mode === "equal" ? values.people : [],
        parts: ["exact", "percent", "shares"].includes(values.mode) ? readParts(values.parts) : {},
        items: values.mode === "itemised" ? values.items.map((one) => ({ ...one, amount: `${one.amount} ${its}` })) : [],
      });
      remember(values.amount);
      refresh("money").catch(() => {});
    },
  });
}

/** Whether the parts of a bill differ by no more than the rounding. */
function isEqual(bill) {
  const parts = Object.values(bill.shares).map((one) => Number(one.split(" ")[0]));
  return Math.max(...parts) - Math.min(...parts) < 0.011;
}

const written = (shares) => Object.entries(shares).map(([who, part]) => `${who}=${part.split(" ")[0]}`).join(", ");

function readParts(words) {
  const pairs = words.split(",").map((one) => one.split("=").map((word) => word.trim()));
  if (pairs.some((pair) => pair.length !== 2 || !pair[0] || !pair[1])) throw new Error("Write it like Ben=20, me=40.");
  return Object.fromEntries(pairs);
}

/** The lines of a bill: how much, and who had it. What is left of the sum is tax and tip, in proportion. */
function lines(name, label, names) {
  const rows = el("div.bill-lines");
  const add = () => {
    const row = line(names, () => row.node.remove());
    rows.append(row.node);
    row.node.read = row.read;
    row.input.focus();
  };
  const node = el(
    "fieldset.field",
    {},
    el("legend", {}, label),
    rows,
    el("button.button.small", { type: "button", onclick: add }, "Add a line"),
    el("small.hint", {}, "What the lines leave of the sum is tax and tip: everybody bears it in proportion."),
  );
  add();
  return { name, node, value: () => [...rows.children].map((one) => one.read()).filter(Boolean) };
}

function line(names, drop) {
  const input = el("input.input", { type: "text", inputmode: "decimal", placeholder: "0.00", "aria-label": "Amount of this line", autocomplete: "off" });
  const who = ["me", ...names].map((one) => el("button.chip", { type: "button", "aria-pressed": "false", onclick: (event) => toggle(event.currentTarget), "data-name": one }, one === "me" ? "You" : one));
  const toggle = (chip) => chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
  const node = el("div.bill-line", {}, input, iconButton("x", "Leave this line out", drop), el("div.chips", { role: "group", "aria-label": "Who had it" }, who));
  const read = () => {
    const amount = input.value.trim().replace(",", ".");
    if (!amount) return null;
    const people = who.filter((one) => one.getAttribute("aria-pressed") === "true").map((one) => one.dataset.name);
    if (!people.length) throw new Error(`Who had the ${amount}? Choose at least one.`);
    return { amount, people };
  };
  return { node, input, read };
}
