"""One IOU: what it is about, each signed step, and what the balance was before and after."""

from __future__ import annotations

from collections.abc import Sequence

from p2pchat_cli.text import ago
from rich.cells import set_cell_size
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from p2pchat.api import schema as s
from p2pchat_tui import words
from p2pchat_tui.dialogs import Dialog
from p2pchat_tui.words import MUTED

_ACTIONS = {"accept": "Accept", "reject": "Decline", "dispute": "Dispute", "remind": "Remind"}


class IouDialog(Dialog):
    """Gives the name of what is to be done: accept, reject, dispute, remind."""

    def __init__(self, story: s.IouStory, register: s.Register | None) -> None:
        super().__init__(words.iou_sentence(story.iou))
        self._iou = story.iou
        self._steps = story.steps
        self._register = register

    def body(self) -> ComposeResult:
        """Facts, the steps, the account, buttons."""
        yield Static(words.lines(_facts(self._iou)), classes="prose")
        with VerticalScroll(classes="reading", can_focus=True):
            yield Static(words.lines([*_signed(self._steps), "", *_account(self._register, self._iou.id)]))
        with Horizontal(classes="buttons"):
            for name in _possible(self._iou):
                yield Button(_ACTIONS[name], name=name, compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Chosen."""
        self.dismiss(event.button.name)


def _possible(iou: s.Iou) -> Sequence[str]:
    if iou.mine_to_decide:
        return ("accept", "reject")
    if iou.state != "binding" or iou.kind != "iou":
        return ()
    return ("dispute",) if iou.direction == "i-owe" else ("remind", "dispute")


def _facts(iou: s.Iou) -> list[Content | str]:
    facts = [
        ("what for", iou.note),
        ("state", f"{iou.state}, disputed" if iou.disputed else iou.state),
        ("when", ago(iou.at_ms)),
        ("due", iou.due or ""),
        ("came from", iou.foreign or ""),
        ("category", iou.category),
        ("papers", ", ".join(iou.files)),
        ("perhaps the same as", (iou.same_as or "")[:8]),
        ("id", iou.id[:16]),
    ]
    return [Content.assemble((f"{name:<12}", MUTED), value) for name, value in facts if value]


def _signed(steps: Sequence[s.IouStep]) -> list[Content | str]:
    """Who signed what about it, the oldest first."""
    rows = [
        Content.assemble(
            (f"  {words.short_when(one.at_ms):<7}", MUTED),
            (one.who, "bold"),
            f" {one.text}",
        )
        for one in steps
    ]
    return [Content.styled("Signed", "bold"), *rows]


def _account(register: s.Register | None, id: str) -> list[Content | str]:
    """The lines of the account, the newest first, with the balance after each."""
    if register is None:
        return ["No account yet."]
    head = Content.styled(f"Account with {register.who} in {register.unit}", "bold")
    return [head, *(_line(one, register, one.id == id) for one in reversed(register.lines))]


def _line(one: s.RegisterLine, register: s.Register, is_it: bool) -> Content:
    balance = f"{one.balance / 10**register.scale:+.{register.scale}f}" if one.counts else "–"
    style = "bold" if is_it else "" if one.counts else MUTED
    return Content.assemble(
        ("▸ " if is_it else "  ", "$accent"),
        (f"{words.short_when(one.at_ms):<7}", MUTED),
        (f"{one.amount:>14}  ", style),
        (f"{balance:>10}  ", "$success" if one.balance > 0 else "$error" if one.balance < 0 else MUTED),
        (set_cell_size(one.note or one.status, 22), style or MUTED),
    )
