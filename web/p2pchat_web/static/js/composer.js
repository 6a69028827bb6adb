// The line to write in.

import { call } from "./api.js";
import { attempt } from "./dialog.js";
import { el, fill, icon, iconButton } from "./dom.js";
import { sendOtherwise } from "./later.js";
import { menu } from "./menu.js";
import { payMenu } from "./pay.js";
import { chatOf, watch } from "./state.js";

const EMOJI = "😀 😂 🙂 😉 😍 😘 🤔 😎 😢 😭 😡 🙄 👍 👎 👏 🙏 💪 👋 🤝 ❤️ 🔥 🎉 ✨ ☀️ 🍕 🍻 ☕ 🎂 🚆 🏠 ✅ ❌".split(" ");
const DRAFT_MS = 800;
const TYPING_MS = 4000;

/** Writes to `chat`; `onSent(message)` is called with what was stored. */
export function composer(chat, { signal, lastOfMine, onSent }) {
  const input = el("textarea.write", { rows: 1, placeholder: "Message", "aria-label": `Message to ${chat.name}`, dir: "auto", maxlength: 16000 });
  const about = el("div.about-line", { hidden: true });
  const send = iconButton("send", "Send", submit, { class: "icon-button send" });
  const money = iconButton("hand-coins", "Money", (event) => payMenu(event.currentTarget, chatOf(chat.about)), { class: "icon-button money" });
  const smile = iconButton("smile", "Emoji", (event) => menu(event.currentTarget, [], EMOJI.map((emoji) => ({ emoji, do: () => insert(emoji) }))));
  const clock = iconButton("calendar-clock", "Send it later, or let it vanish", otherwise, { class: "icon-button later" });
  const closed = el("p.closed", { hidden: true });
  const bar = el("div.bar", {}, input, money, smile, clock, send);
  const node = el("form.composer", { onsubmit: (event) => (event.preventDefault(), submit()) }, about, closed, bar);
  let reply = null;
  let edit = null;
  let timer = 0;
  let told = 0; // when the other was told that I type
  input.value = chat.draft;

  function drawAbout() {
    const one = edit ?? reply;
    about.hidden = !one;
    if (!one) return;
    fill(
      about,
      icon(edit ? "pencil" : "reply"),
      el("span.about-text", {}, el("b", {}, edit ? "Edit" : one.mine ? "Reply to yourself" : `Reply to ${one.sender}`), ` ${one.text}`),
      iconButton("x", "Leave it", cancel),
    );
  }

  function cancel() {
    if (edit) input.value = "";
    reply = edit = null;
    drawAbout();
    size();
    input.focus();
  }

  async function submit() {
    const text = input.value.trim();
    if (!text) return;
    const [was, draft] = [{ reply, edit }, input.value];
    input.value = "";
    reply = edit = null;
    drawAbout();
    size();
    clearTimeout(timer);
    told = 0; // what comes ends it
    const sent = await attempt(() => (was.edit ? call("message.edit", { id: was.edit.id, text }) : call("message.send", { chat: chat.key, text, reply: was.reply?.id ?? null })));
    if (sent) {
      onSent(sent);
      if (chat.draft) saveDraft("");
    } else if (!input.value) {
      input.value = draft; // what was typed is not lost
      ({ reply, edit } = was);
      drawAbout();
      size();
    }
  }

  function otherwise() {
    const text = input.value.trim();
    if (!text || edit) return;
    sendOtherwise(chat, text, reply?.id ?? null, (sent) => {
      input.value = "";
      reply = null;
      drawAbout();
      size();
      clearTimeout(timer);
      saveDraft("");
      if (sent) onSent(sent);
    });
  }

  function saveDraft(text) {
    chat.draft = text;
    call("chat.draft", { chat: chat.key, text }).catch(() => {});
  }

  /** Tell a contact that I type; the node does not, if that is switched off. */
  function tellTyping(on) {
    if (chat.group || (on ? Date.now() - told < TYPING_MS : !told)) return;
    told = on ? Date.now() : 0;
    call("chat.typing", { chat: chat.key, on }).catch(() => {});
  }

  function insert(emoji) {
    input.setRangeText(emoji, input.selectionStart, input.selectionEnd, "end");
    input.focus();
  }

  function size() {
    input.style.setProperty("height", "auto");
    input.style.setProperty("height", `${Math.min(input.scrollHeight, 180)}px`);
    send.disabled = !input.value.trim();
    clock.hidden = send.disabled || Boolean(edit);
  }

  function drawState() {
    const now = chatOf(chat.about);
    const why = closedBecause(now);
    closed.hidden = !why;
    bar.hidden = Boolean(why);
    closed.textContent = why;
  }

  input.addEventListener("input", () => {
    size();
    clearTimeout(timer);
    if (!edit) timer = setTimeout(() => saveDraft(input.value), DRAFT_MS);
    tellTyping(Boolean(input.value));
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && matchMedia("(hover: hover)").matches) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && (reply || edit)) {
      cancel();
    } else if (event.key === "ArrowUp" && !input.value) {
      const last = lastOfMine();
      if (last) {
        event.preventDefault();
        api.edit(last);
      }
    }
  });
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    if (!edit && input.value !== chat.draft) saveDraft(input.value);
    tellTyping(false);
  });
  watch(["contacts", "groups"], drawState, signal);
  drawState();
  const api = {
    node,
    reply(message) {
      [reply, edit] = [message, null];
      drawAbout();
      input.focus();
    },
    edit(message) {
      [reply, edit] = [null, message];
      input.value = message.text;
      drawAbout();
      size();
      input.focus();
    },
  };
  requestAnimationFrame(() => {
    size();
    if (matchMedia("(hover: hover)").matches) input.focus();
  });
  return api;
}

function closedBecause(chat) {
  if (chat.group && chat.state === "invited") return "Accept the invitation to write here.";
  if (chat.group && chat.state === "joining") return "Waiting for a member who lets you in.";
  if (chat.group && chat.state !== "joined") return "You are not a member any more.";
  if (chat.group && chat.role === "read-only") return "You may read here, not write.";
  if (chat.state === "blocked") return `You blocked ${chat.name}.`;
  if (chat.state === "pending") return "Accept the request to write.";
  if (chat.undecided) return `${chat.name} uses a new device: compare the safety number, or trust it, before you go on (see the details).`;
  return "";
}
