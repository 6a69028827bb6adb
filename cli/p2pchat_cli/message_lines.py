"""How a message looks on a terminal."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat_cli.style import accent, bad, bold, dim, good
from p2pchat_cli.text import ago, width

SHORT_ID = 8  # letters; what `p2pchat msg show` takes
_UNTOLD = {"received", "sealed", "stored"}  # states that say nothing, or that the text says already


def message_lines(message: s.Message, *, with_chat: bool = False) -> list[str]:
    """One message: its id, when, who, what, and how far it came if that is not far yet.

    The later lines of a text are indented, so that none of them can pass for a message of its own.
    """
    chat = f"{accent(message.chat)}  " if with_chat else ""
    head = f"{dim(message.id[:SHORT_ID])}  {dim(f'{ago(message.sent_ms):>15}')}  {chat}"
    return _flow(f"{head}{sender(message)}", message)


def live_lines(message: s.Message, *, with_chat: bool = False) -> list[str]:
    """One message as it comes in: who and what."""
    chat = f"{accent(message.chat)}  " if with_chat else ""
    return _flow(f"{chat}{sender(message)}", message)


def sender(message: s.Message) -> str:
    """Who wrote it: with a colon before a text, with a star before what somebody did."""
    name = bold(message.sender) if message.mine else accent(message.sender)
    return f"{name}:" if message.kind == "text" else f"{dim('*')} {name}"


def state(text: str) -> str:
    """A state such as `queued`, `handed 1/2` or `delivered`, in the colour of how good it is."""
    if text == "failed":
        return bad(text)
    return good(text) if text in {"delivered", "read"} else dim(text)


def _flow(head: str, message: s.Message) -> list[str]:
    first, *rest = _shown(message).split("\n")
    tail = "" if message.state in _UNTOLD else f"  {state(message.state)}"
    indent = " " * (width(head) + 1)
    return [f"{head} {first}{tail}", *(f"{indent}{line}" for line in rest)]


def _shown(message: s.Message) -> str:
    if message.state == "sealed":
        return dim("(cannot be read yet: its key has not come)")
    return message.text
