"""Keeps the common purse of a group: p2pchat bot run examples/expense_bot.py

Give the bot a profile of its own and invite it to your group. Anybody may write

    paid 84.00 EUR dinner       the sum is shared by all members but the bot
    purse                       who is ahead and who behind, and the fewest payments that settle it

The purse is computed from the messages of the group, so that what is edited or deleted counts as it
stands, and nothing is lost when the bot is away. It binds nobody: IOUs do that (`p2pchat pay`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from p2pchat.api.schema import Group, Message
from p2pchat.bots import Bot

PAID = re.compile(r"paid\s+(\d{1,9})(?:[.,](\d{2}))?\s*(\S{1,10})(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)

bot = Bot()


@bot.on_message
def keep(message: Message) -> None:
    """Confirm a payment, or show the purse."""
    if not message.chat.startswith("#"):
        bot.reply(message, "Invite me to a group. There I understand: paid 84.00 EUR dinner, and: purse")
    elif message.text.strip().lower() == "purse":
        bot.send(message.chat, "\n".join(purse(bot.history(message.chat), members(message.chat))))
    elif PAID.fullmatch(message.text.strip()):
        bot.react(message, "🧾")


def members(chat: str) -> list[str]:
    """Everybody in the group but the bot, by name."""
    group: Group = bot.call("group.show", group=chat)
    return sorted(one.name for one in group.members if not one.me)


def purse(messages: Iterable[Message], people: Sequence[str]) -> list[str]:
    """What has been paid, as lines: the standing of each person and the payments that settle it."""
    standings: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(people, 0))
    for index, message in enumerate(messages):
        found = PAID.fullmatch(message.text.strip()) if message.kind == "text" else None
        if found and message.sender in people:
            cents = int(found[1]) * 100 + int(found[2] or 0)
            standing = standings[found[3].upper()]
            standing[message.sender] += cents
            for person, part in shares(cents, people, index).items():
                standing[person] -= part
    lines = [line for unit, standing in standings.items() for line in told(unit, standing)]
    return lines or ["Nobody has paid anything yet."]


def shares(cents: int, people: Sequence[str], turn: int) -> dict[str, int]:
    """Equal parts that add up exactly; who bears the odd cents changes from bill to bill."""
    part, odd = divmod(cents, len(people))
    return {one: part + ((index + turn) % len(people) < odd) for index, one in enumerate(people)}


def told(unit: str, standing: dict[str, int]) -> list[str]:
    """The lines about one unit."""
    lines = [
        f"{person} {'+' if cents > 0 else ''}{written(cents, unit)}" for person, cents in standing.items()
    ]
    return [*lines, *(f"{owes} → {due}: {written(cents, unit)}" for owes, due, cents in payments(standing))]


def payments(standing: dict[str, int]) -> list[tuple[str, str, int]]:
    """Who pays whom how much, so that all are even: the largest debt to the largest claim first."""
    rest, found = dict(standing), []
    while any(rest.values()):
        due, owes = max(rest, key=lambda one: rest[one]), min(rest, key=lambda one: rest[one])
        cents = min(rest[due], -rest[owes])
        found.append((owes, due, cents))
        rest[due] -= cents
        rest[owes] += cents
    return found


def written(cents: int, unit: str) -> str:
    """Such as -12.50 EUR."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d} {unit}"


if __name__ == "__main__":
    bot.run()
