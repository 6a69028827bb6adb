"""The network: who I am, where I listen, to whom I am connected."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from p2pchat.api import schema as s
from p2pchat_tui import words
from p2pchat_tui.pane import Pane
from p2pchat_tui.words import MUTED

_EVERY_S = 5.0  # connections come and go without an event


class NetworkPane(Pane):
    """Facts above, a table of peers below."""

    def __init__(self) -> None:
        super().__init__(id="network")

    def compose(self) -> ComposeResult:
        """Facts and table."""
        with VerticalScroll(classes="main", can_focus=False):
            yield Static(id="facts")
            yield DataTable[str](id="peers", cursor_type="row", zebra_stripes=True)
            yield Static(id="counters")

    def on_mount(self) -> None:
        """The columns of the table."""
        table = self.query_one("#peers", DataTable)
        table.add_columns("Who", "Direction", "Address")
        self.set_interval(_EVERY_S, self._tick)

    def _tick(self) -> None:
        if self.display and self.link.online:
            self.refresh_soon()

    async def load(self) -> None:
        """Ask for the state of the node anew."""
        status = await self.link.call("node.status", s.Nothing(), s.Status)
        report = await self.link.call("node.net", s.Nothing(), s.NetworkReport)
        self.program.know_peers(len(report.peers))
        self.query_one("#facts", Static).update(_facts(status))
        table = self.query_one("#peers", DataTable)
        table.clear()
        for peer in report.peers:
            who = peer.name or ("bootstrap node" if peer.bootstrap else f"{peer.device[:12]}…")
            table.add_row(who, peer.direction, "\n".join(peer.addresses[:1]))
        counters = [f"{name} {count}" for name, count in sorted(report.counters.items()) if count]
        self.query_one("#counters", Static).update(Content.styled("  ·  ".join(counters), MUTED))


def _facts(status: s.Status) -> Content:
    facts = [
        ("You", status.identity.name),
        ("Fingerprint", status.identity.fingerprint),
        ("Network", status.network or "none"),
        ("Listening", "  ".join(one.partition("/p2p/")[0] for one in status.listening) or "nowhere"),
        ("Waiting", f"{status.outbox} not delivered yet" if status.outbox else "nothing: all is delivered"),
        ("Store", f"{status.store_bytes / 1e6:.1f} MB"),
        ("Version", status.version),
    ]
    return words.lines([*(Content.assemble((f"{name:<13}", MUTED), value) for name, value in facts), ""])
