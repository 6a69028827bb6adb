"""The program: the bar at the top, the four screens behind it, and the connection to the node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

from textual import events, work
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Footer

from p2pchat.api import schema as s
from p2pchat_tui import help, theme
from p2pchat_tui.chat_pane import ChatPane
from p2pchat_tui.composer import Composer
from p2pchat_tui.decisions import Decisions
from p2pchat_tui.dialogs import ChooseEmoji, Show
from p2pchat_tui.group_dialog import GroupDialog
from p2pchat_tui.money_pane import MoneyPane
from p2pchat_tui.network_pane import NetworkPane
from p2pchat_tui.pane import Pane
from p2pchat_tui.people_pane import PeoplePane
from p2pchat_tui.person import details
from p2pchat_tui.program import Program
from p2pchat_tui.search_dialog import SearchDialog
from p2pchat_tui.top_bar import TopBar

NARROW: Final = 100  # columns; below it the list of chats is small


class P2PChatApp(Program):
    """`p2pchat tui`."""

    TITLE = "p2pchat"
    CSS_PATH = "styles.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "show('chats')", "Chats", show=False),
        Binding("f3", "show('people')", "People", show=False),
        Binding("f4", "show('money')", "Money", show=False),
        Binding("f5", "show('network')", "Network", show=False),
        Binding("ctrl+f", "search", "Search", key_display="^f", priority=True),
        Binding("f1", "help", "Keys", key_display="F1"),
        Binding("ctrl+t", "turn_theme", "Light or dark", show=False, priority=True),
        Binding("ctrl+q", "quit", "Quit", key_display="^q", priority=True),
    ]

    def __init__(self, socket: Path, *, theme: str = "p2pchat-dark") -> None:
        super().__init__(socket)
        self._wanted_theme = theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own names for colours, for the moment before our theme is there."""
        return {"muted": theme.DARK.variables["muted"], "mine": theme.DARK.variables["mine"]}

    def compose(self) -> ComposeResult:
        """Bar, screens, keys."""
        yield TopBar()
        with ContentSwitcher(initial="chats", id="panes"):
            yield ChatPane()
            yield PeoplePane()
            yield MoneyPane()
            yield NetworkPane()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Dress, and call the node."""
        self.register_theme(theme.DARK)
        self.register_theme(theme.LIGHT)
        self.theme = self._wanted_theme
        self.query_one(Composer).focus()
        self.run_worker(self.link.follow(self._reached, self._happened), group="link")

    async def on_unmount(self) -> None:
        """Hang up."""
        await self.link.close()

    # --- the node -----------------------------------------------------------------------------

    def _reached(self, online: bool) -> None:
        self.set_class(not online, "-offline")
        self.draw_state()
        if online:
            self._refresh_all()

    @work(group="refresh-all")
    async def _refresh_all(self) -> None:
        with self.refreshing():
            status = await self.link.call("node.status", s.Nothing(), s.Status)
            self.my_name = status.identity.name
            self.know_peers(status.peers)
        for pane in (PeoplePane, MoneyPane, ChatPane):
            self.query_one(pane).refresh_soon()

    def _happened(self, event: s.Event) -> None:
        kind = event.type.partition(".")[0]
        self.query_one(ChatPane).happened(event)
        if kind in ("contact", "request", "group"):
            self.query_one(PeoplePane).happened(event)
        if kind == "iou" or event.data.get("kind") == "iou":
            self.query_one(MoneyPane).happened(event)

    def draw_chats(self) -> None:
        """Draw the list and what stands above the chat."""
        self.query_one(ChatPane).refresh_soon()

    # --- going somewhere ----------------------------------------------------------------------

    def action_show(self, pane: str) -> None:
        """Show a screen."""
        self.query_one("#panes", ContentSwitcher).current = pane
        self.query_one(TopBar).mark(pane)
        shown = self.query_one(f"#{pane}", Pane)
        shown.refresh_soon()
        if pane == "chats":
            self.query_one(Composer).focus()
        else:
            first = next((one for one in shown.query("OptionList, DataTable") if one.focusable), None)
            if first is not None:
                first.focus()

    def on_top_bar_chosen(self, event: TopBar.Chosen) -> None:
        """A click on the bar."""
        self.action_show(event.pane)

    def show_account(self, who: str) -> None:
        """Show what stands between a contact and the person."""
        self.action_show("money")
        self.query_one(MoneyPane).show_account(who)

    def write_to(self, chat: str) -> None:
        """Open a chat by its name."""
        self.action_show("chats")
        self.query_one(ChatPane).show_named(chat)

    @work(group="details")
    async def show_details(self, chat: str, exact: str) -> None:
        """Who somebody is, or who is in a group."""
        with self.telling():
            if chat.startswith("#"):
                group = await self.link.call("group.show", s.GroupName(group=exact), s.Group)
                await self.push_screen_wait(GroupDialog(group, list(self._contacts.values())))
                self.query_one(PeoplePane).refresh_soon()
            else:
                contact = await self.link.call("contact.show", s.Who(who=exact), s.Contact)
                known = self._contacts.get(chat)
                contact.connected = bool(known and known.connected)
                self.push_screen(Show(chat, details(contact)))

    @work(group="search")
    async def action_search(self) -> None:
        """Find a message in all chats."""
        if isinstance(self.screen, SearchDialog):
            return
        found = await self.push_screen_wait(SearchDialog(self.link))
        if isinstance(found, s.Message):
            self.action_show("chats")
            self.query_one(ChatPane).jump(found)

    @work(group="emoji")
    async def action_emoji(self) -> None:
        """Put an emoji where the cursor is."""
        emoji = await self.push_screen_wait(ChooseEmoji())
        if isinstance(emoji, str):
            self.query_one(Composer).insert(emoji)

    def action_help(self) -> None:
        """All keys."""
        if not isinstance(self.screen, Show):
            self.push_screen(Show("Keys", help.text()))

    def action_turn_theme(self) -> None:
        """From dark to light and back."""
        self.theme = theme.LIGHT.name if self.current_theme.dark else theme.DARK.name

    async def action_quit(self) -> None:
        """Leave; what was typed stays as a draft."""
        await self.query_one(ChatPane).keep_draft()
        self.exit()

    async def on_decisions_decided(self, event: Decisions.Decided) -> None:
        """A decision in a chat."""
        await self.query_one(MoneyPane).decide(event.iou, event.yes)
        self.query_one(ChatPane).refresh_soon()

    def on_app_focus(self) -> None:
        """The person looks at the window again."""
        self.query_one(ChatPane).refresh_soon()

    def on_resize(self, event: events.Resize) -> None:
        """Make room for the conversation."""
        self.set_class(event.size.width < NARROW, "-narrow")

    def get_system_commands(self, screen: Screen[object]) -> Iterator[SystemCommand]:
        """What ^p offers."""
        pane = self.query_one(PeoplePane)
        yield SystemCommand("Chats", "All chats (F2)", lambda: self.action_show("chats"))
        yield SystemCommand("People", "Contacts and requests (F3)", lambda: self.action_show("people"))
        yield SystemCommand("Money", "Who owes whom (F4)", lambda: self.action_show("money"))
        yield SystemCommand("Network", "The state of the node (F5)", lambda: self.action_show("network"))
        yield SystemCommand("Search", "Find a message (^f)", self.action_search)
        yield SystemCommand("Invite", "A link and a QR code for somebody new", pane.action_invite)
        yield SystemCommand("Add", "Ask somebody whose link you have", pane.action_add)
        yield SystemCommand("New group", "Found a group", pane.action_found)
        yield SystemCommand("Light or dark", "Turn the colours (^t)", self.action_turn_theme)
        yield SystemCommand("Quit", "Leave; the node goes on (^q)", self.action_quit)
