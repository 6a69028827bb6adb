// Notifications of this browser: only if asked for, never while the chat is in sight, quiet when told so.

import { state } from "./state.js";
import { go } from "./route.js";

const WANTED = "notify";
const QUIET = "quiet-until";

export const supported = "Notification" in window;
export const wanted = () => localStorage.getItem(WANTED) === "yes" && supported && Notification.permission === "granted";
export const quietUntil = () => Number(localStorage.getItem(QUIET) ?? 0);
export const isQuiet = () => quietUntil() > Date.now();

/** Ask the browser for leave; whether it was given. */
export async function turnOn() {
  const given = supported && (await Notification.requestPermission()) === "granted";
  localStorage.setItem(WANTED, given ? "yes" : "no");
  return given;
}

export const turnOff = () => localStorage.setItem(WANTED, "no");

/** Do not disturb for so many seconds; 0 ends it. */
export function beQuiet(seconds) {
  localStorage.setItem(QUIET, String(seconds ? Date.now() + 1000 * seconds : 0));
}

/** Show an event, if it should be shown. `open` is the id of the chat in sight. */
export function show(event, open) {
  if (!wanted() || isQuiet()) return;
  const text = sentence(event);
  if (!text) return;
  const chat = state.chats.find((one) => one.chat === event.data.chat);
  if (chat?.muted || (chat && chat.about === open && document.hasFocus())) return;
  const note = new Notification(text.title, { body: text.body, tag: chat?.about ?? event.type });
  note.onclick = () => {
    window.focus();
    chat ? go("chat", chat.about) : go("people");
    note.close();
  };
}

function sentence({ type, data }) {
  if (type === "message.received" && data.kind !== "group") {
    const where = data.chat?.startsWith("#") ? `${data.sender} in ${data.chat}` : data.sender;
    return { title: where, body: data.text ?? "" };
  }
  if (type === "request.received") return { title: "Somebody asks to be your contact", body: data.name ?? "" };
  return null;
}

/** Unread messages in the title of the tab. */
export function badge() {
  const unread = state.chats.filter((one) => !one.muted && !one.archived).reduce((sum, one) => sum + one.unread, 0);
  const waiting = unread + state.requests.length;
  document.title = waiting ? `(${waiting}) p2pchat` : "p2pchat";
}

