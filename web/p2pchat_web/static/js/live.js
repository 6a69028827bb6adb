// Events of the node as they happen. The browser reconnects with its cursor by itself; nothing is missed.
//
// A browser opens six connections to one name at most. So of all tabs one follows the node, whichever holds
// the lock, and tells the others; when it is closed another takes its place and goes on from its own cursor.

import { refresh, refreshAll, refreshChat, refreshIou, set, state } from "./state.js";

const PARTS = {
  request: ["people"],
  contact: ["people", "chats"],
  group: ["groups", "chats"],
  ledger: ["money"],
};
const STATUS_MS = 5000; // peers come and go without an event
const AGAIN_MS = 1500;

const tabs = new BroadcastChannel("p2pchat-live");
const listeners = new Set();
let last = 0; // cursor of the newest event taken
let leads = false;
let source = null;
let out = () => {};

/** Call `listener(event)` for each event of the node. */
export function onEvent(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener));
}

/** Whether this tab is the one that follows the node for all. */
export const isLeader = () => leads;

/** Follow the node from `cursor` on; `onLogin` is called when the session has ended. */
export function follow(cursor, onLogin) {
  last = Math.max(last, cursor);
  out = onLogin;
  navigator.locks.request("p2pchat-live", () => {
    leads = true;
    listen();
    return new Promise(() => {}); // held until the tab is closed
  });
  setInterval(() => state.online && document.visibilityState === "visible" && refresh("status", "people", "chats").catch(() => {}), STATUS_MS);
}

tabs.onmessage = ({ data }) => {
  if (data.event) take(data.event);
  else if (data.loggedOut) out(data.loggedOut);
  else setOnline(data.online);
};

function take(event) {
  last = Math.max(last, event.seq);
  update(event).catch(() => {});
  for (const listener of listeners) listener(event);
}

const SPOKEN = new Set(["message.sent", "message.received"]);
const stale = new Map(); // chat that has changed: whether something was said in it

/** Bring the state up to what `event` tells, reading no more than what it is about. */
async function update({ type, data }) {
  const parts = PARTS[type.split(".")[0]];
  if (parts) return refresh(...parts);
  if (type === "iou.changed") return refreshIou(data.id, data.who);
  if (data.chat && (type.startsWith("message.") || type === "chat.draft" || type === "chat.read")) {
    if (!stale.size) setTimeout(readStale, 30);
    stale.set(data.chat, SPOKEN.has(type) || (stale.get(data.chat) ?? false));
  } else if (type === "message.state") {
    const shown = state.chats.find((one) => one.last?.id === data.id);
    if (shown) return refreshChat(keyOf(shown));
  }
  return null;
}

function readStale() {
  const chats = [...stale];
  stale.clear();
  for (const [name, used] of chats) refreshChat(name, used).catch(() => refresh("chats"));
}

const keyOf = (chat) => chat.chat[0] + chat.about;

function setOnline(online) {
  if (online === state.online) return;
  set({ online });
  if (online) refreshAll().catch(() => {});
}

function tellOnline(online) {
  if (online !== state.online) tabs.postMessage({ online });
  setOnline(online);
}

function listen() {
  source?.close();
  source = new EventSource(`/api/v1/events?since=${last}`);
  source.onopen = () => tellOnline(true);
  source.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    tabs.postMessage({ event });
    take(event);
  };
  source.onerror = () => {
    tellOnline(false);
    // Otherwise it tries again by itself. Closed: the node refused us, or the browser gave up.
    if (source.readyState === EventSource.CLOSED) setTimeout(probe, AGAIN_MS);
  };
}

async function probe() {
  try {
    await refresh("status");
  } catch (error) {
    if (error.kind !== "login") return setTimeout(probe, AGAIN_MS);
    tabs.postMessage({ loggedOut: error.message });
    return out(error.message);
  }
  return listen();
}
