// Me: who I am, notifications, how the page looks, and the way out.

import { call, logOut } from "./api.js";
import { avatar } from "./avatar.js";
import { ask, attempt, choice, toast } from "./dialog.js";
import { el, fill, icon } from "./dom.js";
import { clock } from "./format.js";
import { help } from "./keys.js";
import { supported, turnOff, turnOn, wanted } from "./notify.js";
import { showLink } from "./people.js";
import { place, to } from "./route.js";
import { state } from "./state.js";
import { setTheme, theme } from "./theme.js";

const PLACES = [
  ["you", "profile", "user", "Profile"],
  ["you", "notifications", "bell", "Notifications"],
  ["you", "privacy", "lock", "Privacy"],
  ["you", "look", "moon", "Look"],
  ["network", "", "globe", "Network"],
  ["mailboxes", "", "inbox", "Mailboxes"],
];

/** What there is to set. */
export function youList(signal) {
  const rows = el("div.rows");
  const draw = () =>
    fill(
      rows,
      PLACES.map(([at, part, sign, label]) => {
        const here = place()[0] === at && (place()[1] ?? "") === part;
        return el("a.row.slim", { href: part ? to(at, part) : to(at), "aria-current": here ? "true" : null }, icon(sign), el("span.row-name", {}, label));
      }),
      el("button.row.slim", { type: "button", onclick: help }, icon("keyboard"), el("span.row-name", {}, "Keys")),
      el("button.row.slim", { type: "button", onclick: leave }, icon("log-out"), el("span.row-name", {}, "Log this browser out")),
    );
  addEventListener("hashchange", draw, { signal });
  draw();
  return [el("header.list-head", {}, el("h1", {}, "You")), el("div.scroll", {}, rows)];
}

function leave() {
  ask({
    title: "Log this browser out?",
    lead: "Your node goes on running. `p2pchat web` opens the page again.",
    verb: "Log out",
    done: async () => {
      await logOut();
      location.reload();
    },
  });
}

/** One of the settings. */
export function settingsPlace([part]) {
  const view = { profile, notifications, privacy, look }[part];
  if (!view) return null;
  const box = el("div.page");
  const draw = () => fill(box, view(draw));
  draw();
  const title = PLACES.find(([, name]) => name === part)[3];
  return el("div.talk", {}, el("header.sheet-head", {}, el("a.icon-button.back", { href: to("you"), "aria-label": "Back" }, icon("chevron-left")), el("h2.head-name", {}, title)), el("div.scroller", {}, box));
}

function profile() {
  const { name, person, fingerprint } = state.me;
  return el(
    "div.card-stack",
    {},
    el("header.who", {}, avatar({ id: person, name }, "large"), el("h2", {}, name), el("p.code", {}, fingerprint), el("div.who-buttons", {}, el("button.button.primary", { type: "button", onclick: showLink }, icon("qr-code"), "Your link"))),
    el("section.card", {}, el("h3", {}, "Recovery"), el("p.hint", {}, "Your 24 words and backups are for the command line alone, so that nobody gets them through a browser:"), el("pre.command", {}, "p2pchat backup words")),
  );
}

const QUIET = [["1800", "30 minutes"], ["3600", "1 hour"], ["28800", "8 hours"], ["86400", "1 day"]];

function notifications(draw) {
  const turn = async () => {
    if (wanted()) turnOff();
    else if (!(await turnOn())) toast("The browser does not allow it: look at the page's permissions.", "bad");
    draw();
  };
  const quiet = (isQuiet, set) =>
    isQuiet
      ? set({ quiet_s: 0 })()
      : ask({ title: "Do not disturb", fields: [choice("seconds", "For", QUIET, "3600")], verb: "Be quiet", done: ({ seconds }) => set({ quiet_s: Number(seconds) })() });
  return el(
    "div.card-stack",
    {},
    el(
      "section.card",
      {},
      el("h3", {}, "In this browser"),
      el("p.hint", {}, supported ? "Shown while the page is open somewhere, for chats that are not in sight and not muted." : "This browser shows none."),
      supported && toggle("Notify me of messages", wanted(), () => attempt(turn)),
    ),
    switches("Everywhere", (now, set) => {
      const isQuiet = now.quiet_until_ms > Date.now();
      return [
        toggle("In groups only what names or answers me", now.mentions_only, set({ mentions_only: !now.mentions_only })),
        toggle(isQuiet ? `Do not disturb, until ${clock(now.quiet_until_ms)}` : "Do not disturb", isQuiet, () => quiet(isQuiet, set)),
      ];
    }),
  );
}

/** A card of the node's settings; `lines(now, set)` gives what stands in it. */
function switches(title, lines) {
  const box = el("section.card", {}, el("h3", {}, title));
  const show = (now) => now && fill(box, el("h3", {}, title), lines(now, (change) => () => attempt(() => call("settings.set", change)).then(show)));
  attempt(() => call("settings.show")).then(show);
  return box;
}

/** A line that is on or off. */
function toggle(label, on, onclick) {
  return el("button.switch", { type: "button", role: "switch", "aria-checked": String(on), onclick }, el("span", {}, label), el("span.knob"));
}

function privacy() {
  return switches("What contacts are told", (now, set) => [
    toggle("That I have read their messages", now.read_receipts, set({ read_receipts: !now.read_receipts })),
    toggle("That I am typing (and I, that they are)", now.typing, set({ typing: !now.typing })),
  ]);
}

function look(draw) {
  const options = [["auto", "As the system"], ["light", "Light"], ["dark", "Dark"]];
  return el(
    "section.card",
    {},
    el("h3", {}, "Colours"),
    el(
      "div.segments",
      { role: "radiogroup", "aria-label": "Colours" },
      options.map(([value, label]) => el("button.segment", { type: "button", role: "radio", "aria-checked": String(theme() === value), onclick: () => (setTheme(value), draw()) }, label)),
    ),
  );
}
