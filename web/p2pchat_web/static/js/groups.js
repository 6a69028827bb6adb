// Groups: founding one, invitations, members and rules.

import { call } from "./api.js";
import { avatar } from "./avatar.js";
import { ask, attempt, choice, several, text } from "./dialog.js";
import { showText } from "./qr.js";
import { el, fill, icon } from "./dom.js";
import { plural } from "./format.js";
import { menu } from "./menu.js";
import { chatSettings } from "./settings.js";
import { split } from "./split.js";
import { simplify } from "./circles.js";
import { go, to } from "./route.js";
import { chatById, chatOf, groupById, refresh, state, watch } from "./state.js";

const HISTORY = [
  ["from-join", "What is written after they joined"],
  ["all", "Everything"],
  ["7", "The last 7 days"],
  ["30", "The last 30 days"],
];
const ROLES = [["owner", "owners"], ["admin", "admins"], ["member", "members"]];

/** Found a group. */
export function createGroup() {
  const friends = state.contacts.filter((one) => one.state === "accepted");
  const people = several("people", "Invite", friends.map((one) => [one.person, one.name]));
  for (const box of people.node.querySelectorAll("input")) box.checked = false;
  ask({
    title: "New group",
    fields: [text("name", "Name", { placeholder: "Trip" }), choice("history", "Newcomers read", HISTORY, "from-join"), ...(friends.length ? [people] : [])],
    verb: "Found it",
    done: async ({ name, history, people: invited = [] }) => {
      const group = await call("group.create", { name, history });
      for (const who of invited) await call("group.invite", { group: group.group, who });
      await refresh("groups", "chats");
      go("chat", group.group);
    },
  });
}

/** An invitation to a group, on the sheet. */
export function groupPlace([id], signal) {
  const box = el("div.page");
  function draw() {
    const group = groupById(id);
    if (group?.state === "joined") return go("chat", id);
    return fill(box, group ? invitation(group) : el("p.muted", {}, "There is no such invitation any more."));
  }
  watch(["groups"], draw, signal);
  draw();
  return el("div.talk", {}, el("header.sheet-head", {}, el("a.icon-button.back", { href: to("chats"), "aria-label": "Back to the chats" }, icon("chevron-left")), el("h2.head-name", {}, "Invitation")), box);
}

function invitation(group) {
  const decide = (method) => () => attempt(() => call(method, { group: group.group }).then(() => refresh("groups", "chats")));
  return el(
    "div.card-stack",
    {},
    el(
      "header.who",
      {},
      avatar({ id: group.group, name: group.name, group: true }, "large"),
      el("h2", {}, group.name),
      el("p.muted", {}, `${group.invited_by || "Somebody"} invites you.`, group.members.length ? ` ${plural(group.members.length, "member")}.` : ""),
      el("div.who-buttons", {}, el("button.button", { type: "button", onclick: decide("group.decline") }, "Decline"), el("button.button.primary", { type: "button", onclick: decide("group.accept") }, "Join")),
    ),
  );
}

/** Members and rules of a group. */
export function groupDetails(about) {
  const group = groupById(about);
  if (!group) return "";
  const rank = { owner: 3, admin: 2, member: 1, "read-only": 0 };
  const me = group.members.find((one) => one.me)?.role ?? "";
  const mayInvite = group.state === "joined" && rank[me] >= rank[group.invite];
  const leads = group.state === "joined" && rank[me] >= rank.admin;
  return el(
    "div.card-stack",
    {},
    el(
      "header.who",
      {},
      avatar({ id: about, name: group.name, group: true }, "large"),
      el("h2", {}, group.name),
      el("p.muted", {}, plural(group.members.length, "member")),
      el(
        "div.who-buttons",
        {},
        mayInvite && el("button.button", { type: "button", onclick: () => invite(group) }, icon("user-plus"), "Invite"),
        mayInvite && el("button.button", { type: "button", onclick: () => makeLink(group) }, icon("link"), "Link"),
        group.state === "joined" && group.members.length > 1 && el("button.button", { type: "button", onclick: () => split(about) }, icon("split"), "Split a bill"),
        group.state === "joined" && group.members.length > 2 && el("button.button", { type: "button", onclick: () => simplify(about) }, icon("waypoints"), "Simplify debts"),
      ),
    ),
    el(
      "section.card",
      {},
      el("h3", {}, "Members"),
      el("ul.members", {}, group.members.map((one) => member(group, one, leads, rank[me]))),
      group.invited.length > 0 && el("p.hint", {}, `Invited: ${group.invited.join(", ")}`),
      group.banned.length > 0 && el("p.hint", {}, `Banned: ${group.banned.join(", ")}`),
    ),
    el(
      "section.card",
      {},
      el("h3", {}, "Rules"),
      el(
        "dl.facts",
        {},
        [["Newcomers read", readable(group.history)], ["May invite", `${group.invite} and above`], ["May write", `${group.write} and above`]].map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
      ),
      leads && el("button.link", { type: "button", onclick: () => policy(group) }, "Change the rules"),
    ),
    chatById(about) && chatSettings(chatOf(about)),
    group.state === "joined" &&
      el(
        "section.card.quiet-card",
        {},
        leads && el("button.line-button", { type: "button", onclick: () => rename(group) }, icon("pencil"), "Rename"),
        el("button.line-button.danger", { type: "button", onclick: () => leave(group) }, icon("log-out"), "Leave"),
      ),
  );
}

const readable = (history) => ({ all: "everything", "from-join": "what comes after" })[history] ?? `the last ${plural(Number(history), "day")}`;

function member(group, one, leads, myRank) {
  const change = (method, params) => attempt(() => call(method, { group: group.group, who: one.person, ...params }).then(() => refresh("groups", "chats")));
  const roles = ["owner", "admin", "member", "read-only"].filter((role) => role !== one.role);
  const items = [
    ...roles.map((role) => ({ label: `Make ${role}`, icon: "user", do: () => change("group.role", { role }) })),
    { label: "Remove", icon: "x", danger: true, do: () => change("group.remove", {}) },
    { label: "Remove and ban", icon: "ban", danger: true, do: () => change("group.remove", { ban: true }) },
  ];
  return el(
    "li.member",
    {},
    avatar({ id: one.person, name: one.name }, "small"),
    el("span.member-name", {}, one.me ? `${one.name} (you)` : one.name),
    el("span.role", {}, one.role),
    leads && !one.me && el("button.icon-button", { type: "button", "aria-label": `Change ${one.name}`, onclick: (event) => menu(event.currentTarget, items) }, icon("ellipsis")),
  );
}

function invite(group) {
  const inside = new Set(group.members.map((one) => one.person));
  const friends = state.contacts.filter((one) => one.state === "accepted" && !inside.has(one.person));
  ask({
    title: `Invite to ${group.name}`,
    lead: friends.length ? "" : "All your contacts are members already.",
    fields: friends.length ? [choice("who", "Whom", friends.map((one) => [one.person, one.name]), friends[0].person)] : [],
    verb: "Invite",
    done: async ({ who }) => {
      if (who) await call("group.invite", { group: group.group, who });
      await refresh("groups", "chats");
    },
  });
}

/** A link that lets people in without being invited one by one. */
function makeLink(group) {
  ask({
    title: "Link into the group",
    lead: "Whoever has it can join, as long as a member who may invite is online.",
    fields: [text("uses", "For how many people", { value: "10", inputmode: "numeric" }), choice("time", "Good for", LINK_TIMES, "604800")],
    verb: "Make it",
    done: async ({ uses, time }) => {
      const made = await call("group.link", { group: group.group, max_uses: Number(uses), expires_s: Number(time) });
      showText(`Link into ${group.name}`, made.link);
    },
  });
}

const LINK_TIMES = [["3600", "1 hour"], ["86400", "1 day"], ["604800", "7 days"]];

function policy(group) {
  const known = HISTORY.some(([value]) => value === group.history) ? HISTORY : [...HISTORY, [group.history, readable(group.history)]];
  ask({
    title: "Rules",
    fields: [choice("history", "Newcomers read", known, group.history), choice("invite", "May invite", ROLES, group.invite), choice("write", "May write", ROLES, group.write)],
    verb: "Set",
    done: async (values) => {
      const changed = Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== group[name]));
      await call("group.policy", { group: group.group, ...changed });
      await refresh("groups");
    },
  });
}

function rename(group) {
  ask({
    title: "Rename the group",
    fields: [text("name", "Name", { value: group.name, hint: "Everybody sees it." })],
    verb: "Rename",
    done: async ({ name }) => {
      await call("group.rename", { group: group.group, name });
      await refresh("groups", "chats");
    },
  });
}

function leave(group) {
  ask({
    title: `Leave ${group.name}?`,
    lead: "You keep what you have read. To come back you have to be invited anew.",
    verb: "Leave",
    danger: true,
    done: async () => {
      await call("group.leave", { group: group.group });
      await refresh("groups", "chats");
    },
  });
}
