"""How a message looks on a terminal."""

from __future__ import annotations

import time
from typing import Final

from p2pchat.api import schema as s
from p2pchat_cli.file_lines import file_line
from p2pchat_cli.style import accent, bad, bold, dim, good
from p2pchat_cli.text import ago, lasting, width

SHORT_ID: Final = 8  # letters; what `p2pchat msg show` takes
_DEEDS: Final = {"iou", "group"}  # kinds whose text says what the sender did
_UNTOLD: Final = {"received", "stored"}  # states that say nothing


SHOWN: Final = frozenset({"message.received", "message.sent", "message.edited", "message.reaction"})
"""Events after which a live view shows the message (again)."""


def message_lines(message: s.Message, *, with_chat: bool = False) -> list[str]:
    """One message: its id, when, who, what, and how far it came if that is not far yet.

    The later lines of a text are indented, so that none of them can pass for a message of its own.
    """
    chat = f"{accent(message.chat)}  " if with_chat else ""
    head = f"{dim(message.id[:SHORT_ID])}  {dim(f'{ago(message.sent_ms):>15}')}  {chat}"
    return _flow(f"{head}{sender(message)}", message)


def live_lines(message: s.Message, *, with_chat: bool = False) -> list[str]:
    """One message as it comes in: who and what; none if it cannot be read yet, for it will come again."""
    if message.kind == "sealed":
        return []
    chat = f"{accent(message.chat)}  " if with_chat else ""
    return _flow(f"{chat}{sender(message)}", message)


def sender(message: s.Message) -> str:
    """Who wrote it: with a colon before a text, with a star before what somebody did."""
    name = bold(message.sender) if message.mine else accent(message.sender)
    return f"{dim('*')} {name}" if message.kind in _DEEDS else f"{name}:"


def state(text: str) -> str:
    """A state such as `queued`, `handed 1/2` or `delivered`, in the colour of how good it is."""
    if text == "failed":
        return bad(text)
    return good(text) if text in {"delivered", "read"} else dim(text)


def _flow(head: str, message: s.Message) -> list[str]:
    first, *rest = _shown(message).split("\n")
    indent = " " * (width(head) + 1)
    *lines, last = [f"{head} {first}", *(f"{indent}{line}" for line in rest)]
    return [*lines, "  ".join([last, *_marks(message)]), *_files(message, indent)]


def _files(message: s.Message, indent: str) -> list[str]:
    return [f"{indent}{file_line(one)}" for one in message.files]


def _shown(message: s.Message) -> str:
    if message.kind == "deleted":
        return dim("deleted")
    if message.kind in {"sealed", "missing", "unknown"}:
        return dim(message.text)
    reply = dim(f"(to {message.reply[:SHORT_ID]}) ") if message.reply else ""
    return f"{reply}{message.text}"


def _marks(message: s.Message) -> list[str]:
    """What is told behind a text."""
    marks = [bold("for you")] if message.mentions_me else []
    marks += [f"{one.emoji} {one.name}" for one in message.reactions]
    marks += [dim("edited")] if message.edited_ms else []
    marks += [dim("pinned")] if message.pinned else []
    marks += [dim("starred")] if message.starred else []
    marks += [dim("to be viewed once")] if message.once else []
    if message.expires_ms:
        marks.append(dim(f"vanishes in {lasting(int(message.expires_ms / 1000 - time.time()))}"))
    if message.mine and message.state not in _UNTOLD:
        marks.append(state(message.state))
    return marks
