// Events of the node as they happen. The browser reconnects with its cursor by itself; nothing is missed.

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

const listeners = new Set();
let source = null;
let timer = 0;

/** Call `listener(event)` for each event of the node. */
export function onEvent(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener));
}

/** Follow the node from `cursor` on; `onLogin` is called when the session has ended. */
export function follow(cursor, onLogin) {
  stop();
  let last = cursor;
  source = new EventSource(`/api/v1/events?since=${cursor}`);
  source.onopen = async () => {
    if (state.online) return;
    set({ online: true });
    await refreshAll().catch(() => {});
  };
  source.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    last = event.seq;
    const parts = PARTS[event.type.split(".")[0]];
    if (event.type === "chat.draft") refresh("chats").catch(() => {});
    if (parts) refresh(...parts).catch(() => {});
    for (const listener of listeners) listener(event);
  };
  source.onerror = () => {
    set({ online: false });
    if (source.readyState !== EventSource.CLOSED) return; // it tries again
    // The node refused: it was restarted without our session, or the browser gave up.
    setTimeout(() => probe(last, onLogin), 1500);
  };
  timer = setInterval(() => state.online && document.visibilityState === "visible" && refresh("status", "people").catch(() => {}), STATUS_MS);
}

/** Follow no more. */
export function stop() {
  source?.close();
  clearInterval(timer);
}

async function probe(last, onLogin) {
  try {
    await refresh("status");
  } catch (error) {
    if (error.kind === "login") onLogin(error);
    else setTimeout(() => probe(last, onLogin), 1500);
    return;
  }
  set({ online: true });
  follow(last, onLogin);
  await refreshAll().catch(() => {});
}
