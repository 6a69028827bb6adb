// Debts that move around several people at once: paying through friends, circles that cancel out, swaps.

import { call } from "./api.js";
import { amount, area, ask, attempt, choice, text, toast } from "./dialog.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { exactly, plural } from "./format.js";
import { onEvent } from "./live.js";
import { menu } from "./menu.js";
import { showText } from "./qr.js";
import { live, sheet } from "./sheet.js";
import { groupById, state } from "./state.js";
import { remember, unit } from "./unit.js";

const MINE = { pay: "You pay", clear: "A circle cancels out", assign: "You hand a claim on", swap: "A swap", pass: "Passes through you" };
const STATES = { asked: "not answered yet", proposed: "not agreed yet", open: "under way", done: "done", cancelled: "did not happen" };

const friends = () => state.contacts.filter((one) => one.state === "accepted").map((one) => [one.person, one.name]);

/** What goes through me, and what can be begun. */
export function circlesPlace(_, signal) {
  const box = el("div.page");
  const show = live(box, () => call("circle.list"), draw, signal, (again) => onEvent((event) => /^(iou|ledger|circle|circulation)\./.test(event.type) && again(), signal));

  function draw({ takes_part: on, circulations }) {
    const take = () => attempt(() => call("circle.take-part", { on: !on }).then(show));
    return [
      el(
        "section.card",
        {},
        el("button.switch", { type: "button", role: "switch", "aria-checked": String(on), onclick: take }, el("span", {}, "Take part in what friends begin"), el("span.knob")),
        el("p.hint", {}, "Within your limits only: your node passes on what you are owed in the same step, or nothing happens. No debt of yours grows without you."),
      ),
      el("h3.ledger-title", {}, circulations.length ? plural(circulations.length, "circulation") : "Nothing goes through you yet."),
      el("div.ledger", {}, circulations.map((one) => line(one, show))),
    ];
  }

  const begin = iconButton("plus", "Begin one", (event) =>
    menu(event.currentTarget, [
      { label: "Let circles of debts cancel out", icon: "repeat", do: () => clear(show) },
      { label: "Pay a friend through friends", icon: "waypoints", do: () => choose("Whom", (who) => payThrough(who, show)) },
      { label: "Pay an invoice", icon: "hand-coins", do: () => payInvoice(show) },
      { label: "Make an invoice", icon: "receipt-text", do: () => makeInvoice() },
      { label: "Hand a claim on", icon: "user-plus", do: () => assign(show) },
      { label: "Swap two units", icon: "split", do: () => swap(show) },
    ]),
  );
  return sheet("money", "Circles", box, begin);
}

function line(one, show) {
  const decide = (method) => () => attempt(() => call(method, { id: one.id }).then(show));
  const ends = [one.from_who && `${one.from_who} gives you ${one.incoming}`, one.to_who && `you give ${one.to_who} ${one.outgoing}`].filter(Boolean).join(", ");
  return el(
    `div.entry.wide${one.state === "cancelled" ? ".faint" : ""}`,
    {},
    el("span.entry-text", {}, el("span", {}, one.note || MINE[one.kind] || one.kind), el("small", { title: one.deadline_ms ? `until ${exactly(one.deadline_ms)}` : "" }, [ends, STATES[one.state] ?? one.state].filter(Boolean).join(" · "))),
    one.mine_to_decide ? el("button.button.small.primary", { type: "button", onclick: decide("circle.accept") }, "Agree") : el("b.figure", {}, one.outgoing ?? one.incoming ?? ""),
    ["asked", "proposed", "open"].includes(one.state) ? iconButton("x", one.mine_to_decide ? "Turn it down" : "Ask for its end", decide("circle.cancel")) : el("span"),
  );
}

function choose(label, then) {
  const people = friends();
  if (!people.length) return toast("Add a contact first.");
  return ask({ title: label, fields: [choice("who", label, people, people[0][0])], verb: "Go on", done: ({ who }) => void then({ about: who, name: people.find(([id]) => id === who)[1] }) });
}

function clear(show) {
  ask({
    title: "Let circles cancel out",
    lead: "You owe Ann, Ann owes Ben, Ben owes you: so much of it is owed by nobody. Only among people who take part; no debt grows.",
    fields: [text("unit", "In which unit", { value: unit(), hint: "Empty: in all." })],
    verb: "Look for circles",
    done: async ({ unit: one }) => {
      const { units } = await call("circle.clear", { unit: one || null });
      toast(units.length ? `Looking in ${units.join(", ")}. What is found stands here.` : "You owe nobody who could be on a circle.");
      await show();
    },
  });
}

/** Pay a contact through others, who owe each other in turn. */
export function payThrough(contact, show) {
  ask({
    title: `Pay ${contact.name} through friends`,
    lead: "You owe the first, who owes the next, who owes them; or nothing happens at all. Those on the way have to take part.",
    fields: [amount("amount", "Amount", unit()), text("through", "Through", { placeholder: "Ben", hint: "Names in their order from you on, with commas. Empty: directly." }), text("note", "What for")],
    verb: "Pay",
    done: async ({ amount: sum, through, note }) => {
      await call("circle.pay", { who: contact.about, amount: sum, note, through: names(through) });
      remember(sum);
      toast("It is on its way: see Circles.");
      await show?.();
    },
  });
}

const names = (words) => words.split(",").map((one) => one.trim()).filter(Boolean);

function payInvoice(show) {
  ask({
    title: "Pay an invoice",
    fields: [area("invoice", "The invoice", { placeholder: "p2pchat-invoice:…" }), text("through", "Through", { hint: "Names from you on, with commas; the last has to know who is paid." }), text("note", "What for")],
    verb: "Pay",
    done: async ({ invoice, through, note }) => {
      await call("circle.pay-invoice", { invoice, through: names(through), note });
      await show();
    },
  });
}

function makeInvoice() {
  ask({
    title: "Make an invoice",
    lead: "Whoever is no contact of yours can pay it through friends whom you share.",
    fields: [amount("amount", "Amount", unit()), text("note", "What for")],
    verb: "Make it",
    done: async (values) => {
      const made = await call("circle.invoice", values);
      remember(values.amount);
      showText("Invoice", made.invoice, "Give this to who is to pay.");
    },
  });
}

function assign(show) {
  const people = friends();
  if (people.length < 2) return toast("This takes two contacts.");
  return ask({
    title: "Hand a claim on",
    lead: "What the first owes you, they owe the second instead. All three agree, or nothing happens.",
    fields: [choice("debtor", "Who owes you", people, people[0][0]), amount("amount", "Amount", unit()), choice("creditor", "Who is to be owed", people, people[1][0])],
    verb: "Hand it on",
    done: async (values) => {
      await call("circle.assign", values);
      await show();
    },
  });
}

function swap(show) {
  const people = friends();
  if (!people.length) return toast("Add a contact first.");
  const takes = amount("takes", "You are owed", "beer");
  return ask({
    title: "Swap two units",
    lead: "You owe the first and are owed the second, or neither.",
    fields: [choice("who", "With", people, people[0][0]), amount("gives", "You owe", unit()), takes],
    verb: "Offer it",
    done: async (values) => {
      await call("circle.swap", values);
      await show();
    },
  });
}

/** What of the debts in a group can be simplified; people decide for themselves whether they take part. */
export function simplify(about) {
  const group = groupById(about);
  const box = el("div.form");
  const its = text("unit", "Unit", { value: unit() });
  const plan = async (method) => {
    const found = await call(method, { group: `#${about}`, unit: its.value() });
    fill(box, drawPlan(found, its.value(), () => attempt(() => plan("circle.simplify-clear"), "The circles are being cleared.")));
  };
  ask({
    title: `Simplify debts in ${group.name}`,
    lead: "Those who take part let each other see what they owe within the group. What everybody owes in all stays the same.",
    fields: [
      its,
      { name: "more", node: el("div.card-foot", {}, el("button.button.small", { type: "button", onclick: () => attempt(() => call("circle.join", { group: `#${about}`, on: true }), "You take part.") }, icon("check"), "Take part"), el("button.button.small", { type: "button", onclick: () => attempt(() => call("circle.join", { group: `#${about}`, on: false }), "You take part no longer.") }, "No longer")), value: () => null },
      { name: "plan", node: box, value: () => null },
    ],
    verb: "Look",
    done: async () => {
      await plan("circle.simplify");
      setTimeout(() => box.isConnected && attempt(() => plan("circle.plan")), 2500); // others answer meanwhile
      return true;
    },
  });
}

function drawPlan({ circles, changes, silent }, its, go) {
  return [
    changes.length
      ? el("table.plan", {}, el("thead", {}, el("tr", {}, ["", "owes", "then", "is owed", "then"].map((one) => el("th", {}, one)))), el("tbody", {}, changes.map((one) => el("tr", {}, el("th", {}, one.who === "me" ? "You" : one.who), [one.owes_before, one.owes_after, one.due_before, one.due_after].map((cell) => el("td", {}, cell.replace(` ${its}`, "")))))))
      : el("p.hint", {}, "Nothing to simplify, by what members have said so far."),
    silent.length > 0 && el("p.hint", {}, `Do not take part, or have not answered: ${silent.join(", ")}.`),
    circles.length > 0 && el("button.button.small.primary", { type: "button", onclick: go }, `Clear ${plural(circles.length, "circle")}`),
  ];
}
