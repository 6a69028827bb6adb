// Where the person is: "#/chat/ID", "#/people", ... The hash, so that the browser's back button works.

/** The parts of the present place, such as ["chat", ID]. */
export function place() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decode);
  return parts.length ? parts : ["chats"];
}

/** The link to a place. */
export const to = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

/** Go to a place. */
export function go(...parts) {
  location.hash = to(...parts);
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
