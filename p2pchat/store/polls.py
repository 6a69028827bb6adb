"""Polls and the votes in them. Which votes count follows from their order alone, whatever came first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from p2pchat.core.content import Poll
from p2pchat.core.ids import EntryId, PersonId
from p2pchat.core.log.entry import Entry
from p2pchat.store.transaction import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was chosen so far."""

    votes: Mapping[PersonId, tuple[int, ...]]  # numbers of options from 0
    is_closed: bool


def add(tx: Transaction, message: EntryId, poll: Poll) -> None:
    """A poll is shown as `message`."""
    tx.execute(
        "INSERT OR REPLACE INTO poll VALUES (?, ?, ?, ?)",
        (message, poll.question, json.dumps(poll.options), poll.multiple),
    )


def get(tx: Reader, message: EntryId) -> Poll | None:
    """The poll that is shown as `message`, or None."""
    row = tx.one("SELECT question, options, multiple FROM poll WHERE message = ?", (message,))
    return Poll(row[0], tuple(json.loads(row[1])), bool(row[2])) if row else None


def note(
    tx: Transaction, poll: EntryId, entry: Entry, person: PersonId, choices: tuple[int, ...] | None
) -> None:
    """`entry` of `person` is a vote, or (None) closes the poll."""
    tx.execute(
        "INSERT OR IGNORE INTO vote VALUES (?, ?, ?, ?, ?)",
        (entry.id, poll, person, entry.header.lamport, None if choices is None else bytes(choices)),
    )


def outcome(tx: Reader, message: EntryId, poll: Poll, asker: PersonId) -> Outcome:
    """Everybody's last choice before the poll was closed by its asker; impossible ones do not count."""
    votes: dict[PersonId, tuple[int, ...]] = {}
    for person, choices in tx.execute(
        "SELECT person, choices FROM vote WHERE poll = ? ORDER BY lamport, entry", (message,)
    ):
        if choices is None:
            if person == asker:
                return Outcome(votes, True)
            continue
        if all(choice < len(poll.options) for choice in choices) and (poll.multiple or len(choices) <= 1):
            votes[PersonId(person)] = tuple(choices)
    return Outcome(votes, False)


def forget(tx: Transaction, message: EntryId) -> None:
    """The poll was deleted."""
    tx.execute("DELETE FROM poll WHERE message = ?", (message,))
    tx.execute("DELETE FROM vote WHERE poll = ?", (message,))
