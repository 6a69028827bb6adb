// What the page knows of the node, and who is told when it changes.

import { call } from "./api.js";

export const state = {
  me: null,
  status: null,
  net: null,
  chats: [],
  contacts: [],
  requests: [],
  groups: [],
  balances: [],
  ious: [],
  online: true,
};

const listeners = new Set();

/** Call `listener(changed)` after each change, with the names of what changed, until the signal aborts. */
export function watch(names, listener, signal) {
  const entry = (changed) => names.some((name) => changed.has(name)) && listener();
  listeners.add(entry);
  signal?.addEventListener("abort", () => listeners.delete(entry));
}

/** Set fields of the state and tell those who watch them. */
export function set(patch) {
  Object.assign(state, patch);
  const changed = new Set(Object.keys(patch));
  for (const listener of listeners) listener(changed);
}

const loaders = {
  chats: async () => ({ chats: (await call("chat.list")).chats }),
  people: async () => {
    const [known, asking] = await Promise.all([call("contact.list"), call("request.list")]);
    return { contacts: known.contacts, requests: asking.contacts };
  },
  groups: async () => ({ groups: (await call("group.list")).groups }),
  money: async () => {
    const [balances, ious] = await Promise.all([call("iou.balance"), call("iou.list")]);
    return { balances: balances.balances, ious: ious.ious };
  },
  status: async () => {
    const [status, net] = await Promise.all([call("node.status"), call("node.net")]);
    return { status, net, me: status.identity };
  },
};

const pending = new Map(); // part: promise of the load that has not begun yet

/** Load parts of the state anew; calls that come at the same time share one load. */
export async function refresh(...parts) {
  await Promise.all(parts.map(load));
}

function load(part) {
  if (!pending.has(part)) {
    pending.set(
      part,
      new Promise((done) => setTimeout(done, 30)).then(async () => {
        pending.delete(part);
        set(await loaders[part]());
      }),
    );
  }
  return pending.get(part);
}

/** Load everything. */
export async function refreshAll() {
  await refresh("status", "chats", "people", "groups", "money");
}

export const contactById = (id) => [...state.contacts, ...state.requests].find((one) => one.person === id);
export const contactByName = (name) => state.contacts.find((one) => one.name === name);
export const groupById = (id) => state.groups.find((one) => one.group === id);
export const chatById = (id) => state.chats.find((one) => one.about === id);
export const iouById = (id) => state.ious.find((one) => one.id === id);

/** Whom a chat is with, as far as the page knows, and how the node is asked for it. */
export function chatOf(about) {
  const group = groupById(about);
  const contact = contactById(about);
  const summary = chatById(about);
  const isGroup = Boolean(group) || Boolean(summary?.chat.startsWith("#"));
  return {
    about,
    key: (isGroup ? "#" : "@") + about,
    group: isGroup,
    name: group?.name ?? contact?.name ?? summary?.chat.slice(1) ?? "…",
    connected: contact?.connected ?? false,
    verified: contact?.verified ?? false,
    state: group?.state ?? contact?.state ?? "",
    undecided: contact?.undecided ?? false,
    timer: summary?.timer_s ?? 0,
    draft: summary?.draft ?? "",
    members: group?.members.length ?? 0,
    write: group?.write ?? "",
    role: group?.members.find((one) => one.me)?.role ?? "",
  };
}
