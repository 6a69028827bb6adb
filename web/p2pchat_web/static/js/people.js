// Contacts, requests, my link, and how people are verified.

import { call } from "./api.js";
import { avatar } from "./avatar.js";
import { area, ask, attempt, text, toast } from "./dialog.js";
import { el, fill, icon, iconButton, keyed } from "./dom.js";
import { person } from "./details.js";
import { showText } from "./qr.js";
import { go, place, to } from "./route.js";
import { contactById, refresh, state, watch } from "./state.js";

/** All contacts; requests above them. */
export function peopleList(signal) {
  const asking = el("div.rows");
  const rows = el("div.rows", {});
  const none = el("p.muted.pad", {}, "Nobody yet. Give your link to somebody, or open one you were given.");

  function draw() {
    const here = place()[0] === "person" ? place()[1] : "";
    keyed(asking, state.requests, (one) => one.person, request);
    keyed(rows, state.contacts.map((one) => ({ ...one, here: one.person === here })), (one) => one.person, row);
    none.hidden = state.contacts.length + state.requests.length > 0;
  }

  watch(["contacts", "requests"], draw, signal);
  addEventListener("hashchange", draw, { signal });
  draw();
  return [
    el(
      "header.list-head",
      {},
      el("h1", {}, "People"),
      el("div.actions", {}, iconButton("qr-code", "My link", showLink), iconButton("user-plus", "Add a contact", () => addContact())),
    ),
    el("div.scroll", {}, asking, rows, none),
  ];
}

function row(one) {
  const note = { requested: "has not accepted yet", blocked: "blocked" }[one.state] ?? (one.undecided ? "a new device: decide" : one.connected ? "connected now" : one.verified ? "verified" : "not verified");
  return el(
    "a.row",
    { href: to("person", one.person), "aria-current": one.here ? "true" : null },
    avatar({ ...one, id: one.person }),
    el("span.row-text", {}, el("span.row-name", {}, one.name), el(`span.row-preview${one.undecided ? ".warn" : ""}`, {}, note)),
  );
}

function request(one) {
  const decide = (method) => () => attempt(() => call(method, { who: one.person }).then(() => refresh("people", "chats")));
  return el(
    "section.row.asking.tall",
    { "aria-label": `Request of ${one.name}` },
    avatar({ id: one.person, name: one.name }),
    el(
      "div.row-text",
      {},
      el("span.row-name", {}, one.name),
      el("span.row-preview.wrap", { dir: "auto" }, one.message || (one.introduced_by ? `${one.introduced_by} introduces you` : "asks to be your contact")),
      el(
        "span.decision-buttons",
        {},
        el("button.button.small", { type: "button", onclick: decide("request.reject") }, "Reject"),
        el("button.button.small.primary", { type: "button", onclick: decide("request.accept") }, "Accept"),
      ),
    ),
  );
}

/** One person, on the whole sheet. */
export function personPlace([id], signal) {
  if (!id) return null;
  const box = el("div.page");
  const draw = () => fill(box, contactById(id) ? person(id) : el("p.muted", {}, "Nobody here is called so."));
  watch(["contacts", "requests", "balances", "chats"], draw, signal);
  draw();
  const head = el("header.sheet-head", {}, el("a.icon-button.back", { href: to("people"), "aria-label": "Back to the people" }, icon("chevron-left")), el("h2.head-name", {}, contactById(id)?.name ?? ""));
  return el("div.talk", {}, head, el("div.scroller", {}, box));
}

/** My link, as text and as a QR code. */
export async function showLink() {
  const invite = await attempt(() => call("invite.create"));
  if (!invite) return;
  const nowhere = !invite.reachable && el("p.problem", {}, "It holds no address yet: wait until your node listens somewhere.");
  showText("Your link", invite.link, "Whoever has it learns your name and your device's addresses, and can ask to be your contact.", nowhere);
}

async function join(link) {
  const group = await call("group.join", { link });
  await refresh("groups", "chats");
  toast(group.state === "joined" ? `You are in ${group.name}.` : "Asked: a member who is online lets you in.");
}

/** Ask the person behind a link; a group's link asks to be let in. */
export function addContact() {
  ask({
    title: "Add a contact",
    lead: "Paste the link you were given, of a person or of a group. They see your request and decide.",
    fields: [area("link", "Link", { placeholder: "p2pchat:…", rows: 4 }), text("name", "Call them", { hint: "Only you see this name. Empty: what they call themselves." }), text("message", "Greeting", { placeholder: "Hi, it's me" })],
    verb: "Ask",
    done: async ({ link, name, message }) => {
      if (link.startsWith("p2pchat-group:")) return join(link);
      const added = await call("contact.add", { link, name: name || null, message });
      await refresh("people", "chats");
      toast(`Asked ${added.name}.`);
      go("person", added.person);
    },
  });
}
