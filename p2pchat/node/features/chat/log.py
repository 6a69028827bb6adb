"""Taking entries of others into a log: placed, kept until their predecessors come, or refused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from p2pchat.core.ids import ConversationId, EntryId
from p2pchat.core.log.chain import Fits, Known, Missing, place
from p2pchat.core.log.entry import Entry, author
from p2pchat.core.log.equivocation import EquivocationProof
from p2pchat.errors import ProtocolError
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats
from p2pchat.store import events, logs, messages, people
from p2pchat.store.tail import Tail
from p2pchat.store.transaction import Transaction

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 512  # entries of one device that wait for others; more come again by reconciliation
MAX_WAITING_IN_ALL: Final = 4096  # of one conversation: devices can be made up


def compose(
    app: App,
    tx: Transaction,
    conversation: ConversationId,
    kind: str,
    body: bytes,
    *,
    first: Sequence[EntryId] = (),
) -> Entry:
    """An entry of mine at the end of a log; the caller stores it in the same transaction.

    If there are more heads than it can refer to, `first` are referred to before others.
    """
    tail = Tail.of(tx, conversation)
    heads, lamport = tail.heads()
    return author(
        app.key,
        conversation,
        chain=tail.chain_head(app.device),
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
    tail = Tail.of(tx, entry.conversation)
    while ready:
        current = ready.pop()
        try:
            if not _keep(app, tx, current, tail, store, wait):
                continue
        except ProtocolError:
            if tail.has_waiting:
                logs.stop_waiting(tx, current.id)
            messages.forget(tx, current.id)  # it may have been shown while it waited
            if current is entry:
                raise
            continue
        stored += 1
        if tail.has_waiting:
            ready += logs.waiting_for(tx, current.id)
    return stored


def _keep(
    app: App,
    tx: Transaction,
    entry: Entry,
    tail: Tail,
    store: Callable[[Entry], None],
    wait: Callable[[Entry], None],
) -> bool:
    match place(entry, tail):
        case Known():
            if tail.has_waiting:
                logs.stop_waiting(tx, entry.id)
            return False
        case Missing(ids):
            of_device, in_all = logs.count_waiting(tx, entry.conversation, entry.header.device)
            if of_device < MAX_WAITING and in_all < MAX_WAITING_IN_ALL:
                logs.wait(tx, entry, min(ids), app.now_ms())
                wait(entry)
            return False
        case Fits(rivals):
            if tail.has_waiting:
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
    known = people.device(tx, header.device)
    if known is not None:
        words = "signed two different entries with one number: the proof is kept"
        chats.remark(app, tx, entry.conversation, known.person, header.device, header.seq, words)
