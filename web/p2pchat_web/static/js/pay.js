// Writing IOUs: pay, request, paid back.

import { call } from "./api.js";
import { amount, ask, day, text, toast } from "./dialog.js";
import { payThrough } from "./circles.js";
import { menu } from "./menu.js";
import { comeAgain } from "./recurring.js";
import { split } from "./split.js";
import { refresh, state } from "./state.js";
import { remember, unit } from "./unit.js";

const KINDS = {
  pay: { title: "I owe", verb: "Sign", lead: (who) => `You sign that you owe ${who} this. It counts once ${who} accepts.` },
  request: { title: "Request", verb: "Ask", lead: (who) => `You ask ${who} to sign that you are owed this.` },
  settle: { title: "I paid back", verb: "Ask for the receipt", lead: (who) => `You paid ${who} back and ask for the receipt.` },
  receipt: { title: "I was paid back", verb: "Sign the receipt", lead: (who) => `You sign that ${who} paid you back.` },
};

/** Ask for one of KINDS with a contact. */
export function write(kind, contact, value = "") {
  const { title, verb, lead } = KINDS[kind];
  const plannable = kind === "pay" || kind === "request";
  const [number, ...rest] = value.split(" ");
  const sum = amount("amount", "Amount", rest.join(" ") || unit(), number ?? "");
  ask({
    title,
    lead: lead(contact.name),
    fields: [sum, text("note", "What for", { placeholder: "Pizza" }), ...(plannable ? [day("due", "Due (if there is a day)")] : [])],
    verb,
    done: async ({ amount: asked, note, due }) => {
      const when = due ? { due, zone: Intl.DateTimeFormat().resolvedOptions().timeZone } : {};
      const done = await call(`iou.${kind}`, { who: contact.about, amount: asked, note, ...when });
      remember(asked);
      refresh("money").catch(() => {});
      toast(`${done.amount}: ${done.state === "binding" ? "signed by both" : "waits for the other side"}.`);
    },
  });
}

/** Say how much a contact may owe me. */
export function setLimit(contact) {
  const sum = amount("amount", "May owe me up to", unit());
  const auto = text("auto", "Accept unasked up to", { inputmode: "decimal", placeholder: "10", hint: "Empty: whatever fits the limit. 0: never." });
  ask({
    title: "Limit",
    lead: `What ${contact.name} signs beyond it is not accepted.`,
    fields: [sum, auto],
    verb: "Set",
    done: async (values) => {
      await call("iou.limit", { who: contact.about, amount: values.amount, auto: values.auto || null });
      refresh("money").catch(() => {});
    },
  });
}

/** What can be written about money in a chat. */
export function payMenu(anchor, chat) {
  if (chat.group) return menu(anchor, [{ label: "Split a bill I paid", icon: "split", do: () => split(chat.about) }]);
  const contact = { about: chat.about, name: chat.name };
  const standing = state.balances.filter((one) => one.who === chat.name);
  const debt = standing.find((one) => one.minor < 0);
  const credit = standing.find((one) => one.minor > 0);
  const bare = (balance) => balance.amount.replace(/^[+-]/, "");
  return menu(anchor, [
    { label: `I owe ${chat.name}`, icon: "hand-coins", do: () => write("pay", contact) },
    { label: `${chat.name} owes me`, icon: "receipt-text", do: () => write("request", contact) },
    { label: "I paid back", icon: "check", do: () => write("settle", contact, debt ? bare(debt) : "") },
    { label: "I was paid back", icon: "check", do: () => write("receipt", contact, credit ? bare(credit) : "") },
    { label: "Again and again …", icon: "repeat", do: () => comeAgain(contact) },
    { label: "Pay through friends …", icon: "waypoints", do: () => payThrough(contact) },
  ]);
}
