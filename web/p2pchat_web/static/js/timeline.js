// The messages of a chat: a window over the history that grows as one scrolls, and moves with what happens.

import { call } from "./api.js";
import { attempt } from "./dialog.js";
import { el, icon } from "./dom.js";
import { dayName, sameDay } from "./format.js";
import { moves } from "./keyboard.js";
import { messageNode } from "./message.js";
import { iouById, knowById, watch } from "./state.js";
import { tools } from "./tools.js";

const PAGE = 50;
const MOST = 300; // messages kept in the window
const NEAR = 900; // pixels from an end at which the next page is fetched
const RUN_MS = 5 * 60_000; // messages of one person within this time stand together

/** The messages of `chat`. */
export function timeline(chat, { signal, grouped, onReply, onEdit }) {
  const list = el("div.messages", { role: "log", "aria-label": "Messages", "aria-live": "off" });
  const scroller = el("div.scroller", { tabindex: "0", "aria-label": "Messages" }, list);
  const down = el("button.icon-button.down", { type: "button", "aria-label": "To the newest message", hidden: true, onclick: () => newest() }, icon("arrow-down"));
  const node = el("div.timeline", {}, scroller, down);
  let messages = [];
  let nodes = new Map(); // message id: { shape, node }
  let older = false;
  let newer = false;
  let busy = false;
  let firstUnread = null;
  let upto = null; // what arrived last of what is shown
  let turn = Promise.resolve(); // ends when all that was asked of the node has been drawn
  const heard = new Map(); // message id: the events that told of it and were not yet looked into

  const atBottom = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
  const toBottom = () => (scroller.scrollTop = scroller.scrollHeight);
  const topOf = (id) => nodes.get(id).node.getBoundingClientRect().top;

  /** Run `job` when all before it has ended: of two answers that overlap the older could be drawn last. */
  const inTurn = (job) => (turn = turn.then(job, job));

  async function fetchPage(more) {
    const page = await call("message.history", { chat: chat.key, limit: PAGE, ...more });
    await knowById(page.messages.map((one) => one.iou).filter(Boolean));
    return page;
  }

  async function begin(jump) {
    const unread = await attempt(() => call("message.unread", { chat: chat.key, limit: PAGE }));
    firstUnread = unread?.messages[0]?.id ?? null;
    upto = unread?.upto ?? null;
    if (jump) await show(jump);
    else await newest();
    markRead();
  }

  const newest = () => inTurn(readNewest);
  const show = (id) => inTurn(() => readAround(id));
  const catchUp = () => inTurn(readEnd);

  async function readNewest() {
    const page = await attempt(() => fetchPage({}));
    if (!page || signal.aborted) return;
    take(page.messages, page.more, page.newer);
    const line = list.querySelector(".unread-line");
    if (line && firstUnread) line.scrollIntoView({ block: "center" });
    else toBottom();
    onScroll();
  }

  async function readAround(id) {
    const page = await attempt(() => fetchPage({ around: id }));
    if (!page || signal.aborted) return;
    take(page.messages, page.more, page.newer);
    light(page.messages.find((one) => one.id.startsWith(id))?.id);
  }

  async function jump(id) {
    if (messages.some((one) => one.id === id)) light(id);
    else await show(id);
  }

  function light(id) {
    const target = nodes.get(id)?.node;
    if (!target) return;
    target.scrollIntoView({ block: "center" });
    target.classList.remove("lit");
    requestAnimationFrame(() => target.classList.add("lit"));
  }

  function take(found, hasOlder, hasNewer) {
    messages = found;
    older = hasOlder;
    newer = hasNewer;
    draw();
  }

  /** The next page at one end; the other end gives way. What one reads stays where it is. */
  async function grow(up) {
    if (busy || !messages.length) return;
    busy = true;
    const read = await inTurn(() => readMore(up));
    busy = false;
    if (read) onScroll(); // who scrolled on meanwhile wants more
  }

  async function readMore(up) {
    if (!messages.length) return false;
    performance.mark("page-begin");
    const page = await attempt(() => fetchPage(up ? { before: messages[0].id } : { after: messages.at(-1).id }));
    if (!page || signal.aborted) return false;
    const anchor = (up ? messages[0] : messages.at(-1)).id; // its node may be drawn anew
    const top = topOf(anchor);
    if (up) {
      messages = [...page.messages, ...messages];
      older = page.more;
      if (messages.length > MOST) {
        messages = messages.slice(0, MOST);
        newer = true;
      }
    } else {
      messages = [...messages, ...page.messages];
      newer = page.newer;
      if (messages.length > MOST) {
        messages = messages.slice(-MOST);
        older = true;
      }
    }
    draw();
    scroller.scrollTop += topOf(anchor) - top;
    performance.measure("page", "page-begin");
    return true;
  }

  function onScroll() {
    const below = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    down.hidden = below < 400 && !newer;
    if (older && scroller.scrollTop < NEAR) grow(true);
    else if (newer && below < NEAR) grow(false);
  }

  /** Bring the list to what `messages` says, keeping the nodes that have not changed. */
  function draw() {
    const next = new Map();
    const children = [];
    const focused = list.contains(document.activeElement) ? document.activeElement.closest("[data-id]")?.dataset.id : null;
    if (!messages.length) children.push(el("p.nothing", {}, "Nothing has been said here yet."));
    if (!older && messages.length) children.push(el("p.beginning", {}, icon("lock"), chat.group ? "Only the members can read what is said here." : `Only you and ${chat.name} can read what is said here.`));
    messages.forEach((message, at) => {
      const before = messages[at - 1];
      const after = messages[at + 1];
      const newDay = !before || !sameDay(before.sent_ms, message.sent_ms);
      if (newDay) children.push(el("div.day", {}, el("span", {}, dayName(message.sent_ms))));
      if (message.id === firstUnread) children.push(el("div.unread-line", {}, el("span", {}, "Unread")));
      const first = newDay || message.id === firstUnread || !together(before, message);
      const last = !after || !sameDay(after.sent_ms, message.sent_ms) || !together(message, after);
      const shape = JSON.stringify([message, first, last, message.iou && iouById(message.iou)]);
      const old = nodes.get(message.id);
      const one = old?.shape === shape ? old : { shape, node: messageNode(message, { first, last, grouped, find, jump }) };
      next.set(message.id, one);
      children.push(one.node);
    });
    nodes = next;
    place(list, children);
    if (focused) nodes.get(focused)?.node.focus({ preventScroll: true });
  }

  const find = (id) => messages.find((one) => one.id === id);

  /** Put a message in its place. */
  function add(message, mine = false) {
    if (newer && mine) return newest();
    const stay = !mine && !atBottom();
    const at = messages.findIndex((one) => one.id === message.id);
    // What a command answered is older than what an event has told since; but the edit may be news.
    if (at >= 0 && mine && message.edited_ms <= messages[at].edited_ms) return null;
    if (at >= 0) messages[at] = message;
    else if (newer) return null;
    else messages.push(message);
    draw();
    if (mine) firstUnread = null;
    if (!stay) toBottom();
    return null;
  }

  /** An event of the node: look at what it tells of, together with all that is told until then. */
  function told({ type, data }) {
    const known = data.id && find(data.id);
    if (data.chat ? !isHere(data.chat) : !known) return;
    if (!heard.size) inTurn(hear);
    heard.set(data.id, [...(heard.get(data.id) ?? []), type]);
  }

  async function hear() {
    const events = [...heard];
    heard.clear();
    const gone = new Set(events.filter(([, types]) => types.includes("message.vanished")).map(([id]) => id));
    const arrived = events.filter(([id, types]) => !gone.has(id) && types.includes("message.received")).map(([id]) => id);
    const isNew = (types) => types.includes("message.received") || types.includes("message.sent");
    const asked = events.filter(([id, types]) => !gone.has(id) && (find(id) || isNew(types)));
    const found = await Promise.all(asked.map(([id]) => call("message.show", { id }).catch(() => null)));
    if (signal.aborted) return;
    if (gone.size) {
      messages = messages.filter((one) => !gone.has(one.id));
      draw();
    }
    let astray = false; // its place among others is the log's to say, not the order in which it came
    for (const message of found.filter(Boolean)) {
      if (find(message.id) || !messages.length || isLast(message)) add(message);
      else astray = true;
    }
    if (astray) await readEnd();
    if (!arrived.length) return;
    upto = arrived.at(-1);
    markRead();
  }

  const isLast = (message) => message.sent_ms >= messages.at(-1).sent_ms;
  const isHere = (name) => name === (chat.group ? "#" : "@") + chat.name || name.slice(1) === chat.name;

  /** Read the end of the window anew, after the node was away or something came out of order. */
  async function readEnd() {
    if (newer || !messages.length) return;
    const stay = !atBottom();
    const page = await attempt(() => fetchPage({}));
    if (!page || signal.aborted) return;
    const place = messages.findIndex((one) => one.id === page.messages[0]?.id);
    if (place >= 0) messages = [...messages.slice(0, place), ...page.messages];
    else ({ messages, more: older } = page);
    draw();
    if (!stay) toBottom();
  }

  async function markRead() {
    if (document.visibilityState !== "visible" || !document.hasFocus()) return;
    if (!upto || newer) return;
    const shown = upto;
    upto = null;
    await call("chat.read", { chat: chat.key, upto: shown }).catch(() => (upto ??= shown));
  }

  scroller.addEventListener("scroll", onScroll, { passive: true });
  addEventListener("focus", markRead, { signal });
  document.addEventListener("visibilitychange", markRead, { signal });
  new ResizeObserver(() => wasAtBottom && toBottom()).observe(scroller);
  let wasAtBottom = true;
  scroller.addEventListener("scroll", () => (wasAtBottom = atBottom()), { passive: true });
  watch(["ious"], () => messages.some((one) => one.iou) && draw(), signal);
  moves(list, { onReply, onEdit, find });
  tools(list, { onReply, onEdit, find });

  const lastOfMine = () => messages.findLast((one) => one.mine && one.kind === "text");
  return { node, begin, add, told, jump, catchUp, lastOfMine };
}

/** Bring `list` to `children`, touching only what differs: what stays is not laid out anew. */
function place(list, children) {
  const wanted = new Set(children);
  for (const child of [...list.childNodes]) if (!wanted.has(child)) child.remove();
  let at = list.firstChild;
  for (const child of children) {
    if (child === at) at = at.nextSibling;
    else list.insertBefore(child, at);
  }
}

function together(before, message) {
  return before && before.person === message.person && before.kind === "text" && message.kind === "text" && message.sent_ms - before.sent_ms < RUN_MS;
}
