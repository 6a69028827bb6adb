"""Looking over a group's log: what became of every operation, and whether the whole proves itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from p2pchat.core.group.graph import Act
from p2pchat.core.group.view import GroupView, Verdict, may_post
from p2pchat.core.ids import EntryId, GroupId
from p2pchat.core.log.entry import Entry
from p2pchat.core.log.runs import RunVerifier
from p2pchat.errors import NotFoundError, ProtocolError
from p2pchat.node.features.app import App
from p2pchat.node.features.group.group_cache import GroupCache
from p2pchat.store import logs
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.transaction import Reader

_UNPROVEN = 512  # entries given to the verifier at a time


@dataclass(frozen=True, slots=True)
class Deed:
    """One operation, and whether it counts."""

    act: Act
    stands: bool


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found; with equal `fingerprint` and `view` two members agree."""

    entries: int
    operations: int
    unproven: int  # entries that no good signature covers
    dangling: int  # entries that refer to one that is not there
    forks: list[logs.Fork]  # numbers that a device has used twice
    fingerprint: bytes  # of the log
    view: bytes  # of members and their devices


def deeds(app: App, tx: Reader, group: GroupId) -> list[Deed]:
    """All operations of a group in display order."""
    return [Deed(act, app.groups.stands(tx, group, act.id)) for act in app.groups.acts(tx, group)]


def audit(tx: Reader, group: GroupId) -> Audit:
    """Check a group's log from what is stored alone. Raises NotFoundError before it has begun to arrive."""
    if not logs.operations(tx, group)[0]:
        raise NotFoundError("there is nothing to verify yet: the log has not arrived")
    state = StoredLog(tx, group).state()
    counted = {"entries": 0, "unproven": 0, "dangling": 0}
    for chain in _chains(tx, group):
        verifier, proven = RunVerifier(), 0
        for start in range(0, len(chain), _UNPROVEN):
            try:
                proven += len(verifier.add(chain[start : start + _UNPROVEN]))
            except ProtocolError:
                break
        counted["entries"] += len(chain)
        counted["unproven"] += len(chain) - proven
        counted["dangling"] += sum(
            any(not logs.has(tx, id) for id in entry.header.referred) for entry in chain
        )
    return Audit(
        **counted,
        operations=logs.operations(tx, group)[0],
        forks=logs.equivocations(tx, group),
        fingerprint=state.fingerprint,
        view=GroupCache().view(tx, group).id,
    )


def _chains(tx: Reader, group: GroupId) -> Iterator[list[Entry]]:
    for device in StoredLog(tx, group).heights():
        yield list(logs.of_author_since(tx, group, device, 0))


def known_view(app: App, tx: Reader, group: GroupId, id: EntryId) -> GroupView:
    """The group as the author of a stored entry knew it when he wrote it."""
    entry = logs.get(tx, id)
    assert entry is not None
    return app.groups.view_after(tx, group, app.groups.frontier(tx, group, entry.header.referred))


def verdict(app: App, tx: Reader, group: GroupId, id: EntryId) -> Verdict:
    """What becomes of a stored message, by the membership as it is known now."""
    entry = logs.get(tx, id)
    assert entry is not None
    now = app.groups.view(tx, group)
    return may_post(known_view(app, tx, group, id), now, entry.header.device, entry.header.seq)
