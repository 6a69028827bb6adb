// What stands beside the message under the pointer or in focus: one set of buttons for the whole list, for
// three icons beside each of hundreds of messages would take longer to lay out than their words.

import { act } from "./acts.js";
import { el, icon, iconButton } from "./dom.js";
import { menu } from "./menu.js";

const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** Have the buttons follow the pointer and the focus in `list`; on a phone a tap opens the menu. */
export function tools(list, { find, onReply, onEdit }) {
  let bar = null;

  function show(node) {
    if (!node || node.contains(bar)) return;
    bar?.remove();
    const message = find(node.dataset.id);
    if (message?.kind !== "text") return;
    bar = buttons(message);
    node.querySelector(".hold").append(bar);
  }

  function buttons(message) {
    const quick = QUICK.map((emoji) => ({ emoji, do: () => act.toggle(message, emoji) }));
    return el(
      "span.tools",
      {},
      iconButton("smile", "React", (event) => menu(event.currentTarget, [], quick), { tabindex: "-1" }),
      iconButton("reply", "Reply", () => onReply(message), { tabindex: "-1" }),
      el("button.icon-button.more", { type: "button", "aria-label": "More", title: "More", tabindex: "-1", onclick: (event) => menu(event.currentTarget, items(message), quick) }, icon("ellipsis")),
    );
  }

  function items(message) {
    return [
      { label: "Reply", icon: "reply", do: () => onReply(message) },
      { label: "Copy", icon: "copy", do: () => act.copy(message) },
      message.mine && { label: "Edit", icon: "pencil", do: () => onEdit(message) },
      { label: message.pinned ? "Unpin" : "Pin for all", icon: "pin", do: () => act.pin(message) },
      { label: message.starred ? "Take the star away" : "Star for myself", icon: "star", do: () => act.star(message) },
      { label: "How far it came", icon: "info", do: () => act.inspect(message) },
      message.mine && { label: "Delete for all", icon: "trash-2", danger: true, do: () => act.remove(message) },
    ].filter(Boolean);
  }

  list.addEventListener("pointerover", (event) => event.pointerType === "mouse" && show(event.target.closest(".message")));
  list.addEventListener("focusin", (event) => show(event.target.closest(".message")));
  list.addEventListener("click", (event) => {
    const bubble = event.target.closest(".bubble");
    if (event.pointerType !== "touch" || !bubble || event.target.closest("a, button")) return;
    const message = find(bubble.closest(".message").dataset.id);
    const quick = QUICK.map((emoji) => ({ emoji, do: () => act.toggle(message, emoji) }));
    if (message?.kind === "text") menu(bubble, items(message), quick);
  });
}
