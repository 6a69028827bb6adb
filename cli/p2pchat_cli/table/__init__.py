"""The vocabulary: every command with what it does and an example of it.

Only names stand here, so that `p2pchat --help` and each command load no more than they need. The
target "money:pay" is the function `pay` of p2pchat_cli/commands/money.py, whose parameters are the
command's arguments and options.
"""

from __future__ import annotations

from typing import Final

from p2pchat_cli.table.entry import Command, Group
from p2pchat_cli.table.groups import GROUPS, POLLS
from p2pchat_cli.table.messages import MESSAGES
from p2pchat_cli.table.money import CIRCLES, LEDGER, MONEY
from p2pchat_cli.table.node import NODE
from p2pchat_cli.table.people import PEOPLE
from p2pchat_cli.table.scripts import SCRIPTS

__all__ = ["SECTIONS", "Command", "Group", "spelled"]

SECTIONS: Final[dict[str, dict[str, Command | Group]]] = {
    "Your node": NODE,
    "People": PEOPLE,
    "Messages": MESSAGES,
    "Groups": GROUPS | POLLS,
    "Money": MONEY | CIRCLES | LEDGER,
    "Scripts": SCRIPTS,
}

_PAY: Final[dict[str, tuple[str, ...]]] = {
    "request": ("request",),
    "accept": ("iou", "accept"),
    "settle": ("settle",),
    "balance": ("balance",),
    "history": ("ledger", "history"),
    "split": ("split",),
}


def spelled(words: list[str]) -> list[str]:
    """`words` of a command line by the names of this table, where they put all about money behind `pay`."""
    if words[:1] == ["pay"] and len(words) > 1 and words[1] in _PAY:
        return [*_PAY[words[1]], *words[2:]]
    return words
