// Events of the node as they happen. The browser reconnects with its cursor by itself; nothing is missed.
//
// A browser opens six connections to one name at most. So of all tabs one follows the node, whichever holds
// the lock, and tells the others; when it is closed another takes its place and goes on from its own cursor.

import { refresh, refreshAll, set, state } from "./state.js";

const PARTS = {
  message: ["chats"],
  request: ["people"],
  contact: ["people", "chats"],
  group: ["groups", "chats"],
  iou: ["money", "chats"],
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
  setInterval(() => state.online && document.visibilityState === "visible" && refresh("status", "people").catch(() => {}), STATUS_MS);
}

tabs.onmessage = ({ data }) => {
  if (data.event) take(data.event);
  else if (data.loggedOut) out(data.loggedOut);
  else setOnline(data.online);
};

function take(event) {
  last = Math.max(last, event.seq);
  const parts = PARTS[event.type.split(".")[0]] ?? (event.type === "chat.draft" ? ["chats"] : null);
  if (parts) refresh(...parts).catch(() => {});
  for (const listener of listeners) listener(event);
}

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
