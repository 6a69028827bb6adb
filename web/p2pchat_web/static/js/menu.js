// A menu beside a button; the browser closes it on Escape and on a click elsewhere (popover).

import { el, icon } from "./dom.js";

/** Show `items` ({ label, icon, do, danger }) and above them `quick` ({ emoji, do }). */
export function menu(anchor, items, quick = []) {
  const choose = (one) => () => {
    box.hidePopover();
    one.do();
  };
  const box = el(
    "div.menu",
    { popover: "auto", role: "menu" },
    quick.length > 0 &&
      el("div.menu-quick", {}, quick.map((one) => el("button.emoji", { type: "button", role: "menuitem", "aria-label": one.emoji, onclick: choose(one) }, one.emoji))),
    items.map((one) => el(`button.menu-item${one.danger ? ".danger" : ""}`, { type: "button", role: "menuitem", onclick: choose(one) }, icon(one.icon), one.label)),
  );
  box.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    box.remove();
    if (document.activeElement === document.body) anchor.focus({ preventScroll: true });
  });
  box.addEventListener("keydown", (event) => {
    const all = [...box.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  });
  document.body.append(box);
  box.showPopover();
  const at = anchor.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.right - width, innerWidth - width - 8));
  const top = at.bottom + height + 8 > innerHeight ? Math.max(8, at.top - height - 4) : at.bottom + 4;
  box.style.setProperty("left", `${left}px`);
  box.style.setProperty("top", `${top}px`);
  box.querySelector("button")?.focus();
}
