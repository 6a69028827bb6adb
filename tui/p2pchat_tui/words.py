"""How things are put into words and colours on this screen."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from p2pchat_cli.text import lasting, shortened
from textual.content import Content

from p2pchat.api import schema as s

MUTED: Final = "$muted"
_NAME_COLOURS: Final = ("$secondary", "$accent", "$success", "$text-primary", "$text-error")
_STATES: Final = {
    "queued": ("○", MUTED),
    "handed": ("◔", MUTED),
    "delivered": ("✓", "$success"),
    "read": ("✓✓", "$success"),
    "failed": ("✗", "$error"),
}


def name_style(name: str) -> str:
    """The colour of a person: always the same one for the same name."""
    return f"bold {_NAME_COLOURS[sum(name.encode()) % len(_NAME_COLOURS)]}"


def state(message: s.Message) -> Content:
    """How far a message of mine came, in a sign and its word."""
    word, _, count = message.state.partition(" ")
    sign, style = _STATES.get(word, ("", MUTED))
    if not sign:
        return Content("")
    return Content.styled(" ".join(part for part in (sign, word, count) if part), style)


def clock(at_ms: int) -> str:
    """The time of day."""
    return time.strftime("%H:%M", time.localtime(at_ms / 1000))


def day(at_ms: int) -> str:
    """The day, as a separator shows it."""
    return time.strftime("%A %-d %B %Y", time.localtime(at_ms / 1000))


def short_when(at_ms: int) -> str:
    """The time of day if it was today, else the date."""
    then, now = time.localtime(at_ms / 1000), time.localtime()
    if then[:3] == now[:3]:
        return time.strftime("%H:%M", then)
    return time.strftime("%-d %b" if then.tm_year == now.tm_year else "%b %y", then)


def remains(expires_ms: int) -> str:
    """How long a message is still to be seen."""
    return lasting(int(expires_ms / 1000 - time.time()))


def one_line(message: s.Message, letters: int) -> str:
    """A message in one short line, as lists show it."""
    if message.kind == "deleted":
        return "deleted"
    if message.kind in ("iou", "group"):  # in the third person
        return shortened(f"{message.sender} {message.text}", letters)
    return shortened(f"{'You' if message.mine else message.sender}: {message.text}", letters)


def iou_sentence(iou: s.Iou) -> str:
    """Who owes whom, and how much."""
    if iou.reason == "repayment":
        paid = (iou.who, "you") if iou.direction == "i-owe" else ("you", iou.who)
        return f"{paid[0]} paid {paid[1]} back {iou.amount}".replace("you paid", "You paid", 1)
    i_owe = iou.direction == "i-owe"
    if iou.kind == "request":
        return f"{iou.who} asks you for {iou.amount}" if i_owe else f"You ask {iou.who} for {iou.amount}"
    return f"You owe {iou.who} {iou.amount}" if i_owe else f"{iou.who} owes you {iou.amount}"


def amount(balance: s.Balance) -> Content:
    """A balance in the colour of who owes whom."""
    style = "$success" if balance.minor > 0 else "$error" if balance.minor < 0 else MUTED
    return Content.styled(balance.amount, f"bold {style}")


def lines(parts: Iterable[Content | str]) -> Content:
    """The parts below each other."""
    return Content("\n").join(Content(part) if isinstance(part, str) else part for part in parts)
