"""Where a message is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.emoji import Emoji
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message as Notice
from textual.widgets import TextArea

_NEW_LINE: Final = ("ctrl+j", "shift+enter", "alt+enter")
_CODE: Final = re.compile(r":[a-z0-9_+-]+:$")


class Composer(TextArea):
    """Enter sends, Shift+Enter or Ctrl+J begins a new line, `:tada:` becomes an emoji."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send"),
        Binding("ctrl+e", "app.emoji", "Emoji"),
        Binding("escape", "cancel", "Cancel", show=False),
    ]

    @dataclass
    class Sent(Notice):
        """The person is done with a text."""

        text: str

    class Typing(Notice):
        """The person has typed something that is no command."""

    class Cancelled(Notice):
        """Not an answer, not an edit."""

    class Up(Notice):
        """Out at the top: to the messages."""

    def __init__(self) -> None:
        super().__init__(id="composer", soft_wrap=True, highlight_cursor_line=False, compact=True)

    def action_send(self) -> None:
        """Hand the text over."""
        if self.text.strip():
            self.post_message(self.Sent(self.text.strip("\n")))
            self.clear()

    def give_back(self, text: str) -> None:
        """It could not be sent: have it here again, before what was typed since."""
        self.text = f"{text}\n{self.text}" if self.text else text
        self.move_cursor(self.document.end)

    def action_cancel(self) -> None:
        """Give up what was begun."""
        self.post_message(self.Cancelled())

    def action_cursor_up(self, select: bool = False) -> None:
        """Up; from the first line to the messages."""
        if self.cursor_location[0] == 0 and not select:
            self.post_message(self.Up())
        else:
            super().action_cursor_up(select)

    async def _on_key(self, event: events.Key) -> None:
        # Not by bindings with priority: those would overtake letters that were typed before.
        if event.key in ("enter", *_NEW_LINE):
            event.stop()
            event.prevent_default()
            if event.key == "enter":
                self.action_send()
            else:
                self.insert("\n")
            return
        await super()._on_key(event)
        if event.is_printable:
            self.post_message(self.Typing())
        if event.character == ":":
            self._replace_code()

    def _replace_code(self) -> None:
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        match = _CODE.search(before)
        emoji = Emoji.replace(match[0]) if match else ""
        if match and emoji != match[0]:
            self.replace(emoji, (row, match.start()), (row, column))
