"""The bar at the top: the screens with what waits there, and whether the node is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message as Notice
from textual.widgets import Static

PANES: Final = {"chats": "F2 Chats", "people": "F3 People", "money": "F4 Money", "network": "F5 Network"}


class Item(Static):
    """One screen's name; a click shows it."""

    def __init__(self, pane: str) -> None:
        super().__init__(id=f"item-{pane}", classes="item")
        self.pane = pane
        self.badge(0)

    def badge(self, count: int) -> None:
        """How much waits there."""
        key, name = PANES[self.pane].split()
        mark = [(f" {count} ", "bold $background on $accent")] if count else []
        self.update(Content.assemble((key, "$muted"), f" {name} ", *mark))

    def on_click(self) -> None:
        """Show that screen."""
        self.post_message(TopBar.Chosen(self.pane))


class TopBar(Horizontal):
    """Names to the left, state to the right."""

    @dataclass
    class Chosen(Notice):
        """A screen is wanted."""

        pane: str

    def compose(self) -> ComposeResult:
        """The names and the state."""
        yield Static(Content.styled("p2pchat", "bold $primary"), id="brand")
        for pane in PANES:
            yield Item(pane)
        yield Static(id="state")

    def on_mount(self) -> None:
        """Chats come first."""
        self.mark("chats")

    def mark(self, pane: str) -> None:
        """That screen is shown."""
        for item in self.query(Item):
            item.set_class(item.pane == pane, "-current")

    def badge(self, pane: str, count: int) -> None:
        """How much waits on a screen."""
        self.query_one(f"#item-{pane}", Item).badge(count)

    def state(self, *, online: bool, peers: int | None) -> None:
        """Whether the node is there, and with how many others."""
        if not online:
            told = Content.styled("● node is away", "bold $error")
        elif not peers:
            told = Content.assemble(("● ", "$accent"), ("alone", "$muted"))
        else:
            told = Content.assemble(("● ", "$success"), (f"{peers} peer{'s' * (peers > 1)}", "$muted"))
        self.query_one("#state", Static).update(told)
