"""The messages of one chat: the newest at the bottom, older ones as you scroll up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message as Notice
from textual.reactive import reactive

from p2pchat.api import schema as s
from p2pchat_tui import words
from p2pchat_tui.bubble import Bubble, Look, Separator

PAGE: Final = 50
_TOGETHER_MS: Final = 5 * 60_000  # messages of one person this close share a head
_QUOTE: Final = 60  # letters


class Conversation(VerticalScroll, can_focus=True):
    """A window on a chat; whoever made it fetches the pages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Older", show=False),
        Binding("down,j", "move(1)", "Newer", show=False),
        Binding("home", "edge(-1)", "Oldest", show=False),
        Binding("end", "edge(1)", "Newest", show=False),
        Binding("r", "act('reply')", "Reply"),
        Binding("plus,x", "act('react')", "React", key_display="+"),
        Binding("e", "act('edit')", "Edit"),
        Binding("d,delete", "act('delete')", "Delete", key_display="d"),
        Binding("p", "act('pin')", "Pin"),
        Binding("s", "act('star')", "Star"),
        Binding("i,enter", "act('info')", "Info", key_display="i"),
        Binding("escape,tab", "leave", "Back", key_display="esc"),
    ]

    selected: reactive[str | None] = reactive(None)

    @dataclass
    class Acted(Notice):
        """The person wants something done with a message."""

        action: str
        message: s.Message

    class Older(Notice):
        """The top is in sight: there may be older messages."""

    class Left(Notice):
        """The person is done here and wants to write."""

    def __init__(self) -> None:
        super().__init__(id="conversation")
        self._bubbles: dict[str, Bubble] = {}
        self._separators: dict[str, Separator] = {}  # by the id of the message below
        self._messages: list[s.Message] = []
        self._first_new: str | None = None
        self.more = False

    @property
    def messages(self) -> Sequence[s.Message]:
        """What is loaded, oldest first."""
        return self._messages

    def find(self, id: str) -> s.Message | None:
        """A loaded message."""
        bubble = self._bubbles.get(id)
        return bubble.message if bubble else None

    async def open(self, page: s.Messages, unread: int = 0) -> None:
        """Show the newest page of a chat, of which `unread` messages are new."""
        await self.remove_children()
        self._bubbles.clear()
        self._separators.clear()
        self._messages = []
        self.selected = None
        self.more = page.more
        foreign = [one.id for one in page.messages if not one.mine]
        self._first_new = foreign[-unread] if 0 < unread <= len(foreign) else None
        await self._show(page.messages)
        self.anchor()

    async def merge(self, page: s.Messages) -> None:
        """Take in the newest page anew: what came, what changed, what vanished."""
        fresh = page.messages
        ids = [one.id for one in self._messages]
        if not fresh or fresh[0].id not in ids:
            joined = [one for one in self._messages if one.id in {other.id for other in fresh}]
            if not joined:
                await self.open(page)
                return
            kept = []
        else:
            kept = self._messages[: ids.index(fresh[0].id)]
        await self._show([*kept, *fresh])

    async def prepend(self, page: s.Messages) -> None:
        """Put older messages on top and keep in sight what was."""
        self.more = page.more
        below = self.max_scroll_y - self.scroll_y
        await self._show([*page.messages, *self._messages])
        self.call_after_refresh(lambda: self.scroll_to(y=self.max_scroll_y - below, animate=False))

    def replace(self, message: s.Message) -> None:
        """Show a loaded message as it is now."""
        for index, one in enumerate(self._messages):
            if one.id == message.id:
                self._messages[index] = message
                self._draw()

    async def _show(self, messages: list[s.Message]) -> None:
        gone = self._bubbles.keys() - {one.id for one in messages}
        for id in gone:
            await self._bubbles.pop(id).remove()
            if separator := self._separators.pop(id, None):
                await separator.remove()
        self._messages = messages
        above: Bubble | None = None
        waiting: list[Bubble] = []
        with self.app.batch_update():
            for message in messages:
                if message.id in self._bubbles:
                    await self._mount(waiting, above)
                    above = self._bubbles[message.id]
                else:
                    waiting.append(Bubble(Look(message, True)))
            await self._mount(waiting, above)
            self._draw()

    async def _mount(self, waiting: list[Bubble], above: Bubble | None) -> None:
        if not waiting:
            return
        if above is None:
            await self.mount(*waiting, before=0 if self.children else None)
        else:
            await self.mount(*waiting, after=above)
        self._bubbles |= {one.message.id: one for one in waiting}
        waiting.clear()

    def _draw(self) -> None:
        above: s.Message | None = None
        for message in self._messages:
            title = self._title(message, above)
            quoted = self.find(message.reply) if message.reply else None
            look = Look(
                message,
                bool(title) or not _together(above, message),
                words.one_line(quoted, _QUOTE) if quoted else "",
                bool(title),
            )
            self._bubbles[message.id].show(look)
            self._separate(message.id, title)
            above = message

    def _title(self, message: s.Message, above: s.Message | None) -> str:
        if message.id == self._first_new:
            return "new"
        today = words.day(message.sent_ms)
        return today if above is None or words.day(above.sent_ms) != today else ""

    def _separate(self, id: str, title: str) -> None:
        old = self._separators.get(id)
        if old is not None and old.text != title:
            old.remove()
            del self._separators[id]
        if title and id not in self._separators:
            self._separators[id] = Separator(title, news=title == "new")
            self.mount(self._separators[id], before=self._bubbles[id])

    # --- choosing a message -------------------------------------------------------------------

    def choose_newest(self) -> None:
        """Give the focus to the newest message."""
        if self._messages:
            self.focus()
            self.selected = self._messages[-1].id

    def watch_selected(self, old: str | None, new: str | None) -> None:
        """Mark the chosen message and bring it into sight."""
        if old in self._bubbles:
            self._bubbles[old].remove_class("-selected")
        if new in self._bubbles:
            self._bubbles[new].add_class("-selected")
            self.scroll_to_widget(self._bubbles[new], animate=False)

    def on_focus(self) -> None:
        """There is always a chosen message while the keys go here."""
        if self.selected not in self._bubbles and self._messages:
            self.selected = self._messages[-1].id

    def on_click(self, event: events.Click) -> None:
        """A click chooses a message."""
        if isinstance(event.widget, Bubble):
            self.selected = event.widget.message.id

    def on_mouse_scroll_up(self) -> None:
        """At the top there may be older ones."""
        self._ask_for_older()

    def action_move(self, step: int) -> None:
        """Choose the next older or newer message."""
        ids = [one.id for one in self._messages]
        if not ids:
            return
        index = ids.index(self.selected) + step if self.selected in ids else len(ids) - 1
        if index < 0:
            self._ask_for_older()
        elif index >= len(ids):
            self.post_message(self.Left())
        else:
            self.selected = ids[index]

    def action_edge(self, side: int) -> None:
        """Choose the oldest loaded or the newest message."""
        if self._messages:
            self.selected = self._messages[0 if side < 0 else -1].id
            if side < 0 and self.more:
                self.post_message(self.Older())

    def action_page_up(self) -> None:
        """A page up, and older messages at the top."""
        super().action_page_up()
        self._ask_for_older()

    def action_act(self, action: str) -> None:
        """Do something with the chosen message."""
        if self.selected in self._bubbles:
            self.post_message(self.Acted(action, self._bubbles[self.selected].message))

    def action_leave(self) -> None:
        """Back to writing."""
        self.post_message(self.Left())

    def _ask_for_older(self) -> None:
        if self.more and self.scroll_y <= 1:
            self.post_message(self.Older())


def _together(above: s.Message | None, message: s.Message) -> bool:
    if above is None:
        return False
    if "text" not in (above.kind, message.kind) and above.kind == message.kind:
        return True  # what was done stands in one block
    same = (above.sender, above.mine) == (message.sender, message.mine)
    deeds = ("iou", "group")
    return (
        same
        and above.kind not in deeds
        and message.kind not in deeds
        and message.sent_ms - above.sent_ms < _TOGETHER_MS
    )
