"""What the person has to decide about in this chat: IOUs to accept and requests to sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message as Notice
from textual.widgets import Button, Static

from p2pchat.api import schema as s
from p2pchat_tui import words

_SHOWN = 2  # lines; the money screen shows all


class Decision(Horizontal):
    """One of them, with two buttons."""

    def __init__(self, iou: s.Iou) -> None:
        super().__init__(classes="decision")
        self.iou = iou

    def compose(self) -> ComposeResult:
        """What it is, yes and no."""
        verb = "Sign" if self.iou.kind == "request" else "Accept"
        note = f"  {self.iou.note}" if self.iou.note else ""
        yield Static(
            Content.assemble(("€ ", "bold $accent"), words.iou_sentence(self.iou), (note, words.MUTED))
        )
        yield Button(verb, classes="yes", variant="success", compact=True)
        yield Button("Decline", classes="no", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Tell what was decided."""
        event.stop()
        self.post_message(Decisions.Decided(self.iou, event.button.has_class("yes")))


class Decisions(Vertical):
    """The newest few of them."""

    @dataclass
    class Decided(Notice):
        """The person said yes or no."""

        iou: s.Iou
        yes: bool

    def __init__(self) -> None:
        super().__init__(id="decisions")
        self._shown: list[s.Iou] = []

    def show(self, ious: Sequence[s.Iou]) -> None:
        """Show these."""
        shown = list(ious[:_SHOWN])
        if shown == self._shown:
            return
        self._shown = shown
        self.display = bool(shown)
        self.remove_children()
        self.mount_all(Decision(one) for one in shown)
