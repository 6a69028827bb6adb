// A sheet with a head: the way back, what it is, and what can be done; its content scrolls.

import { el, icon } from "./dom.js";
import { to } from "./route.js";

/** The sheet called `title` that shows `box`; `back` is the place it leads back to. */
export function sheet(back, title, box, ...actions) {
  return el(
    "div.talk",
    {},
    el("header.sheet-head", {}, el("a.icon-button.back", { href: to(back), "aria-label": "Back" }, icon("chevron-left")), el("h2.head-name", {}, title), actions.length > 0 && [el("span.spring"), actions]),
    el("div.scroller", {}, box),
  );
}

/** Ask the node with `read` and draw what it says, at once and after each change that `again` stands for. */
export function live(box, read, draw, signal, again) {
  async function show() {
    const found = await read().catch((error) => ({ error }));
    if (signal.aborted) return;
    box.replaceChildren(...[found.error ? el("p.problem", {}, found.error.message) : draw(found, show)].flat(Infinity).filter(Boolean));
  }
  again?.(show);
  show();
  return show;
}
