"""Taking entries of others into a log: placed, kept until their predecessors come, or refused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from p2pchat.core.ids import ConversationId, DeviceId, EntryId
from p2pchat.core.log.chain import Fits, Known, Missing, Place, Stored, place
from p2pchat.core.log.entry import Entry, author
from p2pchat.core.log.equivocation import EquivocationProof
from p2pchat.errors import ProtocolError
from p2pchat.node.features.app import App
from p2pchat.store import events, logs, messages
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 512  # entries of one device that wait for others; more come again by reconciliation
MAX_WAITING_IN_ALL: Final = 4096  # of one conversation: devices can be made up


@dataclass(frozen=True, slots=True)
class _Log:
    """One conversation's log in the store, as `core.log.chain` looks things up in it."""

    tx: Reader
    conversation: ConversationId

    def stored(self, id: EntryId) -> Stored | None:
        return logs.stored(self.tx, self.conversation, id)

    def numbered(self, device: DeviceId, seq: int) -> Sequence[EntryId]:
        return logs.numbered(self.tx, self.conversation, device, seq)


def compose(
    app: App,
    tx: Reader,
    conversation: ConversationId,
    kind: str,
    body: bytes,
    *,
    first: Sequence[EntryId] = (),
) -> Entry:
    """An entry of mine at the end of a log; the caller stores it in the same transaction.

    If there are more heads than it can refer to, `first` are referred to before others.
    """
    heads, lamport = logs.heads(tx, conversation)
    return author(
        app.key,
        conversation,
        chain=logs.chain_head(tx, conversation, app.device),
        heads=tuple(dict.fromkeys((*first, *heads))),
        lamport=lamport,
        sent_ms=app.now_ms(),
        kind=kind,
        body=body,
    )


def take(
    app: App,
    tx: Transaction,
    entry: Entry,
    store: Callable[[Entry], None],
    wait: Callable[[Entry], None] = lambda entry: None,
) -> int:
    """Take a verified entry of somebody else, and those that waited for it; how many were stored.

    `store` is called for each in causal order, to append it; it may refuse one with ProtocolError. An
    entry whose predecessors are missing is kept, within bounds; `wait` is called for it.

    Raises:
        ProtocolError: it breaks a rule of the log and never fits.
    """
    ready, stored = [entry], 0
    while ready:
        current = ready.pop()
        try:
            if not _keep(app, tx, current, place(current, _Log(tx, current.conversation)), store, wait):
                continue
        except ProtocolError:
            logs.stop_waiting(tx, current.id)
            messages.forget(tx, current.id)  # it may have been shown while it waited
            if current is entry:
                raise
            continue
        stored += 1
        ready += logs.waiting_for(tx, current.id)
    return stored


def _keep(
    app: App,
    tx: Transaction,
    entry: Entry,
    where: Place,
    store: Callable[[Entry], None],
    wait: Callable[[Entry], None],
) -> bool:
    match where:
        case Known():
            logs.stop_waiting(tx, entry.id)
            return False
        case Missing(ids):
            of_device, in_all = logs.count_waiting(tx, entry.conversation, entry.header.device)
            if of_device < MAX_WAITING and in_all < MAX_WAITING_IN_ALL:
                logs.wait(tx, entry, min(ids), app.now_ms())
                wait(entry)
            return False
        case Fits(rivals):
            logs.stop_waiting(tx, entry.id)
            store(entry)
            for rival in rivals:
                _accuse(app, tx, entry, rival)
            return True


def _accuse(app: App, tx: Transaction, entry: Entry, rival: EntryId) -> None:
    header = entry.header
    try:
        proof = EquivocationProof.of(logs.run_from(tx, entry.id), logs.run_from(tx, rival))
    except ProtocolError:  # a carrier spoilt a signature that a later one of the chain covers: no proof yet
        return
    logs.add_equivocation(tx, entry.conversation, header.device, header.seq, proof.encode())
    logger.warning("%s signed two entries with the number %d.", header.device.short, header.seq)
    events.record(
        tx,
        "log.equivocation",
        {"conversation": entry.conversation.text, "device": header.device.text, "seq": header.seq},
        app.now_ms(),
    )
