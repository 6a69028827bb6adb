"""What the screens and dialogs share: the way to the node, what is known of it, and how things are told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from p2pchat_cli.text import as_sentence, harmless
from textual.app import App
from textual.content import Content
from textual.css.query import NoMatches
from textual.widget import MountError

from p2pchat.api import schema as s
from p2pchat.errors import NetworkError, P2PChatError
from p2pchat_tui import words
from p2pchat_tui.dialogs import Form
from p2pchat_tui.link import NodeLink
from p2pchat_tui.top_bar import TopBar
from p2pchat_tui.words import MUTED


class Program(App[None]):
    """The app as its screens see it; `app.P2PChatApp` puts the screens into it."""

    def __init__(self, socket: Path) -> None:
        super().__init__()
        self.link = NodeLink(socket)
        self.my_name = ""
        self._contacts: dict[str, s.Contact] = {}
        self._groups: dict[str, s.Group] = {}
        self._balances: dict[str, list[s.Balance]] = {}
        self._peers: int | None = None

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What the node refuses is told in a corner of the screen."""
        try:
            yield
        except P2PChatError as error:
            self.notify(
                as_sentence(harmless(str(error))), severity="error", title="", markup=False, timeout=6
            )
        except (NoMatches, MountError):
            if self.is_running:
                raise  # else the answer came when the person had left

    @contextmanager
    def refreshing(self) -> Iterator[None]:
        """A screen that cannot be refreshed since the node is away stays as it is."""
        with self.telling(), suppress(NetworkError):
            yield

    async def ask(self, form: Form) -> dict[str, str] | None:
        """What the person filled in; None if they thought better of it."""
        filled = await self.push_screen_wait(form)
        return filled if isinstance(filled, dict) else None

    # --- what the screens know together -------------------------------------------------------

    def badge(self, pane: str, count: int) -> None:
        """How much waits on a screen."""
        self.query_one(TopBar).badge(pane, count)

    def know(self, contacts: Sequence[s.Contact], groups: Sequence[s.Group]) -> None:
        """Who is there."""
        self._contacts = {f"@{one.name}": one for one in contacts}
        self._groups = {f"#{one.name}": one for one in groups}
        self.draw_chats()

    def know_balances(self, balances: Sequence[s.Balance]) -> None:
        """Who owes whom."""
        self._balances = {}
        for one in balances:
            self._balances.setdefault(f"@{one.who}", []).append(one)
        self.draw_chats()

    def know_peers(self, count: int) -> None:
        """To how many devices the node is connected."""
        self._peers = count
        self.draw_state()

    def standing(self, chat: str) -> Content:
        """What is to know about a chat beside its name."""
        if group := self._groups.get(chat):
            return Content.styled(f"  {len(group.members)} members", MUTED)
        contact = self._contacts.get(chat)
        if contact is None:
            return Content("")
        parts = [("  ✓ verified", "$success") if contact.verified else ("  not verified", MUTED)]
        parts.append(("  ● here", "$success") if contact.connected else ("  ● away", MUTED))
        money = [
            Content.assemble("  ", words.amount(one)) for one in self._balances.get(chat, []) if one.minor
        ]
        if contact.undecided:
            parts = [("  ! new device: compare the safety number (^o)", "$error")]
        return Content.assemble(*parts, *money)

    def draw_state(self) -> None:
        """Show whether the node is there."""
        self.query_one(TopBar).state(online=self.link.online, peers=self._peers)

    # --- what leads from one screen to another ------------------------------------------------

    def draw_chats(self) -> None:
        """Draw the chats anew: something that is told beside their names has changed."""
        raise NotImplementedError

    def write_to(self, chat: str) -> None:
        """Open a chat by its name."""
        raise NotImplementedError

    def show_account(self, who: str) -> None:
        """Show what stands between a contact and the person."""
        raise NotImplementedError

    def show_details(self, chat: str, exact: str) -> object:
        """Show who somebody is, or who is in a group; `exact` is how the node is asked for it."""
        raise NotImplementedError
