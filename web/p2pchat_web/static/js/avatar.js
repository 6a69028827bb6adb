// The round sign of a person, the square one of a group.

import { el, icon } from "./dom.js";
import { hue, initials } from "./format.js";

/** `about`: { id, name, group, connected, verified }. */
export function avatar({ id, name, group = false, connected = false, verified = false }, size = "") {
  const shape = ["span.avatar", group && "group", size].filter(Boolean).join(".");
  return el(
    shape,
    { style: { "--hue": hue(id || name) }, "aria-hidden": "true" },
    el("span.letters", {}, group ? "#" : initials(name)),
    connected && el("span.here"),
    verified && el("span.verified", {}, icon("shield-check")),
  );
}
