// Moving among messages with the arrow keys, and what a key does to the one in focus.

import { act } from "./acts.js";

/** Listen on the list of messages, and on what scrolls it: from there the newest message is one key away. */
export function moves(list, { onReply, onEdit, find }) {
  list.parentNode.addEventListener("keydown", (event) => {
    if (event.target !== list.parentNode || event.key !== "ArrowUp") return;
    event.preventDefault();
    [...list.querySelectorAll(".message")].at(-1)?.focus();
  });
  list.addEventListener("keydown", (event) => {
    const node = event.target.closest(".message");
    if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
    const message = find(node.dataset.id);
    const all = [...list.querySelectorAll(".message")];
    const to = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.target !== node) {
      if (!to) return;
      node.focus(); // out of a link or a reaction, to its message
    } else if (to) {
      all[all.indexOf(node) + to]?.focus();
    } else if (event.key.toLowerCase() === "r") onReply(message);
    else if (event.key.toLowerCase() === "e" && message.mine && message.kind === "text") onEdit(message);
    else if (event.key.toLowerCase() === "p") act.pin(message);
    else if (event.key === "Delete" && message.mine) act.remove(message);
    else if (event.key === "Enter") node.querySelector(".more")?.click();
    else return;
    event.preventDefault();
  });
}
