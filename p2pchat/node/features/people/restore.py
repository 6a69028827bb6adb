"""What a backup becomes when it is restored: the same person on a device that begins now.

The lost device may have written more than the backup knows. A second life of it would number new entries
like those, and fork every log and every account. So the restored store gets a new device with new keys,
chains and ledger epochs; the old one stays known as the author of what it wrote, and is revoked by the
new card, which goes to all contacts and groups before anything else.
"""

from __future__ import annotations

from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item
from p2pchat.core.ledger.details import EPOCH_SIZE
from p2pchat.core.ledger.writer import WriterHead
from p2pchat.core.ratchet.sender_keys import InboundGroupSession
from p2pchat.node.features.app import App
from p2pchat.node.features.group import groups
from p2pchat.node.features.ledger import recovering
from p2pchat.node.features.people import contacts, lost_log
from p2pchat.store import groups as group_rows
from p2pchat.store import ledger, outbox, people, scheduled, sessions
from p2pchat.store.transaction import Reader, Transaction


def begin_anew(old: App, tx: Transaction) -> App:
    """Make the store that of a new device of its person, in place of the device `old`."""
    new = old.on_new_device(tx)
    certificate = old.certificate
    people.set_certificate(
        tx, old.device, old.person, certificate.encode(), certificate.olm_identity, standing="revoked"
    )
    sessions.drop_own(tx)
    for session, group, author, state in sessions.all_inbound(tx):
        opened = InboundGroupSession.from_bytes(state, old.pickle_key)
        sessions.put_inbound(tx, session, group, author, opened.to_bytes(new.pickle_key))
    for account in ledger.accounts(tx):
        _start_chain(new, tx, account)
    outbox.unseal_all(tx)
    scheduled.refuse_all(tx, "the backup does not know whether it was sent already")
    _announce(new, tx)
    for membership in group_rows.all_in(tx, "joined"):
        groups.announce_device(new, tx, membership, old.device)
    return new


def has_forgotten(app: App, tx: Reader) -> bool:
    """Whether the store is older than what this device has signed: it was put back from a copy."""
    last = app.last_remembered()
    return last is not None and ledger.get(tx, last) is None


def _start_chain(app: App, tx: Transaction, account: ledger.StoredAccount) -> None:
    head = WriterHead.start(account.id, app.entropy(EPOCH_SIZE))
    ledger.put_account(
        tx,
        ledger.StoredAccount(
            account.id, account.person, account.unit, head.epoch, head.seq, head.prev, head.created_ms
        ),
    )


def _announce(app: App, tx: Transaction) -> None:
    """Let the new card reach everybody before whatever waits for him."""
    card = app.card(tx)
    for person in people.persons(tx, "accepted"):
        recovering.begin(tx, person.id)
        for device in people.devices(tx, person.id):
            if outbox.holds(tx, device.id, items.ACCEPT):  # a card too, and the first that he may take
                outbox.replace(tx, device.id, Item(items.ACCEPT, card))
            else:
                outbox.drop(tx, device.id, items.CARD)
                outbox.put_first(tx, device.id, Item(items.CARD, card))
        lost_log.ask(app, tx, person.id)
    for person in people.persons(tx, "requested"):
        recovering.begin(tx, person.id)
        contacts.ask_again(app, tx, person)
