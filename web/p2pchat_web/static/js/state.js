// What the page knows of the node, and who is told when it changes.

import { call } from "./api.js";

export const state = {
  me: null,
  status: null,
  net: null,
  chats: [],
  moreChats: false, // there are others that were used longer ago
  contacts: [],
  requests: [],
  groups: [],
  balances: [],
  ious: [], // the newest, those that wait for me, and those that were looked at
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

const CHATS = 200; // how many are listed at first
const IOUS = 100;
let chatLimit = CHATS;
let chatsRead = 0; // how often a chat was read by itself

const loaders = {
  chats: async () => {
    for (;;) {
      const before = chatsRead;
      const { chats, more } = await call("chat.list", { limit: chatLimit });
      if (before === chatsRead) return { chats, moreChats: more }; // else a chat was read meanwhile, and is newer
    }
  },
  people: async () => {
    const [known, asking] = await Promise.all([call("contact.list"), call("request.list")]);
    return { contacts: known.contacts, requests: asking.contacts };
  },
  groups: async () => ({ groups: (await call("group.list")).groups }),
  money: async () => {
    const [{ balances }, newest, waiting] = await Promise.all([call("iou.balance"), call("iou.list", { limit: IOUS }), call("iou.list", { waiting: true })]);
    const read = new Set([...newest.ious, ...waiting.ious].map((one) => one.id));
    const others = state.ious.map((one) => one.id).filter((id) => !read.has(id));
    const again = others.length ? await call("iou.list", { ids: others.slice(0, MOST) }) : { ious: [] };
    return { balances, ious: merged([], [...newest.ious, ...waiting.ious, ...again.ious]) };
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

const MOST = 500; // lines of one answer

/** List all chats, however many there are. */
export async function listAllChats() {
  chatLimit = MOST;
  await refresh("chats");
}

/** Read one chat anew, as the node calls it; `used`: something was said in it just now. */
export async function refreshChat(name, used = false) {
  const chat = await call("chat.show", { chat: name });
  chatsRead += 1;
  const others = state.chats.filter((one) => one.about !== chat.about);
  const at = used ? 0 : state.chats.findIndex((one) => one.about === chat.about);
  set({ chats: at < 0 ? [...others, chat] : others.toSpliced(at, 0, chat) });
}

const touched = new Map(); // id of an IOU that has moved: who it is with

/** An IOU has moved: read it and the balance with that person anew. */
export function refreshIou(id, who) {
  if (!touched.size) setTimeout(readTouched, 30);
  touched.set(id, who);
}

async function readTouched() {
  const ids = [...touched.keys()].slice(0, MOST);
  const people = [...new Set(touched.values())];
  touched.clear();
  const [{ ious }, ...answers] = await Promise.all([call("iou.list", { ids }), ...people.map((who) => call("iou.balance", { who: `@${who}` }))]);
  const others = state.balances.filter((one) => !people.includes(one.who));
  set({ ious: merged(state.ious, ious), balances: [...others, ...answers.flatMap((one) => one.balances)].sort((a, b) => a.who.localeCompare(b.who)) });
}

/** Know these IOUs as well, which the node listed just now. */
export function know(ious) {
  if (ious.length) set({ ious: merged(state.ious, ious) });
}

/** Know the IOUs with these ids as well. */
export async function knowById(ids) {
  const lacking = ids.filter((id) => !iouById(id)).slice(0, MOST);
  if (lacking.length) know((await call("iou.list", { ids: lacking })).ious);
}

function merged(known, found) {
  const byId = new Map([...known, ...found].map((one) => [one.id, one]));
  return [...byId.values()].sort((a, b) => b.at_ms - a.at_ms || (a.id < b.id ? -1 : 1));
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
