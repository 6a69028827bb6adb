"""My part in groups: invited, joined, left."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.ids import GroupId, PersonId
from p2pchat.store.transaction import Reader, Row, Transaction

_COLUMNS = "conversation, name, state, secret, genesis, invited_by"


@dataclass(frozen=True, slots=True)
class Membership:
    """A group and my part in it."""

    group: GroupId
    name: str
    state: str  # invited | joined | left | removed | declined
    secret: bytes
    genesis: bytes
    invited_by: PersonId | None


def put(tx: Transaction, membership: Membership) -> None:
    """Add a group, or replace what is known of it."""
    tx.execute(
        f"INSERT OR REPLACE INTO membership ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
        (
            membership.group,
            membership.name,
            membership.state,
            membership.secret,
            membership.genesis,
            membership.invited_by,
        ),
    )


def get(tx: Reader, group: GroupId) -> Membership | None:
    """My part in `group`, or None."""

    def load() -> Membership | None:
        row = tx.one(f"SELECT {_COLUMNS} FROM membership WHERE conversation = ?", (group,))
        return _membership(row) if row else None

    return tx.remembered("membership", group, load)


def all_in(tx: Reader, *states: str) -> list[Membership]:
    """The groups in which my part is one of `states` (all, if none is named), by name."""

    def load() -> list[Membership]:
        rows = tx.execute(f"SELECT {_COLUMNS} FROM membership ORDER BY name, conversation")
        return [_membership(row) for row in rows]

    every = tx.remembered("membership", b"all", load)
    return [one for one in every if not states or one.state in states]


def set_state(tx: Transaction, group: GroupId, state: str) -> None:
    """My part in a group has changed."""
    tx.execute("UPDATE membership SET state = ? WHERE conversation = ?", (state, group))


def set_name(tx: Transaction, group: GroupId, name: str) -> None:
    """The group is called something else."""
    tx.execute("UPDATE membership SET name = ? WHERE conversation = ?", (name, group))


def _membership(row: Row) -> Membership:
    group, name, state, secret, genesis, invited_by = row
    return Membership(
        GroupId(group), name, state, secret, genesis, PersonId(invited_by) if invited_by else None
    )
