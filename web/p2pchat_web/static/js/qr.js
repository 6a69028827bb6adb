// A QR code, drawn by the node.

import { call } from "./api.js";
import { svg } from "./dom.js";

/** An image of `text`. */
export async function qr(text) {
  const { size, path } = await call("qr.draw", { text });
  return svg(
    "svg",
    { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": "The link as a QR code", "shape-rendering": "crispEdges" },
    svg("rect", { width: size, height: size, fill: "#fff" }),
    svg("path", { d: path, fill: "#000" }),
  );
}
