"""The ledger after a restore: pull what the other side holds, close the lost device's chains, go on.

The other side answers a wish for our log with the entries and, behind them, what it holds of each
account. Once all of that is here, I propose to close my lost device; he agrees if that shuts out
nothing he holds. docs/protocol/ledger.md, section 6.
"""

from __future__ import annotations

import logging

from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.core.ledger import agreements, holdings, recovery
from p2pchat.core.ledger.details import Closure
from p2pchat.core.ledger.holdings import Holdings
from p2pchat.core.ledger.recovery import Recovery
from p2pchat.core.ledger.units import Unit
from p2pchat.errors import UsageError
from p2pchat.node.effects import Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import accounts, ledger_holdings, ledger_intake, recovering
from p2pchat.node.features.ledger.accounts import Written
from p2pchat.node.features.people import lost_log
from p2pchat.store import events, ledger, outbox, people, recoveries
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)


def take_heads(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A contact says what it holds of our accounts; what it shows to be missing is asked for once more.

    Raises:
        ProtocolError: malformed.
    """
    named = holdings.decode(payload)
    known = recoveries.get(tx, sender.person)
    is_news = known is None or known.heads != payload
    recoveries.put(tx, recoveries.Recovery(sender.person, payload, settled=False))
    if is_news and _lacks(app, tx, sender.person, named):
        lost_log.ask(app, tx, sender.person)


def advance(app: App, tx: Transaction, person: PersonId) -> list[Written]:
    """Go as far as what is here allows: close the lost chains, then sign what has waited for it."""
    known = recoveries.get(tx, person)
    if known is None or known.settled or known.heads is None:
        return []
    named = dict(holdings.decode(known.heads))
    _open_all(app, tx, person, named)
    replaced = recovering.replaced_devices(app, tx)
    written: list[Written] = []
    settled = True
    for stored in ledger.accounts(tx, person):
        with accounts.known(app, tx, stored) as state:
            awaited = named.get(state.account.unit, ())
            under_way = Recovery(app.device, stored.epoch, awaited=awaited, replaced=replaced)
            for draft in recovery.closures_to_propose(under_way, state):
                written.append(accounts.write(app, tx, state, draft))
            settled &= recovery.is_settled(under_way, state)
    return [*written, *_finish(app, tx, person)] if settled else written


def agree(app: App, tx: Transaction, person: PersonId, unit: Unit, proposal: LedgerEntryId) -> list[Written]:
    """`person` closes a lost device of his: agree, or show what he would shut out."""
    with accounts.opened(app, tx, person, unit) as state:
        signed = state.find(proposal)
        assert signed is not None
        closure = signed.entry.details
        assert isinstance(closure, Closure)
        device = people.device(tx, closure.device)
        if device is None or device.person != person:
            return []  # a device of mine goes on until I say otherwise
        try:
            return [accounts.write(app, tx, state, agreements.agree(state, app.person, proposal))]
        except UsageError as error:
            logger.info("A closure was not agreed to: %s.", error)
    for one in people.devices(tx, person):
        outbox.put(tx, one.id, ledger_holdings.item(app, tx, person))
        tx.effects.append(Wake(one.id))
    return []


def _lacks(app: App, tx: Reader, person: PersonId, named: Holdings) -> bool:
    return any(ledger.get(tx, head) is None for _unit, heads in named for head in heads)


def _open_all(
    app: App, tx: Transaction, person: PersonId, named: dict[Unit, tuple[LedgerEntryId, ...]]
) -> None:
    for unit in named:
        with accounts.opened(app, tx, person, unit):
            pass


def _finish(app: App, tx: Transaction, person: PersonId) -> list[Written]:
    recoveries.put(tx, recoveries.Recovery(person, None, settled=True))
    known = people.person(tx, person)
    events.record(tx, "ledger.recovered", {"who": known.petname if known else ""}, app.now_ms())
    logger.info("The accounts with %s are settled; they go on.", person.short)
    written: list[Written] = []
    for stored in ledger.accounts(tx, person):
        with accounts.known(app, tx, stored) as state:
            offers = [offer.id for offer in state.offers_to(app.person)]
            waiting = ledger_intake.Taken("", state.account.unit, offers)
        written += ledger_intake.sign_unasked(app, tx, person, waiting)
    return written
