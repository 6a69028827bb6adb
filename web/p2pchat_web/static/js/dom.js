// Builds elements. Text is always a text node: nothing a person wrote ever becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: el("button.quiet", { type: "button", onclick: f }, "Text", child). */
export function el(shape, props = {}, ...children) {
  const [tag, ...classes] = shape.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  apply(node, props);
  add(node, children);
  return node;
}

/** An SVG element. */
export function svg(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, value);
  add(node, children);
  return node;
}

/** An icon of icons.svg; decoration unless it has a label. */
export function icon(name, label) {
  const props = { class: "icon", "aria-hidden": "true" };
  if (label) Object.assign(props, { role: "img", "aria-label": label, "aria-hidden": "false" });
  return svg("svg", props, svg("use", { href: `/icons.svg#${name}` }));
}

/** A button that shows an icon and is called `label`. */
export function iconButton(name, label, onclick, props = {}) {
  return el("button.icon-button", { type: "button", "aria-label": label, title: label, onclick, ...props }, icon(name));
}

/** Put `children` in the place of what `node` holds. */
export function fill(node, ...children) {
  node.replaceChildren(...flat(children));
  return node;
}

/** Bring `container` to one child for each item, keeping the nodes of those that have not changed. */
export function keyed(container, items, keyOf, render) {
  const known = container.known ?? new Map();
  const next = new Map();
  const active = document.activeElement;
  let refocus = null;
  const nodes = items.map((item) => {
    const key = keyOf(item);
    const shape = JSON.stringify(item);
    const old = known.get(key);
    if (old?.shape === shape) {
      next.set(key, old);
      return old.node;
    }
    const node = render(item);
    if (old && active && old.node.contains(active)) refocus = node;
    next.set(key, { shape, node });
    return node;
  });
  container.known = next;
  if (nodes.length !== container.childNodes.length || nodes.some((node, at) => container.childNodes[at] !== node)) {
    const held = active && container.contains(active) ? active : null;
    container.replaceChildren(...nodes);
    if (held?.isConnected) held.focus({ preventScroll: true });
  }
  refocus?.querySelector("a, button")?.focus({ preventScroll: true });
  refocus?.focus?.({ preventScroll: true });
}

function apply(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
}

function add(node, children) {
  node.append(...flat(children));
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}
