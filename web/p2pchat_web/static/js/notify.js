// Notifications of this browser: only if asked for, never while the chat is in sight, quiet when told so.
// Do not disturb and "only what is for me" are settings of the node, the same in every face.

import { call } from "./api.js";
import { go } from "./route.js";
import { state } from "./state.js";

const WANTED = "notify";
const SIGHT = "in-sight"; // the chat that the tab in focus shows

export const supported = "Notification" in window;
export const wanted = () => localStorage.getItem(WANTED) === "yes" && supported && Notification.permission === "granted";

/** Ask the browser for leave; whether it was given. */
export async function turnOn() {
  const given = supported && (await Notification.requestPermission()) === "granted";
  localStorage.setItem(WANTED, given ? "yes" : "no");
  return given;
}

export const turnOff = () => localStorage.setItem(WANTED, "no");

/** Let all tabs know which chat is in sight: `chat()` is the one that this tab shows. */
export function watchSight(chat) {
  const tell = () => document.hasFocus() && localStorage.setItem(SIGHT, chat());
  addEventListener("focus", tell);
  addEventListener("hashchange", tell);
  addEventListener("blur", () => localStorage.removeItem(SIGHT));
  tell();
}

/** Show an event, if it should be shown. */
export async function show(event) {
  if (!wanted()) return;
  const text = sentence(event);
  if (!text) return;
  const chat = state.chats.find((one) => one.chat === event.data.chat);
  const urgent = event.data.urgent ?? false;
  if ((chat?.muted && !urgent) || (chat && chat.about === localStorage.getItem(SIGHT))) return;
  const settings = await call("settings.show").catch(() => null);
  if (!settings || settings.quiet_until_ms > Date.now()) return;
  if (settings.mentions_only && !urgent && chat?.chat.startsWith("#") && !(await isForMe(event))) return;
  const note = new Notification(text.title, { body: text.body, tag: chat?.about ?? event.type });
  note.onclick = () => {
    window.focus();
    chat ? go("chat", chat.about) : go("people");
    note.close();
  };
}

/** Whether a message names me or answers one of mine. */
async function isForMe({ data }) {
  if (data.text?.toLowerCase().includes(`@${state.me.name.toLowerCase()}`)) return true;
  const message = await call("message.show", { id: data.id }).catch(() => null);
  if (!message?.reply) return false;
  return (await call("message.show", { id: message.reply }).catch(() => null))?.mine ?? false;
}

function sentence({ type, data }) {
  if (type === "message.received" && data.kind !== "group") {
    const where = data.chat?.startsWith("#") ? `${data.sender} in ${data.chat}` : data.sender;
    return { title: where, body: data.once ? "A message to be viewed once" : (data.text ?? "") };
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
