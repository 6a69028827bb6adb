"""The keys, as F1 shows them."""

from __future__ import annotations

from typing import Final

from textual.content import Content

_SECTIONS: Final = {
    "Everywhere": [
        ("F2 F3 F4 F5", "Chats, People, Money, Network"),
        ("^f", "search in all chats"),
        ("^p", "all commands by name"),
        ("^t", "light or dark"),
        ("^q", "leave; the node goes on"),
        ("Tab", "next part of the screen"),
    ],
    "Writing": [
        ("Enter", "send"),
        ("^j", "new line; in some terminals also Shift+Enter"),
        ("^e", "emoji; or type its name, as in :tada:"),
        ("Up", "from the first line to the messages"),
        ("^n  ^l", "next unread chat; the list of chats"),
        ("^o", "who this is, or who is in the group"),
        ("Esc", "no longer answer or edit"),
    ],
    "Messages": [
        ("Up Down", "choose one; at the top older ones come"),
        ("r  +", "answer; put an emoji, or take it back"),
        ("e  d", "other words; delete for everybody (yours)"),
        ("p  s", "pin for all; star for yourself"),
        ("i", "how far it came, to whom"),
    ],
    "Signs": [
        ("○ queued", "nobody but your node has it"),
        ("◔ handed", "somebody keeps it for the recipient"),
        ("✓ delivered", "the recipient's device has it"),
        ("✓✓ read", "it was shown to the recipient"),
        ("✗ failed", "it cannot be delivered: see i"),
    ],
}


def text() -> Content:
    """All of it."""
    parts: list[Content] = []
    for title, rows in _SECTIONS.items():
        parts += [Content.styled(title, "bold $primary")]
        parts += [Content.assemble((f"  {keys:<13}", "$accent"), meaning) for keys, meaning in rows]
        parts.append(Content(""))
    return Content("\n").join(parts[:-1])
