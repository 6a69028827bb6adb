// Who owes whom: balances, what waits for a decision, and every IOU.

import { call } from "./api.js";
import { avatar } from "./avatar.js";
import { ask, attempt, open, text } from "./dialog.js";
import { el, fill, icon, iconButton, keyed } from "./dom.js";
import { dueDay, exactly, plural, when } from "./format.js";
import { menu } from "./menu.js";
import { setLimit, write } from "./pay.js";
import { place, to } from "./route.js";
import { contactByName, know, refresh, state, watch } from "./state.js";
import { iouDecision, sentence, spokenOf, words } from "./slip.js";

const LINKS = [
  ["bills", "split", "Bills"],
  ["again", "repeat", "Coming again"],
  ["circles", "waypoints", "Circles"],
];
const PAGE = 100;
const side = (minor) => (minor > 0 ? "plus" : minor < 0 ? "minus" : "even");

/** Balances by person, and what they sum up to. */
export function moneyList(signal) {
  const sums = el("div.sums");
  const rows = el("div.rows", {});
  const none = el("p.muted.pad", {}, "Nobody owes anybody. Write the first IOU from a chat.");

  const links = el("nav.rows.links", { "aria-label": "More about money" });

  function draw() {
    const here = place()[1] ?? "";
    fill(links, LINKS.map(([name, sign, label]) => el("a.row.slim", { href: to(name), "aria-current": place()[0] === name ? "true" : null }, icon(sign), el("span.row-name", {}, label))));
    const people = [...new Set([...state.balances, ...state.ious].map((one) => one.who))];
    keyed(rows, people.map((who) => summary(who, here)), (one) => one.who, row);
    fill(sums, totals().map(sum));
    none.hidden = people.length > 0;
  }

  watch(["balances", "ious", "contacts"], draw, signal);
  addEventListener("hashchange", draw, { signal });
  draw();
  return [
    el("header.list-head", {}, el("h1", {}, "Money"), el("a.icon-button", { href: to("money", "all"), "aria-label": "All IOUs", title: "All IOUs" }, icon("receipt-text"))),
    el("div.scroll", {}, sums, rows, none, links),
  ];
}

/** For each unit: owed to me, owed by me. */
function totals() {
  const units = new Map();
  for (const { unit, minor, amount } of state.balances) {
    const one = units.get(unit) ?? { unit, plus: 0, minus: 0, digits: digits(amount) };
    one[minor > 0 ? "plus" : "minus"] += Math.abs(minor);
    units.set(unit, one);
  }
  return [...units.values()];
}

const digits = (amount) => /\.(\d+)/.exec(amount)?.[1].length ?? 0;
const shown = (minor, places, unit) => `${(minor / 10 ** places).toFixed(places)} ${unit}`;

function sum({ unit, plus, minus, digits: places }) {
  return el(
    "div.sum",
    {},
    el("span.sum-part", {}, el("small", {}, "owed to you"), el(`b.figure.${plus ? "plus" : "even"}`, {}, shown(plus, places, unit))),
    el("span.sum-part", {}, el("small", {}, "you owe"), el(`b.figure.${minus ? "minus" : "even"}`, {}, shown(minus, places, unit))),
  );
}

function summary(who, here) {
  const balances = state.balances.filter((one) => one.who === who);
  const mine = state.ious.filter((one) => one.who === who && one.mine_to_decide).length;
  const open = balances.reduce((count, one) => count + one.open_offers, 0);
  return { who, id: contactByName(who)?.person ?? who, balances: balances.filter((one) => one.minor), mine, open, here: here === who };
}

function row(one) {
  const note = one.mine ? `${one.mine} for you to decide` : one.open ? `${one.open} not decided yet` : one.balances.length ? "signed by both" : "even";
  return el(
    "a.row",
    { href: to("money", one.who), "aria-current": one.here ? "true" : null },
    avatar({ id: one.id, name: one.who }),
    el("span.row-text", {}, el("span.row-name", {}, one.who), el(`span.row-preview${one.mine ? ".warn" : ""}`, {}, note)),
    el("span.row-figures", {}, one.balances.map((balance) => el(`b.figure.${side(balance.minor)}`, {}, balance.amount))),
  );
}

/** One balance with what settles it. `who`: { about, name }. */
export function balanceLine(balance, who) {
  const bare = balance.amount.replace(/^[+-]/, "");
  const verb = balance.minor < 0 ? "settle" : "receipt";
  return el(
    "div.balance",
    {},
    el(
      "span.balance-words",
      {},
      el("small", {}, balance.minor === 0 ? "Even" : balance.minor > 0 ? `${who.name} owes you` : `You owe ${who.name}`),
      el(`b.figure.big.${side(balance.minor)}`, {}, bare),
      balance.limit !== null && el("small.hint", {}, `may owe you up to ${balance.limit}`),
      balance.their_limit !== null && el("small.hint", {}, `lets you owe up to ${balance.their_limit}`),
    ),
    balance.minor !== 0 && el("button.button.small", { type: "button", onclick: () => write(verb, who, bare) }, balance.minor < 0 ? "I paid back" : "I was paid back"),
  );
}

/** The account with one person, or all IOUs. */
export function moneyPlace([who], signal) {
  if (!who) return null;
  const all = who === "all";
  const contact = () => contactByName(who);
  const box = el("div.page");
  let more = true; // the node may have older ones
  let oldest = null; // of those that were listed in order

  async function list() {
    const asked = { limit: PAGE, ...(all ? {} : { who: `@${who}` }), ...(oldest ? { before: oldest } : {}) };
    const found = await attempt(() => call("iou.list", asked));
    if (!found || signal.aborted) return;
    more = found.more;
    oldest = found.ious.at(-1)?.id ?? oldest;
    know(found.ious);
    draw();
  }

  function draw() {
    const mine = (one) => all || one.who === who;
    const ious = state.ious.filter(mine);
    const waits = ious.filter((one) => one.mine_to_decide);
    const target = contact() && { about: contact().person, name: who };
    const balances = all ? [] : state.balances.filter(mine);
    fill(
      box,
      waits.length > 0 && el("div.tray.inside", {}, waits.map(iouDecision)),
      target &&
        el(
          "section.card",
          {},
          el("h3", {}, "Between you"),
          balances.length ? balances.map((one) => balanceLine(one, target)) : el("p.hint", {}, "Nothing is open."),
          el(
            "div.card-foot",
            {},
            el("button.button.small.primary", { type: "button", onclick: () => write("pay", target) }, "I owe"),
            el("button.button.small", { type: "button", onclick: () => write("request", target) }, "Request"),
            el("button.button.small", { type: "button", onclick: () => setLimit(target) }, "Limit"),
            el("a.button.small", { href: to("chat", target.about) }, "Chat"),
          ),
        ),
      el("h3.ledger-title", {}, `${plural(ious.length, "IOU")}${more ? " so far" : ""}`, all ? "" : ` with ${who}`),
      el("div.ledger", {}, ious.map((one) => entry(one))),
      more && oldest && el("button.button.small.older", { type: "button", onclick: list }, "Older ones"),
    );
  }

  watch(["balances", "ious", "contacts"], draw, signal);
  draw();
  list();
  const head = el("header.sheet-head", {}, el("a.icon-button.back", { href: to("money"), "aria-label": "Back to the balances" }, icon("chevron-left")), el("h2.head-name", {}, all ? "All IOUs" : who));
  return el("div.talk", {}, head, el("div.scroller", {}, box));
}

function entry(iou) {
  const counts = ["binding", "fulfilled", "answered"].includes(iou.state);
  return el(
    `div.entry${counts ? "" : ".faint"}`,
    {},
    el("time.entry-time", { title: exactly(iou.at_ms) }, when(iou.at_ms)),
    el("span.entry-text", {}, el("span", {}, iou.note || sentence(iou)), el("small", {}, iou.note ? `${sentence(iou)} · ` : "", words(iou), iou.due ? ` · due ${dueDay(iou.due)}` : "")),
    el(`b.figure.${iou.direction === "owes-me" ? "plus" : "minus"}`, {}, iou.amount),
    actions(iou),
  );
}

/** What can still be done about an IOU. */
function actions(iou) {
  const undecided = ["offered", "requested", "binding", "held"].includes(iou.state) && iou.reason !== "repayment";
  if (!undecided) return iconButton("ellipsis", `What was signed about ${iou.amount}`, () => story(iou));
  const run = (method, success) => () => attempt(() => call(method, { id: iou.id }).then(() => refresh("money")), success);
  const mine = (iou.direction === "owes-me") === (iou.kind === "request"); // I wrote it
  const items = [
    { label: "What was signed", icon: "receipt-text", do: () => story(iou) },
    { label: iou.direction === "owes-me" ? "Remind them" : "Write that I still owe it", icon: "bell", do: run("iou.remind", "Reminded in the chat.") },
    iou.kind === "iou" && !iou.disputed && { label: "Object to it", icon: "circle-alert", danger: true, do: () => object(iou) },
    iou.direction === "owes-me" && iou.state === "binding" && { label: "Forgive it", icon: "x", danger: true, do: run("iou.reject", "Forgiven.") },
    mine && iou.state === "requested" && { label: "Ask no longer", icon: "x", danger: true, do: run("iou.reject", "Withdrawn.") },
  ].filter(Boolean);
  return el("button.icon-button", { type: "button", "aria-label": `More about ${iou.amount}`, onclick: (event) => menu(event.currentTarget, items) }, icon("ellipsis"));
}

/** Everything that was signed about an IOU, step by step. */
async function story(iou) {
  const found = await attempt(() => call("iou.show", { id: iou.id }));
  if (!found) return;
  const step = (one) => el("li.step", {}, el("span", {}, spokenOf({ ...one, sender: one.who })), el("small.muted", {}, `${exactly(one.at_ms)}, by the clock of device ${one.device.slice(0, 8)}`));
  open(`${sentence(iou)} ${iou.amount}`, el("ol.steps", {}, found.steps.map(step)));
}

function object(iou) {
  ask({
    title: "Object to it",
    lead: "Both see that you object, in the chat and in every export. The balance stays as it was signed.",
    fields: [text("note", "Why")],
    verb: "Object",
    danger: true,
    done: ({ note }) => call("iou.dispute", { id: iou.id, note }).then(() => refresh("money")),
  });
}
