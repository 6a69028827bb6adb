"""IOUs as lines for a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from p2pchat.api import schema as s
from p2pchat_cli.message_lines import SHORT_ID
from p2pchat_cli.style import accent, bad, bold, dim, good
from p2pchat_cli.text import ago, columns

_OVER: Final = frozenset({"void", "withdrawn", "declined"})  # states of what never counts


def iou_lines(ious: Iterable[s.Iou]) -> list[str]:
    """One line for each, those that wait for the person marked with an exclamation mark."""
    return columns([_row(iou) for iou in ious])


def _row(iou: s.Iou) -> tuple[str, ...]:
    mark = "?" if iou.same_as else "!" if iou.mine_to_decide else " "
    over = iou.state in _OVER
    return (
        bold(mark),
        dim(iou.id[:SHORT_ID]),
        _who(iou),
        dim(iou.amount) if over else bold(iou.amount),
        good(iou.state) if iou.state == "binding" else dim(iou.state) if over else iou.state,
        dim(ago(iou.at_ms)),
        "  ".join(part for part in _beside(iou) if part),
    )


def _beside(iou: s.Iou) -> tuple[str, ...]:
    return (
        iou.note,
        f"({iou.foreign})" if iou.foreign else "",
        dim(f"due {iou.due}") if iou.due else "",
        dim(" ".join(f"[{name}]" for name in iou.files)),
        bad("disputed") if iou.disputed else "",
    )


def _who(iou: s.Iou) -> str:
    who = accent(iou.who)
    if iou.reason == "repayment":
        return f"{who} paid you back" if iou.direction == "i-owe" else f"you paid {who} back"
    return f"you owe {who}" if iou.direction == "i-owe" else f"{who} owes you"
