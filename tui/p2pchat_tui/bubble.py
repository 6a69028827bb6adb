"""One message on the screen."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content
from textual.widgets import Static

from p2pchat.api import schema as s
from p2pchat_tui import words
from p2pchat_tui.words import MUTED


class Look(NamedTuple):
    """A message with what its neighbours decide about how it looks."""

    message: s.Message
    head: bool  # shows who wrote it: the one above is of somebody else, or older
    quoted: str = ""  # the message that it answers, in short
    titled: bool = False  # stands below a line such as the day


class Bubble(Static):
    """A message; its colours tell mine from others', its left edge the person."""

    def __init__(self, look: Look) -> None:
        super().__init__(classes="bubble")
        self.look = look

    @property
    def message(self) -> s.Message:
        """The message it shows."""
        return self.look.message

    def on_mount(self) -> None:
        """Draw it."""
        self._draw()

    def show(self, look: Look) -> None:
        """Show this from now on."""
        if look != self.look:
            self.look = look
            self._draw()

    def _draw(self) -> None:
        message = self.look.message
        self.set_class(message.mine, "-mine")
        self.set_class(_is_deed(message), "-deed")
        self.set_class(message.kind == "iou", "-iou")
        self.set_class(self.look.head, "-head")
        self.set_class(self.look.titled, "-titled")
        self.update(words.lines(self._parts(message)))

    def _parts(self, message: s.Message) -> list[Content | str]:
        if _is_deed(message):
            return [_deed(message), *_reactions(message)]
        parts: list[Content | str] = [_head(message)] if self.look.head else []
        if message.reply:
            parts.append(Content.styled(f"↪ {self.look.quoted or 'an older message'}", MUTED))
        parts.append(_text(message))
        return [*parts, *map(_file, message.files), *_reactions(message)]


class Separator(Static):
    """A line between messages: a new day, or where the unread ones begin."""

    def __init__(self, text: str, *, news: bool = False) -> None:
        super().__init__(Content(text), classes="separator -news" if news else "separator")
        self.text = text


def _head(message: s.Message) -> Content:
    name = ("You", "bold $primary") if message.mine else (message.sender, words.name_style(message.sender))
    return Content.assemble(name, "  ", (words.clock(message.sent_ms), MUTED))


def _text(message: s.Message) -> Content:
    if message.kind == "deleted":
        return Content.styled("deleted", f"italic {MUTED}")
    if message.kind in ("sealed", "missing", "unknown"):
        return Content.styled(message.text, f"italic {MUTED}")
    return Content.assemble(message.text, *(part for mark in _marks(message) for part in ("  ", mark)))


def _file(one: s.File) -> Content:
    """A file, how far it is here, and by what `p2pchat file get` takes it."""
    state = f"gone: {one.reason}" if one.state == "gone" else one.state
    size = f"{one.size / 1e6:.1f} MB" if one.size >= 1e5 else f"{one.size / 1e3:.1f} kB"
    return Content.assemble("📎 ", one.name, (f"  {size}  {one.id[:8]}  {state}", MUTED))


def _deed(message: s.Message) -> Content:
    sign = ("€ ", "bold $accent") if message.kind == "iou" else ("· ", MUTED)
    # The words behind the name are in the third person, for both sides alike.
    who = (message.sender, "bold $primary" if message.mine else words.name_style(message.sender))
    marks = [part for mark in _marks(message) for part in ("  ", mark)]
    clock = (words.clock(message.sent_ms), MUTED)
    return Content.assemble(sign, who, " ", message.text, "  ", clock, *marks)


def _marks(message: s.Message) -> list[Content]:
    marks = [
        (message.edited_ms, "edited", MUTED),
        (message.pinned, "pinned", "$accent"),
        (message.starred, "★", "$accent"),
        (message.expires_ms, f"vanishes in {words.remains(message.expires_ms)}", MUTED),
    ]
    found = [Content.styled(word, style) for holds, word, style in marks if holds]
    is_told = message.mine and not (_is_deed(message) and message.state in ("delivered", "read"))
    state = words.state(message) if is_told else Content("")
    return [*found, state] if state else found


def _is_deed(message: s.Message) -> bool:
    return message.kind in ("iou", "group")


def _reactions(message: s.Message) -> list[Content]:
    if not message.reactions:
        return []
    return [
        Content("  ").join(Content.assemble(one.emoji, " ", (one.name, MUTED)) for one in message.reactions)
    ]
