"""Looking for a message in all chats."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from p2pchat.api import schema as s
from p2pchat.errors import P2PChatError
from p2pchat_tui import words
from p2pchat_tui.dialogs import Dialog
from p2pchat_tui.link import NodeLink
from p2pchat_tui.words import MUTED

_LIMIT = 50


class SearchDialog(Dialog):
    """Words above, what was found below; gives the chosen message."""

    def __init__(self, link: NodeLink) -> None:
        super().__init__("Search")
        self._link = link
        self._found: dict[str, s.Message] = {}

    def body(self) -> ComposeResult:
        """A field and a list."""
        yield Input(placeholder="words that must all be in it", compact=True)
        yield OptionList(compact=True, id="found")

    @work(exclusive=True)
    async def on_input_changed(self, event: Input.Changed) -> None:
        """Look as one types."""
        found: list[s.Message] = []
        if event.value.strip():
            try:
                params = s.Search(text=event.value, limit=_LIMIT)
                found = (await self._link.call("message.search", params, s.Messages)).messages
            except P2PChatError:
                return  # the bar tells that the node is away
        self._found = {one.id: one for one in found}
        options = self.query_one("#found", OptionList)
        options.clear_options()
        options.add_options(Option(_line(one), id=one.id) for one in found)
        if found:
            options.highlighted = 0

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """To what was found, or to the first of it."""
        found = list(self._found.values())
        if len(found) == 1:
            self.dismiss(found[0])
        else:
            self.query_one("#found", OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go there."""
        self.dismiss(self._found[str(event.option.id)])


def _line(message: s.Message) -> Content:
    return Content.assemble(
        (f"{message.chat}  ", "bold $primary"),
        (words.short_when(message.sent_ms), MUTED),
        "\n",
        words.one_line(message, 100),
    )
