// The frame around everything: the places on the left, the list beside them, and the sheet.

import { billsPlace } from "./bills.js";
import { chatList } from "./chats.js";
import { circlesPlace } from "./circles.js";
import { conversation } from "./conversation.js";
import { el, fill, icon } from "./dom.js";
import { groupPlace } from "./groups.js";
import { shortcuts } from "./keys.js";
import { laterPlace } from "./later.js";
import { mailboxesPlace } from "./mailboxes.js";
import { moneyList, moneyPlace } from "./money.js";
import { networkLine, networkPlace } from "./network.js";
import { peopleList, personPlace } from "./people.js";
import { place, to } from "./route.js";
import { recurringPlace } from "./recurring.js";
import { searchPlace } from "./search.js";
import { settingsPlace, youList } from "./you.js";
import { state, watch } from "./state.js";

const SECTIONS = [
  { name: "chats", label: "Chats", icon: "message-circle", list: chatList, count: () => unread() },
  { name: "people", label: "People", icon: "users", list: peopleList, count: () => state.requests.length },
  { name: "money", label: "Money", icon: "wallet", list: moneyList, count: () => waiting() },
  { name: "you", label: "You", icon: "settings", list: youList, count: () => 0 },
];
// Each place: the section it belongs to, and what stands on the sheet.
const PLACES = {
  chats: ["chats", null],
  chat: ["chats", conversation],
  group: ["chats", groupPlace],
  search: ["chats", searchPlace],
  people: ["people", null],
  person: ["people", personPlace],
  later: ["chats", laterPlace],
  money: ["money", moneyPlace],
  bills: ["money", billsPlace],
  again: ["money", recurringPlace],
  circles: ["money", circlesPlace],
  you: ["you", settingsPlace],
  network: ["you", networkPlace],
  mailboxes: ["you", mailboxesPlace],
};
const WHOLE = new Set(["search", "network", "later", "bills", "again", "circles", "mailboxes"]); // need no name of a thing

const unread = () => state.chats.reduce((sum, one) => sum + (one.archived || one.muted ? 0 : one.unread), 0);
const waiting = () => state.ious.filter((one) => one.mine_to_decide).length;

/** The whole page, which follows the address from now on. */
export function frame() {
  const rail = el("nav.rail", { "aria-label": "Places" });
  const list = el("section.list", { "aria-label": "List" });
  const sheet = el("main.sheet", { id: "sheet", tabindex: "-1" });
  const banner = el("div.banner", { role: "status", hidden: true }, icon("hourglass"), "Your node does not answer. Waiting for it …");
  const app = el("div.app", {}, el("a.skip", { href: "#sheet", onclick: skip(sheet) }, "Skip to content"), rail, list, sheet, banner);
  let section = null;
  let leave = new AbortController();
  let leaveList = new AbortController();
  let shown = null;

  function render() {
    const [name = "chats", ...rest] = place();
    const [next, view] = PLACES[name] ?? PLACES.chats;
    app.dataset.view = view && (rest.length || WHOLE.has(name)) ? "sheet" : "list";
    if (next !== section) {
      section = next;
      leaveList.abort();
      leaveList = new AbortController();
      const found = SECTIONS.find((one) => one.name === section);
      fill(list, found.list(leaveList.signal), networkLine(leaveList.signal));
    }
    app.dataset.section = section;
    drawRail(rail, section);
    const key = JSON.stringify([name, rest[0]]);
    if (key === shown) return;
    shown = key;
    leave.abort();
    leave = new AbortController();
    fill(sheet, (view && view(rest, leave.signal)) || empty(section));
  }

  watch(["chats", "requests", "ious", "status"], () => drawRail(rail, section));
  watch(["online"], () => (banner.hidden = state.online));
  addEventListener("hashchange", render);
  shortcuts();
  render();
  return app;
}

function skip(sheet) {
  return (event) => {
    event.preventDefault();
    sheet.focus();
  };
}

function drawRail(rail, section) {
  const focused = rail.contains(document.activeElement) ? document.activeElement.dataset.name : null;
  fill(
    rail,
    el("img.brand", { src: "/mark.svg", alt: "p2pchat", width: 30, height: 30 }),
    SECTIONS.map((one) => {
      const count = one.count();
      return el(
        "a.place",
        {
          href: to(one.name),
          "data-name": one.name,
          "aria-current": one.name === section ? "page" : null,
        },
        icon(one.icon),
        el("span.place-name", {}, one.label),
        count > 0 && el("span.count", {}, count > 99 ? "99+" : String(count), el("span.unseen", {}, " new")),
      );
    }),
  );
  if (focused) rail.querySelector(`[data-name="${focused}"]`)?.focus();
}

const HINTS = {
  chats: ["message-circle", "Pick a chat", "Messages go from your device to theirs, sealed on the way."],
  people: ["users", "Your people", "Share your link to meet somebody, or open one you were given."],
  money: ["wallet", "Who owes whom", "An IOU counts once the other side has signed it too."],
  you: ["user", "You", ""],
};

function empty(section) {
  const [name, title, text] = HINTS[section];
  return el("div.empty", {}, icon(name), el("h2", {}, title), el("p", {}, text));
}
