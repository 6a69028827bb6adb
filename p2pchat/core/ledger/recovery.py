"""Living again after a restore: notice the rollback, stop writing, close the lost chains, go on.

An old backup knows less than the person already signed. Writing on from there would fork the chain,
and an acceptance still under way could come on top of new ones. So a device keeps an `Anchor` outside
the database, and on any doubt starts a new epoch in which it writes nothing that binds until

1. it holds everything that the other side holds, and
2. the other side has agreed to a closure for each of its old epochs, or for the device that it replaces.

State table: docs/protocol/ledger.md, section 6.
"""

from __future__ import annotations

from typing import Final

import msgspec

from p2pchat.core.ids import DeviceId, LedgerEntryId
from p2pchat.core.ledger import agreements
from p2pchat.core.ledger.details import Closure
from p2pchat.core.ledger.entry import Kind
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.writer import Draft, WriterHead
from p2pchat.errors import NotAllowedError

_BINDING: Final = frozenset({Kind.CONCEDE, Kind.ACCEPT, Kind.PREIMAGE})


class Anchor(msgspec.Struct, frozen=True):
    """What a device remembers of its own writing, outside the database and outside its backups.

    `epochs` holds every epoch it ever wrote in for this account, the present one last; `seq` and
    `head` are the end of that one. Write it after the entry's commit and before the entry is sent, and
    when the database is opened and `is_rolled_back` says no: a crash may have come in between.
    """

    epochs: tuple[bytes, ...]
    seq: int
    head: bytes

    @classmethod
    def of(cls, head: WriterHead, before: Anchor | None = None) -> Anchor:
        """The anchor for `head`, which continues from `before`."""
        older = tuple(epoch for epoch in (before.epochs if before is not None else ()) if epoch != head.epoch)
        return cls((*older, head.epoch), head.seq, head.prev)


class Recovery(msgspec.Struct, frozen=True):
    """A device that has to settle its past before it binds itself again.

    It writes in `epoch`; `lost` are older epochs that the anchor or the database remember. `replaced`
    are devices of the same person that are gone: nothing of them may count but what both know now.
    `awaited` are the heads that the other side said it holds, None until it said so.
    """

    device: DeviceId
    epoch: bytes
    lost: tuple[bytes, ...] = ()
    awaited: tuple[LedgerEntryId, ...] | None = None
    replaced: tuple[DeviceId, ...] = ()


def is_rolled_back(state: AccountState, device: DeviceId, head: WriterHead, anchor: Anchor | None) -> bool:
    """Whether the database forgot something that this device has written.

    `head` is the end of the own chain according to the database. True as well if anybody delivered an
    entry of this device and epoch that the database did not have: then a clone of it is at work.
    """
    own = [end for end in state.heads() if end.writer == (device, head.epoch)]
    if any(end.id != head.prev for end in own):
        return True
    if anchor is None:
        return False
    if anchor.epochs[-1] != head.epoch:
        return True
    return anchor.seq > 0 and all(signed.id != anchor.head for signed in state.chains.ancestors(head.prev))


def begin(device: DeviceId, epoch: bytes, anchor: Anchor | None, head: WriterHead | None) -> Recovery:
    """The recovery of `device`, which starts over in the fresh `epoch`.

    `head` is the end of the own chain according to the database, if it knows one. Store the recovery
    with `WriterHead.start(account, epoch)`, and keep it until `is_settled`.
    """
    lost = set(anchor.epochs if anchor is not None else ())
    lost.update(() if head is None else (head.epoch,))
    return Recovery(device, epoch, tuple(sorted(lost)))


def hear_heads(recovery: Recovery, heads: tuple[LedgerEntryId, ...]) -> Recovery:
    """The recovery after the other side said which heads it holds; all of them have to come in."""
    return msgspec.structs.replace(recovery, awaited=heads)


def is_synced(recovery: Recovery, state: AccountState) -> bool:
    """Whether everything that the other side holds has come in."""
    return recovery.awaited is not None and all(head in state.chains.entries for head in recovery.awaited)


def open_writers(recovery: Recovery, state: AccountState) -> list[tuple[DeviceId, bytes | None]]:
    """What is not closed yet: old epochs of the device as far as anybody remembers, and replaced devices."""
    known = {head.writer.epoch for head in state.heads() if head.writer.device == recovery.device}
    known.update(recovery.lost)
    epochs = sorted(known - {recovery.epoch})
    scopes: list[tuple[DeviceId, bytes | None]] = [(device, None) for device in recovery.replaced]
    scopes += [(recovery.device, epoch) for epoch in epochs]
    return [(device, epoch) for device, epoch in scopes if not state.is_closed(device, epoch)]


def closures_to_propose(recovery: Recovery, state: AccountState) -> list[Draft]:
    """The closures that are missing and not proposed yet as the chains stand now."""
    if not is_synced(recovery, state):
        return []
    drafts = [
        agreements.propose_closure(state, device, epoch) for device, epoch in open_writers(recovery, state)
    ]
    return [draft for draft in drafts if not _is_proposed(state, draft)]


def is_settled(recovery: Recovery, state: AccountState) -> bool:
    """Whether the device may bind itself again: synced, and every old epoch is closed by both."""
    return is_synced(recovery, state) and not open_writers(recovery, state)


def check_allowed(recovery: Recovery | None, state: AccountState, draft: Draft) -> None:
    """Return if `draft` may be written now; call it before every `write`.

    While recovering, a device may agree to a closure of the other side: both may have been restored.

    Raises:
        NotAllowedError: it would bind somebody while the device is recovering.
    """
    if recovery is None or draft.kind not in _BINDING:
        return
    target = None if draft.ref is None else state.find(draft.ref)
    if draft.kind is Kind.ACCEPT and target is not None and target.entry.kind is Kind.CLOSURE:
        return
    raise NotAllowedError(
        "This device was restored: it waits for the other side to confirm where the account stands"
    )


def _is_proposed(state: AccountState, draft: Draft) -> bool:
    assert isinstance(draft.details, Closure)
    return any(
        signed.entry.details == draft.details
        for signed in state.chains.entries.values()
        if signed.entry.kind is Kind.CLOSURE
    )
