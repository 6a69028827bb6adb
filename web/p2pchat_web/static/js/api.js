// The node's method table over HTTP.

/** The node refused, or is not there. `kind` is the class of the error in the node, or "offline" or "login". */
export class NodeError extends Error {
  constructor(message, kind) {
    super(message);
    this.kind = kind;
  }
}

let number = 0;

/** What the node answers to `method`. Throws NodeError with a sentence for the person. */
export async function call(method, params = {}) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: ++number, method, params });
  const answer = await ask("POST", "/api/v1/rpc", body);
  const { result, error } = await answer.json();
  if (error) throw new NodeError(asSentence(error.message), error.data?.error ?? "");
  return result;
}

/** Exchange the one-time secret of a login link for a session. */
export async function logIn(secret) {
  await ask("POST", "/api/v1/session", JSON.stringify({ secret }));
}

/** End the session of this browser. */
export async function logOut() {
  await ask("DELETE", "/api/v1/session");
}

async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      body,
      headers: { "Content-Type": "application/json" },
      credentials: "same-origin",
    });
  } catch {
    throw new NodeError("Your node does not answer. Is it running?", "offline");
  }
  if (!answer.ok) throw new NodeError((await answer.text()).trim(), answer.status === 401 ? "login" : "");
  return answer;
}

function asSentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
