"""The chats, the most recently used first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from p2pchat.api import schema as s
from p2pchat_tui import words
from p2pchat_tui.words import MUTED


class ChatList(OptionList):
    """Two lines for each chat: its name and when, what was said last and how much is new."""

    def __init__(self) -> None:
        super().__init__(id="chat-list", compact=True)
        self._chats: dict[str, s.ChatSummary] = {}
        self._shown: list[Content] = []

    def show(self, chats: Sequence[s.ChatSummary]) -> None:
        """Show these; the highlight stays on its chat."""
        chosen = self.highlighted_option.id if self.highlighted_option else None
        self._chats = {one.conversation: one for one in chats}
        prompts = [self._prompt(one) for one in chats]
        if prompts == self._shown:
            return
        self._shown = prompts
        with self.prevent(OptionList.OptionHighlighted):
            self.clear_options()
            self.add_options(
                Option(prompt, id=one.conversation) for prompt, one in zip(prompts, chats, strict=True)
            )
            self.mark(chosen)

    def mark(self, conversation: str | None) -> None:
        """Put the highlight on a chat."""
        if conversation in self._chats:
            self.highlighted = self.get_option_index(str(conversation))

    def chat(self, conversation: str | None) -> s.ChatSummary | None:
        """A chat by its id."""
        return self._chats.get(conversation or "")

    def _prompt(self, chat: s.ChatSummary) -> Content:
        room = max(self.size.width - 3, 18) if self.size.width else 23
        when = words.short_when(chat.last.sent_ms) if chat.last else ""
        style = "bold" if chat.unread else ""
        name = set_cell_size(chat.chat, room - cell_len(when) - 1)
        badge = f" {chat.unread} " if chat.unread else " muted " if chat.muted else ""
        said = set_cell_size(self._last(chat, room), room - cell_len(badge) - bool(badge))
        badge_style = "bold $background on $primary" if chat.unread and not chat.muted else MUTED
        return Content.assemble(
            (name, style),
            " ",
            (when, MUTED),
            "\n",
            (said, "$accent" if chat.draft else MUTED),
            " " if badge else "",
            (badge, badge_style),
        )

    @staticmethod
    def _last(chat: s.ChatSummary, letters: int) -> str:
        if chat.draft:
            return f"✎ {chat.draft.splitlines()[0]}"
        return words.one_line(chat.last, letters) if chat.last else "no messages yet"
