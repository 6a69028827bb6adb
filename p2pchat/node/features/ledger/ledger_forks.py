"""Devices that signed two ledger entries with one number: the proof is kept, sent to the other, and shown.

Both entries count against the one who signed them, so nobody gains by it; but a device that does so is
hostile, stolen, or a copy. The proof says so to anybody, and goes by itself to nobody but the two.
"""

from __future__ import annotations

import logging

from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item
from p2pchat.core.ids import AccountId, PersonId
from p2pchat.core.ledger import bundle, statement
from p2pchat.core.ledger.bundle import BundleKind
from p2pchat.core.ledger.entry import LedgerEntry, verify
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.verify import verify_bundle
from p2pchat.errors import ProtocolError
from p2pchat.node.effects import Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import ledger_devices
from p2pchat.store import events, outbox, people, recoveries
from p2pchat.store.transaction import Transaction

logger = logging.getLogger(__name__)


def notice(app: App, tx: Transaction, state: AccountState, person: PersonId) -> None:
    """Keep the proof of each fork in the account with `person` that is new, and send it to him."""
    for proof in state.equivocations():
        certificates = ledger_devices.certificates(app, tx, person)
        data = statement.equivocation(state.account, certificates, proof)
        if not _keep(app, tx, state.account.id, proof.first.entry, data):
            continue
        for device in people.devices(tx, person):
            outbox.put(tx, device.id, Item(items.LEDGER_FORK, data))
            tx.effects.append(Wake(device.id))


def take(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A contact shows that a device of his or mine forked its chain in our account.

    Raises:
        ProtocolError: it proves no such thing.
    """
    report = verify_bundle(payload)
    if report.kind is not BundleKind.EQUIVOCATION:
        raise ProtocolError("a proof of something else than a fork")
    if {report.account.low, report.account.high} != {app.person, sender.person}:
        raise ProtocolError("a fork in an account of others")
    raw, signature = bundle.decode(payload).entries[0]
    _keep(app, tx, report.account.id, verify(raw, signature).entry, payload)


def _keep(app: App, tx: Transaction, account: AccountId, entry: LedgerEntry, proof: bytes) -> bool:
    found = recoveries.Fork(account, entry.device, entry.epoch, proof, app.now_ms())
    if not recoveries.add_fork(tx, found):
        return False
    device = people.device(tx, entry.device)
    owner = app.person if device is None else device.person
    known = people.person(tx, owner)
    who = known.petname if known else "me"
    logger.warning("A device of %s signed two ledger entries with the number %d.", who, entry.seq)
    data = {"who": who, "device": entry.device.text, "seq": entry.seq}
    events.record(tx, "ledger.equivocation", data, app.now_ms())
    return True
