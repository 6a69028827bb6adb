// Questions to the person, in the browser's own <dialog>: focus, Escape and the backdrop come with it.

import { el, icon, iconButton } from "./dom.js";

/** A dialog with `content`; gives the element. It is removed when it closes. */
export function open(title, ...content) {
  const box = el(
    "dialog.dialog",
    { "aria-label": title },
    el("header.dialog-head", {}, el("h2", {}, title), iconButton("x", "Close", () => box.close())),
    ...content,
  );
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (event) => event.target === box && box.close());
  document.body.append(box);
  box.showModal();
  return box;
}

/**
 * Ask with a form. `fields` are made by the functions below; `done(values)` may throw, and its sentence is
 * shown in the form, which stays open.
 */
export function ask({ title, lead, fields = [], verb, danger = false, done }) {
  const problem = el("p.problem", { role: "alert", hidden: true });
  const submit = el(`button.button.primary${danger ? ".danger" : ""}`, { type: "submit" }, verb);
  const form = el(
    "form.form",
    { novalidate: true },
    lead && el("p.lead", {}, lead),
    fields.map((field) => field.node),
    problem,
    el("div.form-foot", {}, el("button.button", { type: "button", onclick: () => box.close() }, "Cancel"), submit),
  );
  const box = open(title, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.hidden = true;
    try {
      const keep = await done(Object.fromEntries(fields.map((field) => [field.name, field.value()])));
      if (keep !== true) box.close();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      problem.scrollIntoView({ block: "center" });
    } finally {
      submit.disabled = false;
    }
  });
  form.querySelector("input, textarea, select")?.focus();
  return box;
}

let ids = 0;

function labelled(label, input, hint) {
  const id = `field-${++ids}`;
  input.id = id;
  return el("div.field", {}, el("label", { for: id }, label), input, hint && el("small.hint", {}, hint));
}

/** A line of text. */
export function text(name, label, { value = "", placeholder = "", hint = "", inputmode = "text" } = {}) {
  const input = el("input.input", { type: "text", value, placeholder, inputmode, autocomplete: "off", spellcheck: false });
  return { name, node: labelled(label, input, hint), value: () => input.value.trim(), input };
}

/** A day, or none. */
export function day(name, label, hint = "") {
  const input = el("input.input", { type: "date" });
  return { name, node: labelled(label, input, hint), value: () => input.value || null, input };
}

/** A moment in local time, in milliseconds, or none. */
export function moment(name, label, hint = "") {
  const input = el("input.input", { type: "datetime-local" });
  return { name, node: labelled(label, input, hint), value: () => (input.value ? new Date(input.value).getTime() : null), input };
}

/** Several lines of text. */
export function area(name, label, { placeholder = "", rows = 3, hint = "" } = {}) {
  const input = el("textarea.input", { rows, placeholder, spellcheck: false });
  return { name, node: labelled(label, input, hint), value: () => input.value.trim(), input };
}

/** One of several: `options` are [value, label]. */
export function choice(name, label, options, value, hint = "") {
  const input = el("select.input", {}, options.map(([one, words]) => el("option", { value: one, selected: one === value }, words)));
  return { name, node: labelled(label, input, hint), value: () => input.value, input };
}

/** Several of several, with a box each: `options` are [value, label]. */
export function several(name, label, options) {
  const boxes = options.map(([value]) => el("input", { type: "checkbox", value, checked: true }));
  const rows = options.map(([, words], at) => el("label.check", {}, boxes[at], el("span", {}, words)));
  const node = el("fieldset.field", {}, el("legend", {}, label), rows);
  return { name, node, value: () => boxes.filter((box) => box.checked).map((box) => box.value) };
}

/** An amount and its unit side by side. */
export function amount(name, label, unit = "EUR", value = "") {
  const number = el("input.input.number", { type: "text", inputmode: "decimal", placeholder: "0.00", autocomplete: "off", value });
  const units = el("input.input.unit", { type: "text", value: unit, autocomplete: "off", spellcheck: false, "aria-label": "Unit" });
  const node = labelled(label, number);
  node.classList.add("amount");
  node.append(units);
  return { name, node, value: () => `${number.value.trim().replace(",", ".")} ${units.value.trim()}`, input: number };
}

/** A sentence that goes by itself. */
export function toast(sentence, kind = "plain") {
  const shelf = document.querySelector(".toasts") ?? document.body.appendChild(el("div.toasts", { role: "status", "aria-live": "polite" }));
  const note = el(`div.toast.${kind}`, {}, kind === "bad" && icon("circle-alert"), el("span", {}, sentence));
  shelf.append(note);
  setTimeout(() => note.remove(), 5000);
}

/** Run `job`; say its error. */
export async function attempt(job, success) {
  try {
    const result = await job();
    if (success) toast(success);
    return result;
  } catch (error) {
    toast(error.message, "bad");
    return null;
  }
}
