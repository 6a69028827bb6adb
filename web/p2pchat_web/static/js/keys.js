// Keys that work everywhere.

import { open } from "./dialog.js";
import { el } from "./dom.js";
import { go, place } from "./route.js";
import { state } from "./state.js";

const KEYS = [
  ["Ctrl K", "Search messages"],
  ["Alt ↑  Alt ↓", "The chat above, below"],
  ["Enter", "Send (Shift Enter: a new line)"],
  ["↑", "Edit your last message, in an empty line"],
  ["Shift Tab", "From the line to the messages, then ↑ and ↓"],
  ["R  E  P  Del", "On a message: reply, edit, pin, delete"],
  ["Esc", "Leave what you began"],
  ["?", "This list"],
];

/** Listen for them. */
export function shortcuts() {
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (place()[0] !== "chats" && place()[0] !== "chat" && place()[0] !== "search") go("chats");
      setTimeout(() => document.querySelector(".search")?.focus());
    } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      step(event.key === "ArrowUp" ? -1 : 1);
    } else if (event.key === "?" && !typing(event.target)) {
      help();
    }
  });
}

function typing(target) {
  return target.closest?.("input, textarea, select, dialog");
}

function step(by) {
  const ids = state.chats.filter((chat) => !chat.archived).map((chat) => chat.about);
  const next = ids[ids.indexOf(place()[1]) + by];
  if (next) go("chat", next);
}

/** Show the keys. */
export function help() {
  open("Keys", el("dl.keys", {}, KEYS.map(([keys, what]) => [el("dt", {}, keys.split("  ").map((one) => el("kbd", {}, one))), el("dd", {}, what)])));
}
