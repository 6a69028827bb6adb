// Starts the page: logs in with the secret of the link, loads the node's state, and follows it.

import { call, logIn } from "./api.js";
import { el, fill } from "./dom.js";
import { frame } from "./frame.js";
import { follow, isLeader, onEvent } from "./live.js";
import { badge, show, watchSight } from "./notify.js";
import { place } from "./route.js";
import { refreshAll, set, watch } from "./state.js";
import { applyTheme } from "./theme.js";

async function start() {
  applyTheme();
  const secret = /^#login=(.+)$/.exec(location.hash)?.[1];
  if (secret) {
    history.replaceState(null, "", "/"); // it is good once, and nobody's business
    try {
      await logIn(secret);
    } catch (error) {
      if (!(await isLoggedIn())) return welcome(error.message);
    }
  }
  try {
    const status = await call("node.status");
    set({ status, me: status.identity });
    follow(status.cursor, welcome); // before the rest is read: what happens meanwhile is told
    await refreshAll();
  } catch (error) {
    return welcome(error.message, error.kind === "offline");
  }
  watch(["chats", "requests"], badge);
  badge();
  onEvent((event) => isLeader() && show(event));
  watchSight(() => (place()[0] === "chat" ? place()[1] : ""));
  fill(document.body, frame());
}

async function isLoggedIn() {
  return call("node.status").then(
    () => true,
    () => false,
  );
}

/** What somebody sees who has no session. */
function welcome(sentence, offline = false) {
  fill(
    document.body,
    el(
      "main.welcome",
      {},
      el("img.welcome-mark", { src: "/mark.svg", alt: "", width: 56, height: 56 }),
      el("h1", {}, offline ? "Your node is away" : "Open the door from inside"),
      el("p", {}, sentence),
      el("p.muted", {}, "In a terminal on this machine:"),
      el("pre.command", {}, offline ? "p2pchat run --detach" : "p2pchat web"),
      offline && el("button.button.primary", { type: "button", onclick: () => location.reload() }, "Try again"),
    ),
  );
}

start();
