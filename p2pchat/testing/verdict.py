"""The end of a scenario: all common oracles at once.

O1 same messages, O2 same members, O3 exactly once, O4 all explained   oracles.check
O5 nobody who was no member can open what was said meanwhile           secrets_kept
O6 what went over the network is bounded by what there was to say      frugal
O7 a power cut and a start change nothing                              oracles.restart_changes_nothing
"""

from __future__ import annotations

from collections.abc import Collection

from p2pchat.core.ids import GroupId, PersonId
from p2pchat.core.log.entry import Entry
from p2pchat.node.features.group import group_audit, group_messages, group_views
from p2pchat.store import groups, logs
from p2pchat.testing.oracles import check, opens, restart_changes_nothing, settle
from p2pchat.testing.person import Person
from p2pchat.testing.world import World

PROBED = 30  # messages of a group that outsiders try all their keys on
A_PERSON = 400_000  # bytes that each pair may cost: handshakes, prekeys, cards, rounds
COPIES = 6  # of each entry, for each member, by push, gossip and reconciliation together


async def finish(world: World, *, liars: Collection[Person] = ()) -> None:
    """Let the world come to rest and check everything that must hold, whatever happened before."""
    await settle(world, liars=liars)
    check(world, liars=liars)
    secrets_kept(world)
    frugal(world)
    up = [person for person in world.people if person.is_up and person not in liars]
    # Who is out may get, when he meets somebody again, more of what was written by those who did not know.
    inside = [person for person in up if not person.look(groups.all_in, "removed")]
    await restart_changes_nothing(world, world.chances.choice(inside))
    check(world, liars=liars)


def secrets_kept(world: World) -> None:
    """No key that a person holds opens a message that was not for him, in either direction of time."""
    for insider, group in _groups(world):
        sealed = insider.look(logs.of_kind, group, group_messages.KIND)
        for entry in world.chances.sample(sealed, min(PROBED, len(sealed))):
            if entry.body is None:
                continue
            readers = _readers(insider, group, entry)
            for outsider in world.people:
                if outsider.id not in readers:
                    assert not opens(outsider, entry), f"{outsider} reads {entry.id.text[:8]} of {insider}"


def _readers(insider: Person, group: GroupId, entry: Entry) -> set[PersonId]:
    """Who was a member when it was written, as its author knew, or may read it by the history policy."""
    app, database = insider.app, insider.database
    known = database.read(lambda tx: group_audit.known_view(app, tx, group, entry.id))
    now = database.read(lambda tx: app.groups.view(tx, group))
    since = database.read(
        lambda tx: {person: group_views.reads_from(app, tx, group, person) for person in now.members}
    )
    return known.members.keys() | {
        person for person, lamport in since.items() if entry.header.lamport >= lamport
    }


def frugal(world: World) -> None:
    """Traffic is bounded by a multiple of what was said, and something for each pair of people."""
    logged = sum(_size(insider, group) for insider, group in _groups(world))
    most = COPIES * logged * len(world.people) + A_PERSON * len(world.people) ** 2
    sent = sum(world.net.sent.values())
    assert sent <= most, f"{sent} bytes were sent where {most} are enough: {dict(world.net.sent)}"


def _size(insider: Person, group: GroupId) -> int:
    rows = insider.database.read(
        lambda tx: tx.execute(
            "SELECT sum(length(header) + coalesce(length(body), 0)) FROM entry WHERE conversation = ?",
            (group,),
        )
    )
    size: int = rows[0][0]
    return size


def _groups(world: World) -> list[tuple[Person, GroupId]]:
    """Every group with one who is in it."""
    found: dict[GroupId, Person] = {}
    for person in world.people:
        for membership in person.look(groups.all_in, "joined"):
            found.setdefault(membership.group, person)
    return [(person, group) for group, person in found.items()]
