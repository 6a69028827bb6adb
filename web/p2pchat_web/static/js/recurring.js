// IOUs that come again: the node signs or asks when the day comes.

import { call } from "./api.js";
import { amount, ask, attempt, choice, day, text, toast } from "./dialog.js";
import { el, iconButton } from "./dom.js";
import { dueDay, plural } from "./format.js";
import { onEvent } from "./live.js";
import { menu } from "./menu.js";
import { live, sheet } from "./sheet.js";
import { state } from "./state.js";
import { remember, unit } from "./unit.js";

const KINDS = [["request", "They owe me"], ["pay", "I owe"]];
const STEPS = [["month", "Every month"], ["week", "Every week"], ["year", "Every year"], ["day", "Every day"]];

/** All of them. */
export function recurringPlace(_, signal) {
  const box = el("div.page");
  const show = live(box, () => call("recurring.list"), draw, signal, (again) => onEvent((event) => event.type === "iou.changed" && again(), signal));

  function draw({ recurring }) {
    if (!recurring.length) return el("p.hint", {}, "Nothing comes again. Rent, a phone that two share: let your node write it each time.");
    return el("div.ledger", {}, recurring.map((one) => line(one, show)));
  }

  const add = iconButton("plus", "Let something come again", (event) => {
    const items = state.contacts.filter((one) => one.state === "accepted").map((one) => ({ label: one.name, icon: "user", do: () => comeAgain({ about: one.person, name: one.name }, show) }));
    if (items.length) menu(event.currentTarget, items);
    else toast("Add a contact first.");
  });
  return sheet("money", "Coming again", box, add);
}

function line(one, show) {
  const often = one.every === 1 ? `every ${one.step}` : `every ${plural(one.every, one.step)}`;
  const told = [often, one.next ? `next ${dueDay(one.next)}` : "over", one.until && `until ${dueDay(one.until)}`].filter(Boolean).join(" · ");
  return el(
    "div.entry.wide",
    {},
    el("span.entry-text", {}, el("span", {}, one.note || (one.kind === "pay" ? `You owe ${one.who}` : `You ask ${one.who}`)), el("small", {}, `${one.kind === "pay" ? `you owe ${one.who}` : `you ask ${one.who}`} · ${told}`)),
    el(`b.figure.${one.kind === "pay" ? "minus" : "plus"}`, {}, one.amount),
    iconButton("x", `Stop ${one.note || one.amount}`, () => attempt(() => call("recurring.stop", { id: one.id }).then(show), "It comes no more; what was entered stays.")),
  );
}

/** Ask what is to come again with a contact; `done` is called afterwards. */
export function comeAgain(contact, done) {
  ask({
    title: `Again and again with ${contact.name}`,
    lead: "Your node writes it when the day comes, or when it runs again after that. Each counts once both have signed it.",
    fields: [
      choice("kind", "Who owes", KINDS, "request"),
      amount("amount", "Amount", unit()),
      text("note", "What for", { placeholder: "Rent" }),
      choice("step", "How often", STEPS, "month"),
      day("first", "From", "Empty: today."),
      day("until", "Until", "Empty: until you stop it."),
    ],
    verb: "Let it come",
    done: async (values) => {
      const made = await call("recurring.add", { ...values, who: contact.about, zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
      remember(values.amount);
      toast(`${made.amount} ${made.next ? `comes next on ${dueDay(made.next)}` : "is entered"}.`);
      await done?.();
    },
  });
}
