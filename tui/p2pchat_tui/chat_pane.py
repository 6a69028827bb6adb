"""The chats: the list, the open conversation, and the line in which one writes."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import ClassVar

from p2pchat_cli.message_lines import SHORT_ID
from p2pchat_cli.text import lasting
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import OptionList, Static

from p2pchat.api import schema as s
from p2pchat.errors import NotFoundError, P2PChatError
from p2pchat_tui import message_actions, words
from p2pchat_tui.chat_list import ChatList
from p2pchat_tui.composer import Composer
from p2pchat_tui.conversation import PAGE, Conversation
from p2pchat_tui.decisions import Decisions
from p2pchat_tui.pane import Pane
from p2pchat_tui.words import MUTED

_WELCOME = """\
Welcome. There are no chats yet.

F3  People: invite somebody with a link or QR code,
    or add somebody whose link you have
F1  all keys
"""
_TYPING_S = 10.0  # so long a notice counts
_TELL_S = 5.0  # between notices of mine
_LISTED = 500  # chats, those that were used last; a search or a person leads to older ones
_MAX_JUMP = 5  # pages that are loaded to find a message


class ChatPane(Pane):
    """The first screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "next_unread", "Unread", key_display="^n"),
        Binding("ctrl+o", "details", "Details", key_display="^o"),
        Binding("ctrl+l", "list", "Chats", key_display="^l", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="chats")
        self.open_chat: s.ChatSummary | None = None
        self.reply_to: s.Message | None = None
        self.editing: s.Message | None = None
        self._typing_until = 0.0  # by the monotonic clock: so long the other is said to type
        self._told_typing = 0.0  # when the other was told that the person types
        self._stale: set[str] = set()  # messages above the newest page that have changed

    def compose(self) -> ComposeResult:
        """List to the left, conversation to the right."""
        with Horizontal():
            yield ChatList()
            with Vertical(id="chat"):
                yield Static(id="chat-head")
                yield Decisions()
                yield Conversation()
                yield Static(id="about")
                yield Composer()
        yield Static(Content(_WELCOME), id="welcome")

    # --- what is shown ------------------------------------------------------------------------

    @property
    def conversation(self) -> Conversation:
        """The messages of the open chat."""
        return self.query_one(Conversation)

    @property
    def composer(self) -> Composer:
        """Where the person writes."""
        return self.query_one(Composer)

    @property
    def exact(self) -> str:
        """A name of the open chat that fits no other."""
        assert self.open_chat is not None
        return exact_name(self.open_chat)

    async def load(self) -> None:
        """Ask for the list and the newest page anew."""
        chats = (await self.link.call("chat.list", s.ChatQuery(limit=_LISTED), s.Chats)).chats
        shown = [one for one in chats if not one.archived or one.unread]
        self.query_one(ChatList).show(shown)
        self.set_class(not shown, "-empty")
        self.program.badge("chats", sum(one.unread for one in shown if not one.muted))
        if self.open_chat is None:
            if shown:
                await self._open(shown[0])
            return
        self.open_chat = next(
            (one for one in chats if one.conversation == self.open_chat.conversation), self.open_chat
        )
        self._draw_head()
        await self._refresh_open()

    async def _refresh_open(self) -> None:
        await self.conversation.merge(await self._page())
        stale, self._stale = self._stale, set()
        newest = {one.id for one in self.conversation.messages[-PAGE:]}
        for id in stale - newest:
            if self.conversation.find(id):
                with suppress(NotFoundError):
                    message = await self.link.call("message.show", s.MessageId(id=id), s.Message)
                    self.conversation.replace(message)
        await self._refresh_decisions()
        await self.mark_read()

    async def _page(self, before: str | None = None, limit: int = PAGE) -> s.Messages:
        return await self.link.call(
            "message.history", s.History(chat=self.exact, limit=limit, before=before), s.Messages
        )

    async def _refresh_decisions(self) -> None:
        decisions = self.query_one(Decisions)
        if self.open_chat is None or self.open_chat.chat.startswith("#"):
            decisions.show([])
            return
        found = await self.link.call("iou.list", s.IouQuery(who=self.open_chat.chat), s.Ious)
        decisions.show([one for one in found.ious if one.mine_to_decide])

    async def mark_read(self) -> None:
        """What is on the screen before the person's eyes is read."""
        if self.open_chat and self.open_chat.unread and self.display and self.program.app_focus:
            await self.link.call("chat.read", s.Chat(chat=self.exact), s.Done)
            self.open_chat.unread = 0
            self.refresh_soon()

    def happened(self, event: s.Event) -> None:
        """Something happened that may show here."""
        if event.type == "chat.typing":
            self._hear_typing(event)
            return
        if event.type.startswith("message."):
            self._stale.add(event.data.get("id", ""))
        self.refresh_soon()

    def _hear_typing(self, event: s.Event) -> None:
        if self.open_chat and event.data.get("chat") == self.open_chat.chat:
            self._typing_until = time.monotonic() + _TYPING_S if event.data.get("typing") else 0.0
            self._draw_head()
            self.set_timer(_TYPING_S + 0.1, self._draw_head)

    @work(exclusive=True, group="typing")
    async def on_composer_typing(self) -> None:
        """Tell a contact, now and then; not worth a word if it fails."""
        now = time.monotonic()
        if self.open_chat and self.open_chat.chat.startswith("@") and now > self._told_typing + _TELL_S:
            self._told_typing = now
            with suppress(P2PChatError):
                await self.link.call("chat.typing", s.ChatTyping(chat=self.exact), s.TypingTold)

    def _draw_head(self) -> None:
        chat = self.open_chat
        if chat is None:
            return
        marks = [
            (chat.timer_s, f"texts vanish after {lasting(chat.timer_s)}"),
            (chat.muted, "muted"),
            (chat.archived, "archived"),
        ]
        told = [Content.styled(f"  {word}", MUTED) for holds, word in marks if holds]
        if self._typing_until > time.monotonic():
            told.insert(0, Content.styled("  is typing …", "italic $accent"))
        self.query_one("#chat-head", Static).update(
            Content.assemble((chat.chat, "bold $primary"), *told, self.program.standing(chat.chat))
        )
        self.composer.placeholder = f"Write to {chat.chat}   (^j: new line)"

    # --- opening ------------------------------------------------------------------------------

    async def _open(self, chat: s.ChatSummary) -> None:
        if self.open_chat is not None and self.open_chat.conversation != chat.conversation:
            await self.keep_draft()
            self.composer.clear()
        self.open_chat = chat
        self._typing_until = 0.0
        self._begin_anew()
        if chat.draft and not self.composer.text:
            self.composer.give_back(chat.draft)
        self._draw_head()
        self.query_one(ChatList).mark(chat.conversation)
        await self.conversation.open(await self._page(), chat.unread)
        await self._refresh_decisions()
        await self.mark_read()

    @work(exclusive=True, group="open")
    async def show_chat(self, conversation: str) -> None:
        """Open a chat by the id of its conversation, ready to write."""
        with self.program.telling():
            chat = self.query_one(ChatList).chat(conversation)
            if chat is None:
                chats = (await self.link.call("chat.list", s.ChatQuery(), s.Chats)).chats
                chat = next(one for one in chats if one.conversation == conversation)
            async with self.turn:
                await self._open(chat)
            self.composer.focus()

    @work(exclusive=True, group="open")
    async def show_named(self, name: str) -> None:
        """Open the chat of that name (`@petname`)."""
        with self.program.telling():
            async with self.turn:
                await self._open(await self.link.call("chat.show", s.Chat(chat=name), s.ChatSummary))
            self.composer.focus()

    @work(exclusive=True, group="open")
    async def jump(self, message: s.Message) -> None:
        """Open the chat of a message and choose it there."""
        with self.program.telling():
            async with self.turn:
                await self._open(await self.link.call("chat.show", s.Chat(chat=message.chat), s.ChatSummary))
                for _ in range(_MAX_JUMP):
                    if self.conversation.find(message.id) or not self.conversation.more:
                        break
                    oldest = self.conversation.messages[0].id
                    await self.conversation.prepend(await self._page(oldest, 200))
            self.conversation.focus()
            if self.conversation.find(message.id):
                self.conversation.selected = message.id
            else:
                self.program.notify(
                    f"It is further back: p2pchat history {message.chat} --before {_short(message)}"
                )

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Walking through the list shows the chats."""
        chat = self.query_one(ChatList).chat(event.option.id)
        if chat and (self.open_chat is None or chat.conversation != self.open_chat.conversation):
            self._preview(chat)

    @work(exclusive=True, group="open")
    async def _preview(self, chat: s.ChatSummary) -> None:
        with self.program.telling():
            async with self.turn:
                await self._open(chat)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click: write there."""
        if event.option.id:
            self.show_chat(event.option.id)

    def action_next_unread(self) -> None:
        """Go to the next chat with something new."""
        chats = [self.query_one(ChatList).chat(option.id) for option in self.query_one(ChatList).options]
        unread = next((one for one in chats if one and one.unread), None)
        if unread:
            self.show_chat(unread.conversation)
        else:
            self.program.notify("Nothing is unread.")

    def action_list(self) -> None:
        """Go to the list of chats."""
        self.query_one(ChatList).focus()

    def action_details(self) -> None:
        """Who this is, or who is in the group."""
        if self.open_chat:
            self.program.show_details(self.open_chat.chat, self.exact)

    # --- writing ------------------------------------------------------------------------------

    async def keep_draft(self) -> None:
        """Keep what was typed and not sent, on the node."""
        if self.open_chat is None or self.editing or self.composer.text == self.open_chat.draft:
            return
        with suppress(P2PChatError):  # a draft is no message
            await self.link.call("chat.draft", s.ChatDraft(chat=self.exact, text=self.composer.text), s.Done)
            self.open_chat.draft = self.composer.text

    @work(group="send")
    async def on_composer_sent(self, event: Composer.Sent) -> None:
        """Send, or put the other words; what the node did not take comes back into the field."""
        if self.open_chat is None:
            return
        reply, editing = self.reply_to, self.editing
        self._begin_anew()
        with self.program.telling():
            try:
                await self._send(event.text, reply, editing)
            except P2PChatError:
                self.composer.give_back(event.text)
                self.reply_to, self.editing = reply, editing
                self._draw_about()
                raise
            await self.refresh_now()
            self.conversation.anchor()

    async def _send(self, text: str, reply: s.Message | None, editing: s.Message | None) -> None:
        if editing:
            await self.link.call("message.edit", s.EditMessage(id=editing.id, text=text), s.Message)
            return
        params = s.Send(chat=self.exact, text=text, reply=reply.id if reply else None)
        await self.link.call("message.send", params, s.Message)
        await self.keep_draft()

    def _begin_anew(self) -> None:
        self.reply_to = self.editing = None
        self._draw_about()

    def begin_reply(self, message: s.Message) -> None:
        """What is written next answers this."""
        self.reply_to, self.editing = message, None
        self._draw_about()
        self.composer.focus()

    def begin_edit(self, message: s.Message) -> None:
        """What is written next replaces this."""
        self.reply_to, self.editing = None, message
        self.composer.text = message.text
        self.composer.move_cursor(self.composer.document.end)
        self._draw_about()
        self.composer.focus()

    def _draw_about(self) -> None:
        about = self.query_one("#about", Static)
        shown = self.editing or self.reply_to
        about.display = shown is not None
        if shown:
            what = "✎ other words for" if self.editing else "↪ answer to"
            about.update(
                Content.assemble((f"{what} ", "$accent"), words.one_line(shown, 60), ("  esc", MUTED))
            )

    def on_composer_cancelled(self) -> None:
        """Neither answer nor edit."""
        if self.editing:
            self.composer.clear()
        self._begin_anew()

    def on_composer_up(self) -> None:
        """To the messages."""
        self.conversation.choose_newest()

    def on_conversation_left(self) -> None:
        """Back to writing."""
        self.composer.focus()

    @work(exclusive=True, group="older")
    async def on_conversation_older(self) -> None:
        """The top is in sight."""
        with self.program.telling():
            async with self.turn:
                if self.conversation.more and self.conversation.messages:
                    await self.conversation.prepend(await self._page(self.conversation.messages[0].id))

    @work(group="act")
    async def on_conversation_acted(self, event: Conversation.Acted) -> None:
        """Do something with a message."""
        with self.program.telling():
            await message_actions.carry_out(self.program, self, event.action, event.message)
            await self.refresh_now()


def _short(message: s.Message) -> str:
    return message.id[:SHORT_ID]


def exact_name(chat: s.ChatSummary) -> str:
    """A name that fits this chat alone: two groups may have the same name, petnames are unique."""
    return f"#{chat.conversation}" if chat.chat.startswith("#") else chat.chat
